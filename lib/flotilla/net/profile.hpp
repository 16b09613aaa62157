// SPDX-License-Identifier: Apache-2.0
// SocketOptions, checked and put on a fresh libzmq socket. Private to net.
#pragma once

#include <flotilla/net/socket.hpp>

namespace flotilla::net::detail {

// Errors: bad_option, naming the field and its range.
Status check_options(SocketType type, const SocketOptions& options);
// Puts who may connect where the ZAP handler finds it, before the socket binds. Errors: those of
// set_gate().
Status guard(Context& context, const SocketOptions& options);
// Errors: bad_option, unsupported.
Status apply_options(void* handle, SocketType type, const SocketOptions& options);

} // namespace flotilla::net::detail
