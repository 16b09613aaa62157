// SPDX-License-Identifier: Apache-2.0
//
// What the command lines of all daemons have in common. Flags win over the environment, the
// environment over the settings file, the file over defaults: absent values stay absent here.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <optional>
#include <string>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace flotilla::host {

// What a command line asks for; the last two print, and end.
enum class Task { run, check_config, print_config };

struct CommonFlags {
    std::string config{};
    bool check_config = false;
    bool print_config = false;
    std::optional<bool> ready_json{}; // say where it is bound on standard output too

    Task task() const noexcept {
        return check_config ? Task::check_config : print_config ? Task::print_config : Task::run;
    }
};

// `prefix` is that of the program's variables, "FLOTILLA_RELAY_".
void add_common_flags(CLI::App& app, CommonFlags& flags, const std::string& prefix);

// "FLOTILLA_RELAY_" + "--allow-plaintext" is read from FLOTILLA_RELAY_ALLOW_PLAINTEXT.
void read_from_environment(CLI::Option& option, const std::string& prefix);

// A switch that may be given a value, by the command line or its variable: true, yes, on, 1 or
// false, no, off, 0. Anything else is refused. `value` is only written when it is given.
CLI::Option& add_switch(CLI::App& app, const std::string& name, std::optional<bool>& value,
                        const std::string& help);

// Parses; nothing when the program should go on. Help and version go to standard output and end it
// with ok; whatever else the parser throws goes to standard error and ends it with usage.
std::optional<ExitCode> parse(CLI::App& app, int count, const char* const* arguments);

// What "--version" says: name, version, libzmq.
std::string version_text(const std::string& program);

} // namespace flotilla::host
