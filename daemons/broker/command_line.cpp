// SPDX-License-Identifier: Apache-2.0
#include "broker/command_line.hpp"

#include "broker/setting_list.hpp"
#include "host/command_line.hpp"
#include "host/lifecycle.hpp"

#include <flotilla/base/units.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace flotilla::broker_daemon {
namespace {

constexpr const char* program = "flotilla-broker";
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

std::string flag_name(std::string key) {
    std::replace(key.begin(), key.end(), '_', '-');
    return "--" + key;
}

// A value in a text, as a flag has it.
Result<std::uint64_t> parse(const std::string& text, const Counts& values) {
    return parse_count(text, values.min, values.max);
}
Result<std::uint64_t> parse(const std::string& text, const Sizes& values) {
    auto bytes = parse_bytes(text);
    const Status right = bytes ? in_range(values, *bytes, format_bytes) : Status{};
    return right ? bytes : fail(right.error());
}
Result<Duration> parse(const std::string& text, const Times& values) {
    auto time = parse_duration(text);
    const Status right = time ? in_range(values, *time, format_duration) : Status{};
    return right ? time : fail(right.error());
}
Result<std::string> parse(const std::string& text, const Words& values) {
    for (const std::string_view choice : values.choices)
        if (text == choice)
            return text;
    std::string listed;
    for (const std::string_view choice : values.choices)
        listed += (listed.empty() ? "" : ", ") + std::string(choice);
    return fail(Errc::bad_option, "'" + text + "' is none of " + listed);
}
Result<std::string> parse(const std::string& text, const Paths&) {
    return text;
}

const char* type_name(const Counts&) {
    return "N";
}
const char* type_name(const Sizes&) {
    return "SIZE";
}
const char* type_name(const Times&) {
    return "TIME";
}
const char* type_name(const Words&) {
    return "WORD";
}
const char* type_name(const Paths&) {
    return "FILE|DIR";
}

// Declares the flag of each setting that it visits.
template <class Settings>
class FlagAdder {
public:
    FlagAdder(CLI::App& app, const char* group, Settings& settings)
        : app_(app), group_(group), settings_(settings) {}

    template <class Field, class Values>
    void operator()(const char* key, Field field, const Values& values, const char* help) const {
        auto& target = settings_.*field;
        const std::string name = flag_name(key);
        const auto take = [&target, values, name](const std::string& text) {
            auto value = parse(text, values);
            if (!value)
                throw CLI::ValidationError(name, value.error().detail);
            target = std::move(*value);
        };
        finish(
            *app_.add_option_function<std::string>(name, take, help)->type_name(type_name(values)));
    }
    template <class Field>
    void operator()(const char* key, Field field, const Flags&, const char* help) const {
        auto& target = settings_.*field;
        finish(host::add_switch(app_, flag_name(key), target, help));
    }

private:
    void finish(CLI::Option& option) const {
        option.group(group_);
        host::read_from_environment(option, prefix);
    }

    CLI::App& app_;
    const char* group_;
    Settings& settings_;
};

struct Given {
    host::CommonFlags common{};
    std::vector<std::string> bind{};
    bool ready_json = false;
    DaemonSettings settings{};
};

void add_flags(CLI::App& app, Given& given) {
    auto* bind =
        app.add_option("--bind", given.bind, "Where clients and workers meet it; may be repeated");
    bind->type_name("ENDPOINT")->group("Broker")->delimiter(',')->take_all();
    host::read_from_environment(*bind, prefix);
    DaemonSettings& all = given.settings;
    for_each_broker_setting(FlagAdder<DaemonSettings>(app, "Broker", all));
    for_each_service_setting(
        FlagAdder<ServiceSettings>(app, "Services without a table of their own", all.service));
    for_each_limit(FlagAdder<DaemonSettings>(app, "Limits", all));
    for_each_security_setting(FlagAdder<DaemonSettings>(app, "Security", all));
    for_each_daemon_setting(FlagAdder<DaemonSettings>(app, "Daemon", all));
    auto* ready =
        app.add_flag("--ready-json", given.ready_json,
                     "When ready, say where it is bound as one JSON line on standard output");
    ready->group("Daemon");
    host::read_from_environment(*ready, prefix);
    host::add_common_flags(app, given.common, prefix);
}

Result<DaemonSettings> settings_of(Given& given) {
    if (!given.bind.empty()) {
        auto binds = parse_binds(given.bind);
        if (!binds)
            return fail(binds.error().code, "--bind: " + binds.error().detail);
        given.settings.bind = std::move(*binds);
    }
    given.settings.log_level = given.common.log_level;
    given.settings.log_format = given.common.log_format;
    if (given.common.config.empty())
        return std::move(given.settings);
    const auto text = host::read_settings_file(given.common.config);
    if (!text)
        return fail(Errc::bad_setting, text.error().detail);
    auto file = parse_settings(*text, given.common.config);
    if (!file)
        return file;
    return lay_over(std::move(given.settings), std::move(*file));
}

} // namespace

std::variant<Command, ExitCode> read_command_line(int count, const char* const* arguments) {
    CLI::App app("Routes requests of clients to workers by the name of a service: Majordomo, both "
                 "versions on one port.",
                 program);
    app.set_version_flag("--version", host::version_text(program));
    app.footer(examples);
    Given given;
    add_flags(app, given);
    if (const auto done = host::parse(app, count, arguments))
        return *done;
    auto settings = settings_of(given);
    if (!settings) {
        std::cerr << program << ": " << settings.error().detail << "\n";
        return ExitCode::usage;
    }
    Command command;
    command.task = given.common.check_config   ? Task::check_config
                   : given.common.print_config ? Task::print_config
                                               : Task::run;
    command.ready_json = given.ready_json;
    command.settings = std::move(*settings);
    return command;
}

} // namespace flotilla::broker_daemon
