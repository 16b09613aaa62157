// SPDX-License-Identifier: Apache-2.0
//
// The process's limit of open files, for whoever listens: with few descriptors left, newcomers are
// hung up on, so that a socket never runs out of them halfway.
#pragma once

#include <flotilla/base/result.hpp>

namespace flotilla::net {

// Whether a few connections that came now would be kept. A server asks once its sockets are open.
// Errors: out_of_files, with the limit and how far it has to be raised.
Status check_room_for_connections();

} // namespace flotilla::net
