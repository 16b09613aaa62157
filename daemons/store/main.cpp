// SPDX-License-Identifier: Apache-2.0
#include "host/lifecycle.hpp"
#include "store/command_line.hpp"
#include "store/service.hpp"

#include <iostream>
#include <utility>

using namespace flotilla;
using namespace flotilla::store_daemon;

namespace {

ExitCode refuse(const Error& error) {
    std::cerr << "flotilla-store: " << error.detail << "\n";
    return exit_code(error.code);
}

ExitCode serve(const Command& command, queue::QueueServerOptions server) {
    // Before any thread starts: threads inherit which signals are blocked.
    auto signals = host::Signals::open();
    if (!signals)
        return refuse(signals.error());
    host::raise_file_limit();
    const DaemonSettings settings = in_effect(command.settings);
    const host::Log log(*host::log_level_named(*settings.log_level),
                        *host::log_format_named(*settings.log_format));
    ServiceOptions options;
    options.server = std::move(server);
    options.store = store_options(settings);
    options.data = *settings.data;
    options.bind = *settings.bind;
    options.queues = settings.queues;
    options.drain = *settings.drain;
    options.io_threads = static_cast<std::uint32_t>(*settings.io_threads);
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
    if (const auto* tool = std::get_if<ToolCommand>(&read))
        return run_tool(*tool);
    const auto& command = std::get<Command>(read);
    if (command.task == Task::print_config) {
        std::cout << format_settings(command.settings);
        return ExitCode::ok;
    }
    auto options = make_options(command.settings);
    if (!options) {
        refuse(options.error());
        return ExitCode::usage; // whatever is wrong, the settings name it
    }
    if (command.task == Task::check_config)
        return ExitCode::ok;
    return serve(command, std::move(*options));
}

} // namespace

int main(int count, char** arguments) {
    return static_cast<int>(run(count, arguments));
}
