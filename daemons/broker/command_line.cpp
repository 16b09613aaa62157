// SPDX-License-Identifier: Apache-2.0
#include "broker/command_line.hpp"

#include "broker/setting_list.hpp"
#include "host/command_line.hpp"
#include "host/setting_flags.hpp"

#include <command_line/program.hpp>

#include <iostream>

namespace flotilla::broker_daemon {
namespace {

const std::string prefix = "FLOTILLA_BROKER_";

constexpr const char* examples = R"(
Clients and workers connect to the same endpoints. Every option can be given as
FLOTILLA_BROKER_NAME in the environment, lists with commas; a file may also have a [[service]]
table for each service that differs.

Examples:
  flotilla-broker --bind tcp://127.0.0.1:5555
  flotilla-broker --bind tcp://127.0.0.1:5555 --bind ipc:///run/broker --requeue \
      --request-expiry 10s
      what a dead worker held goes to another; clients wait at most 10 s
  flotilla-broker --bind 'tcp://127.0.0.1:*' --ready-json
      on a port of the system's choice, told as one line of JSON
  flotilla-broker --bind tcp://0.0.0.0:5555 --curve-key broker.key_secret --allow-client-keys peers/
  flotilla-broker --config broker.toml
)";

template <class Settings>
host::SettingFlags<Settings> flags_of(host::Parser& parser, const char* group, Settings& settings) {
    return {parser, group, settings, prefix};
}

struct Given {
    host::CommonFlags common{};
    std::vector<std::string> bind{};
    DaemonSettings settings{};
};

void add_flags(host::Parser& parser, Given& given) {
    const host::Option bind =
        parser
            .add_option("--bind", given.bind, "Where clients and workers meet it; may be repeated")
            .type_name("ENDPOINT")
            .group("Broker")
            .separated_by(',');
    host::read_from_environment(bind, prefix);
    DaemonSettings& all = given.settings;
    for_each_broker_setting(flags_of(parser, "Broker", all));
    for_each_service_setting(
        flags_of(parser, "Services without a table of their own", all.service));
    for_each_limit(flags_of(parser, "Limits", all));
    host::add_common_settings(parser, given.settings, given.common, prefix);
}

// What flags and variables say, and which file lies under them.
Result<Source> source_of(Given& given) {
    if (!given.bind.empty()) {
        auto binds = parse_binds(given.bind);
        if (!binds)
            return fail(binds.error().code, "--bind: " + binds.error().detail);
        given.settings.bind = std::move(*binds);
    }
    return Source{std::move(given.settings), std::move(given.common.config)};
}

} // namespace

Result<DaemonSettings> read_again(const Source& source) {
    return host::read_settings(source, parse_settings, lay_over);
}

std::variant<Command, ExitCode> read_command_line(int count, const char* const* arguments) {
    host::Parser parser(
        "Routes requests of clients to workers by the name of a service: Majordomo, both "
        "versions on one port.",
        program_name);
    parser.set_version(host::version_text(program_name));
    parser.set_footer(examples);
    Given given;
    add_flags(parser, given);
    if (const auto done = command_line::read_words(parser, count, arguments))
        return *done;
    command_line::warn_of_unknown_variables(parser, prefix);
    given.common.variables = command_line::given_by_variables(parser, count, arguments);
    return host::command_of<DaemonSettings>(program_name, given.common, source_of(given),
                                            read_again);
}

} // namespace flotilla::broker_daemon
