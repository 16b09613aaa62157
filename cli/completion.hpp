// SPDX-License-Identifier: Apache-2.0
//
// Completion: scripts for shells, written from the tree of verbs and options, so that they know
// exactly what the program knows. Pure.
#pragma once

#include <command_line/parser.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli {

using command_line::Parser;

// What a shell has to know.
struct CompletionOption {
    std::vector<std::string> names{};   // "-n", "--count"
    std::string help{};                 // one line
    std::vector<std::string> choices{}; // the words its value may be
    enum class Value : std::uint8_t { none, text, choice, file } value = Value::none;
};
struct CompletionVerb {
    std::string name{};
    std::string summary{};
    std::vector<CompletionOption> options{};
    std::vector<std::string> words{}; // subcommands, or the choices of the first argument
    bool takes_files = false;         // as an argument
};
std::vector<CompletionVerb> describe_tree(const Parser& root);

enum class Shell : std::uint8_t { bash, zsh, fish };
std::string completion_script(Shell shell, const std::vector<CompletionVerb>& verbs);

} // namespace flotilla::cli
