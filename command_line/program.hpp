// SPDX-License-Identifier: Apache-2.0
//
// The command line of a program whose help is CLI11's.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <command_line/parser.hpp>

#include <optional>

namespace flotilla::command_line {

// Parses the words of main(); nothing when the program should go on. Help and version go to
// standard output and end it with ok; what is wrong goes to standard error and ends it with usage.
std::optional<ExitCode> read_words(Parser& parser, int count, const char* const* words);

} // namespace flotilla::command_line
