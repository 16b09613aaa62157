// SPDX-License-Identifier: Apache-2.0
//
// Help: the text of `zmq --help` and `zmq VERB --help`, made from the tree of options. Written here
// and not by CLI11, so that every version of it gives the same text.
#pragma once

#include <command_line/parser.hpp>

#include <string>

namespace flotilla::cli {

using command_line::Option;
using command_line::Parser;

std::string program_help(const Parser& root);
// Usage, what the verb does, options by group, and the examples (the subcommand's footer).
std::string verb_help(const Parser& verb);

} // namespace flotilla::cli
