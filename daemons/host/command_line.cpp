// SPDX-License-Identifier: Apache-2.0
#include "host/command_line.hpp"

#include <flotilla/net/context.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <iostream>

namespace flotilla::host {

void read_from_environment(CLI::Option& option, const std::string& prefix) {
    std::string variable = option.get_name().substr(2);
    std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) {
        return c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    option.envname(prefix + variable);
}

void add_common_flags(CLI::App& app, CommonFlags& flags, const std::string& prefix) {
    const char* const group = "Daemon";
    auto* config = app.add_option("--config", flags.config, "Read settings from this TOML file")
                       ->type_name("FILE")
                       ->group(group);
    app.add_flag("--check-config", flags.check_config,
                 "Check the settings and the keys they name, then exit: 0 right, 2 wrong")
        ->group(group);
    app.add_flag("--print-config", flags.print_config,
                 "Print the settings in effect as TOML, then exit")
        ->group(group);
    auto* ready =
        &add_switch(app, "--ready-json", flags.ready_json,
                    "When ready, say where it is bound as one JSON line on standard output");
    ready->group(group);
    for (CLI::Option* each : {config, ready})
        read_from_environment(*each, prefix);
}

CLI::Option& add_switch(CLI::App& app, const std::string& name, std::optional<bool>& value,
                        const std::string& help) {
    auto* const added = app.add_flag_function(
        name, [&value](std::int64_t said) { value = said > 0; }, help);
    // The parser's own reading of words throws what is none of its errors, and takes any number.
    added->check([](const std::string& said) -> std::string {
        for (const char* const known : {"true", "yes", "on", "1", "false", "no", "off", "0"})
            if (said == known)
                return {};
        return "'" + said + "' is neither true nor false; write one of these";
    });
    return *added;
}

std::optional<ExitCode> parse(CLI::App& app, int count, const char* const* arguments) {
    try {
        app.parse(count, arguments);
        return std::nullopt;
    } catch (const CLI::Success& done) { // --help, --version
        app.exit(done, std::cout, std::cerr);
        return ExitCode::ok;
    } catch (const CLI::ParseError& wrong) {
        std::cerr << app.get_name() << ": " << wrong.what() << "\nSee " << app.get_name()
                  << " --help\n";
        return ExitCode::usage;
    }
}

std::string version_text(const std::string& program) {
    const net::TransportVersion zmq = net::transport_version();
    return program + " " FLOTILLA_VERSION " (libzmq " + std::to_string(zmq.major) + "." +
           std::to_string(zmq.minor) + "." + std::to_string(zmq.patch) + ")";
}

} // namespace flotilla::host
