// SPDX-License-Identifier: Apache-2.0
#include "host/program.hpp"
#include "relay/command_line.hpp"
#include "relay/service.hpp"

#include <command_line/peer_numbers.hpp>
#include <command_line/standard_files.hpp>

#include <utility>

using namespace flotilla;
using namespace flotilla::relay_daemon;

namespace {

ExitCode serve(const Command& command, std::vector<relay::RelayOptions> relays) {
    ServiceOptions options;
    options.relays = std::move(relays);
    return admin::serve<Service>(program_name, command, std::move(options));
}

ExitCode run(int count, const char* const* arguments) {
    const auto read = read_command_line(count, arguments);
    if (const auto* code = std::get_if<ExitCode>(&read))
        return *code;
    return host::obey(
        program_name, std::get<Command>(read),
        [](const DaemonSettings& settings) { return make_options(settings); }, serve);
}

} // namespace

int main(int count, char** arguments) {
    command_line::occupy_closed_standard_files();
    command_line::hide_peer_numbers();
    return static_cast<int>(run(count, arguments));
}
