// SPDX-License-Identifier: Apache-2.0
//
// Help: the text of `PROGRAM --help` and `PROGRAM SUBCOMMAND --help`, made from the tree of
// options. Written here and not by CLI11, so that every version of it gives the same text.
#pragma once

#include <command_line/parser.hpp>

#include <string>
#include <string_view>

namespace flotilla::command_line {

// Usage, what it does, its subcommands, arguments and options by group, and the footer.
std::string help(const Parser& parser);

// `text` appended to `out`, whose last line has `column` characters, broken at spaces to fit a
// terminal; later lines are indented. Its own line breaks stay.
void wrap(std::string& out, std::string_view text, std::size_t column, std::size_t indent);

} // namespace flotilla::command_line
