// SPDX-License-Identifier: Apache-2.0
//
// What a program says about its command line: help, version, and what is wrong with it.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <command_line/parser.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::command_line {

// To standard output. runtime_error when it does not take all of it.
ExitCode print(const std::string& text);

// What is wrong with the words that `root` refused, what was probably meant, and where help is:
//     zmq pub: unknown option --tpic; did you mean --topic?
//     Try: zmq pub --help
// `noun` is what the subcommands of the root are called.
std::string complaint(const Parser& root, const Error& refused,
                      const std::string& noun = "command");

// That, to standard error. Returns usage.
ExitCode complain(const Parser& root, const Error& refused, const std::string& noun = "command");

// Parses the words of main(); nothing when the program should
// go on. Help and version go to standard output and end it with ok; what is wrong goes to standard
// error and ends it with usage.
std::optional<ExitCode> read_words(Parser& parser, int count, const char* const* words);

// A variable of the environment that looks as if it were ours, and that no option reads.
struct UnknownVariable {
    std::string name;
    std::string meant; // the nearest that there is; empty: none is near
};
// Those that begin with `prefix`, by name, at most 20. `root` is asked with its subcommands.
std::vector<UnknownVariable> unknown_variables(const Parser& root, const std::string& prefix);
// "there is no variable FLOTILLA_STORE_BNID; did you mean FLOTILLA_STORE_BIND?"
std::string explain(const UnknownVariable& unknown);
// Each of them to standard error, as a warning of the program.
void warn_of_unknown_variables(const Parser& root, const std::string& prefix);

// An option that no word of the line gives, and its variable, which is set.
struct FromVariable {
    std::string option; // "--bind"
    std::string variable;
};
std::vector<FromVariable> given_by_variables(const Parser& parser, int count,
                                             const char* const* words);
// A sentence about settings, "--bind (bind) ...", in which those options go by their variables.
std::string named_by_source(std::string sentence, const std::vector<FromVariable>& given);

} // namespace flotilla::command_line
