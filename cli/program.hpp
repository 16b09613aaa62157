// SPDX-License-Identifier: Apache-2.0
//
// The program: from the words of a command line to an exit status. CLI11 is used here, in the
// verbs' declarations and in options.cpp; its exceptions end here.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace flotilla::cli {

// `words` without the program's name. Returns the exit status: an ExitCode, or 128 + the signal
// that ended a run.
int run_program(std::vector<std::string> words);

// The whole tree of verbs and options, declared but not parsed; for what is generated from it.
std::unique_ptr<CLI::App> make_tree();

} // namespace flotilla::cli
