// SPDX-License-Identifier: Apache-2.0
#include "broker/command_line.hpp"
#include "broker/service.hpp"
#include "host/program.hpp"

#include <utility>

using namespace flotilla;
using namespace flotilla::broker_daemon;

namespace {

constexpr const char* program = "flotilla-broker";

ExitCode serve(const Command& command, request::BrokerOptions broker) {
    const DaemonSettings settings = in_effect(command.settings);
    ServiceOptions options;
    options.broker = std::move(broker);
    options.settings = settings;
    auto admin = admin::admin_options(settings, program);
    if (!admin) { // they were right a moment ago
        host::refuse(program, admin.error());
        return ExitCode::usage;
    }
    options.admin = std::move(*admin);
    options.read_again = [source = command.source] { return read_again(source); };
    return host::serve(program, command, *host::log_level_named(*settings.log_level),
                       *host::log_format_named(*settings.log_format),
                       [&](host::Log& log) { return Service::open(std::move(options), log); });
}

ExitCode run(int count, const char* const* arguments) {
    const auto read = read_command_line(count, arguments);
    if (const auto* code = std::get_if<ExitCode>(&read))
        return *code;
    return host::obey(
        program, std::get<Command>(read),
        [](const DaemonSettings& settings) { return make_options(settings); }, serve);
}

} // namespace

int main(int count, char** arguments) {
    return static_cast<int>(run(count, arguments));
}
