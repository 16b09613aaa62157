// SPDX-License-Identifier: Apache-2.0
//
// Socket options by name, for tools that let a person try one: set_option(socket, "SNDBUF",
// "65536"). Programs use SocketOptions.
#pragma once

#include <flotilla/net/socket.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net {

// `name` as in libzmq's manual, with or without ZMQ_, any case; `value` a number, or text for
// options that take text. Errors: bad_option (unknown name with the nearest known one; value
// refused).
Status set_option(Socket& socket, std::string_view name, std::string_view value);
std::vector<std::string> option_names();

} // namespace flotilla::net
