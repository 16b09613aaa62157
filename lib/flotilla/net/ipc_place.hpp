// SPDX-License-Identifier: Apache-2.0
//
// Whether an ipc endpoint may be bound. libzmq deletes whatever has its path first: an ordinary
// file, or the socket of a program that still listens there and would hear of nobody any more.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/endpoint.hpp>

namespace flotilla::net::detail {

// Other transports, and names that are not paths: always. A socket of this process that has the
// path may be closing, which libzmq does in the background: it is waited for, 100 ms at most.
// Errors: address_in_use (somebody listens, or something else has the path), address_unavailable.
Status check_ipc_place(const Endpoint& endpoint);

} // namespace flotilla::net::detail
