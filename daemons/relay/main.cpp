// SPDX-License-Identifier: Apache-2.0
#include "host/lifecycle.hpp"
#include "relay/command_line.hpp"
#include "relay/service.hpp"

#include <iostream>
#include <utility>

using namespace flotilla;
using namespace flotilla::relay_daemon;

namespace {

ExitCode refuse(const Error& error) {
    std::cerr << "flotilla-relay: " << error.detail << "\n";
    return exit_code(error.code);
}

ExitCode serve(const Command& command, std::vector<relay::RelayOptions> relays) {
    // Before any thread starts: threads inherit which signals are blocked.
    auto signals = host::Signals::open();
    if (!signals)
        return refuse(signals.error());
    host::raise_file_limit();
    const host::Log log(command.settings.log_level.value_or(host::LogLevel::info),
                        command.settings.log_format.value_or(host::LogFormat::text));
    ServiceOptions options;
    options.relays = std::move(relays);
    options.drain = command.settings.drain_or_default();
    options.io_threads = static_cast<std::uint32_t>(command.settings.io_threads.value_or(1));
    auto service = Service::open(std::move(options), log);
    if (!service)
        return refuse(service.error());
    if (command.ready_json)
        std::cout << service->ready_json() << std::endl;
    const ExitCode code = service->run(*signals);
    // From here a signal ends the process, so that nobody has to wait for the sockets to flush.
    { const host::Signals given_back = std::move(*signals); }
    return code;
}

ExitCode run(int count, const char* const* arguments) {
    const auto read = read_command_line(count, arguments);
    if (const auto* code = std::get_if<ExitCode>(&read))
        return *code;
    const auto& command = std::get<Command>(read);
    if (command.task == Task::print_config) {
        std::cout << format_settings(command.settings);
        return ExitCode::ok;
    }
    auto relays = make_options(command.settings);
    if (!relays) {
        refuse(relays.error());
        return ExitCode::usage; // whatever is wrong, the settings name it
    }
    if (command.task == Task::check_config)
        return ExitCode::ok;
    return serve(command, std::move(*relays));
}

} // namespace

int main(int count, char** arguments) {
    return static_cast<int>(run(count, arguments));
}
