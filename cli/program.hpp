// SPDX-License-Identifier: Apache-2.0
//
// The program: from the words of a command line to an exit status.
#pragma once

#include <command_line/parser.hpp>

#include <memory>
#include <string>
#include <vector>

namespace flotilla::cli {

using command_line::Parser;

// `words` without the program's name. Returns the exit status: an ExitCode, or 128 + the signal
// that ended a run.
int run_program(std::vector<std::string> words);

// `zmq --help`.
std::string program_help(const Parser& root);

// The whole tree of verbs and options, declared but not parsed; for what is generated from it.
std::unique_ptr<Parser> make_tree();

} // namespace flotilla::cli
