// SPDX-License-Identifier: Apache-2.0
// What the program puts behind the -- of a command line of a verb that runs commands, so that the
// verb can tell a forgotten argument before it (without it, the command's own name would be taken
// for one) and a command that is empty. It must not begin with the program's shield, which is taken
// off every word.
#pragma once

#include <flotilla/base/result.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli {

inline constexpr std::string_view command_mark = "\002command";

// Takes the mark out of a verb's CMD. Errors: bad_option (nothing is behind it).
inline Status take_mark(std::vector<std::string>& command) {
    const auto mark = std::find(command.begin(), command.end(), command_mark);
    if (mark == command.end())
        return {};
    command.erase(mark);
    if (command.empty() || command.front().empty())
        return fail(Errc::bad_option, "the command after -- is empty: is it a variable that is not "
                                      "set? Write a command after --, or leave -- out");
    return {};
}

} // namespace flotilla::cli
