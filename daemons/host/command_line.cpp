// SPDX-License-Identifier: Apache-2.0
#include "host/command_line.hpp"

#include <flotilla/net/context.hpp>

#include <algorithm>
#include <cctype>

namespace flotilla::host {

void read_from_environment(Option option, const std::string& prefix) {
    std::string variable = option.name().substr(2);
    std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) {
        return c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    option.variable(prefix + variable);
}

void add_common_flags(Parser& parser, CommonFlags& flags, const std::string& prefix) {
    const char* const group = "Daemon";
    const Option config =
        parser.add_option("--config", flags.config, "Read settings from this TOML file")
            .type_name("FILE")
            .group(group);
    parser
        .add_flag("--check-config", flags.check_config,
                  "Check the settings and the keys they name, then exit: 0 right, 2 wrong")
        .group(group);
    parser
        .add_flag("--print-config", flags.print_config,
                  "Print the settings in effect as TOML, then exit")
        .group(group);
    const Option ready =
        parser
            .add_switch("--ready-json", flags.ready_json,
                        "When ready, say where it is bound as one JSON line on standard output")
            .group(group);
    for (const Option each : {config, ready})
        read_from_environment(each, prefix);
}

std::string version_text(const std::string& program) {
    const net::TransportVersion zmq = net::transport_version();
    return program + " " FLOTILLA_VERSION " (libzmq " + std::to_string(zmq.major) + "." +
           std::to_string(zmq.minor) + "." + std::to_string(zmq.patch) + ")";
}

} // namespace flotilla::host
