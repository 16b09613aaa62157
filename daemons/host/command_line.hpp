// SPDX-License-Identifier: Apache-2.0
//
// What the command lines of all daemons have in common. Flags win over the environment, the
// environment over the settings file, the file over defaults: absent values stay absent here.
#pragma once

#include <command_line/parser.hpp>
#include <command_line/program.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::host {

using command_line::Option;
using command_line::Parser;

// What a command line asks for; the last two print, and end.
enum class Task { run, check_config, print_config };

struct CommonFlags {
    std::string config{};
    bool check_config = false;
    bool print_config = false;
    std::optional<bool> ready_json{}; // say where it is bound on standard output too
    std::vector<command_line::FromVariable> variables{}; // what was not said by a word

    Task task() const noexcept {
        return check_config ? Task::check_config : print_config ? Task::print_config : Task::run;
    }
};

// `prefix` is that of the program's variables, "FLOTILLA_RELAY_".
void add_common_flags(Parser& parser, CommonFlags& flags, const std::string& prefix);

// "FLOTILLA_RELAY_" + "--allow-plaintext" is read from FLOTILLA_RELAY_ALLOW_PLAINTEXT.
void read_from_environment(Option option, const std::string& prefix);

// What "--version" says: name, version, libzmq.
std::string version_text(const std::string& program);

} // namespace flotilla::host
