// SPDX-License-Identifier: Apache-2.0
//
// Help: the text of `zmq --help` and `zmq VERB --help`, made from the tree of options. Written here
// and not by CLI11, so that every version of it gives the same text.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace flotilla::cli {

std::string program_help(const CLI::App& root);
// Usage, what the verb does, options by group, and the examples (the subcommand's footer).
std::string verb_help(const CLI::App& verb);

} // namespace flotilla::cli
