// SPDX-License-Identifier: Apache-2.0
// What the program puts behind the -- of a command line of `zmq serve`, so that the verb can tell a
// forgotten SERVICE: without it, the command's own name would be taken for one. It must not begin
// with the program's shield, which is taken off every word.
#pragma once

#include <string_view>

namespace flotilla::cli {

inline constexpr std::string_view command_mark = "\002command";

} // namespace flotilla::cli
