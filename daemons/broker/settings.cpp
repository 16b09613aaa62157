// SPDX-License-Identifier: Apache-2.0
#include "broker/settings.hpp"

#include "broker/setting_list.hpp"
#include "host/listener.hpp"
#include "host/setting_file.hpp"

#include <filesystem>
#include <set>
#include <utility>

namespace flotilla::broker_daemon {
namespace {

using host::laying;
using host::reading;
using host::toml_line;
using host::toml_text;
using host::writing;

void read_services(SettingsTable& root, const std::filesystem::path& folder,
                   DaemonSettings& settings) {
    std::set<std::string> names;
    auto tables = root.tables("service");
    if (tables.size() > services_max)
        root.refuse("service", std::to_string(tables.size()) + " services; at most " +
                                   std::to_string(services_max));
    for (SettingsTable& table : tables) {
        NamedService service;
        const auto name = table.text("name");
        service.name = name.value_or("");
        if (!name)
            table.refuse("name", "a service without a name; write name = \"...\"");
        else if (name->empty() || name->size() > request::limits::service_bytes_max)
            table.refuse("name", "'name' has " + std::to_string(name->size()) +
                                     " bytes; it must have 1 to " +
                                     std::to_string(request::limits::service_bytes_max));
        else if (name->rfind("mmi.", 0) == 0)
            table.refuse("name", "'" + *name + "': the broker answers mmi.* itself");
        else if (!names.insert(*name).second)
            table.refuse("name", "'" + *name + "' has a table already");
        host::SettingReader in(table, folder);
        for_each_service_setting(reading(in, service.settings));
        settings.services.push_back(std::move(service));
    }
}

} // namespace

Result<std::vector<net::Endpoint>> parse_binds(const std::vector<std::string>& texts) {
    return host::parse_binds(texts, "a broker");
}

Result<DaemonSettings> parse_settings(std::string_view text, const std::string& file) {
    auto parsed = Settings::parse(text, file);
    if (!parsed)
        return fail(parsed.error());
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    SettingsTable root = parsed->root();
    DaemonSettings settings;
    if (const auto texts = root.texts("bind")) {
        auto binds = parse_binds(*texts);
        if (binds)
            settings.bind = std::move(*binds);
        else
            root.refuse("bind", "'bind': " + binds.error().detail);
    }
    host::SettingReader in(root, folder);
    for_each_setting(reading(in, settings));
    for_each_service_setting(reading(in, settings.service));
    read_services(root, folder, settings);
    host::refuse_access_tables(root);
    if (const Status done = parsed->finish(); !done)
        return fail(done.error());
    return settings;
}

DaemonSettings lay_over(DaemonSettings flags, DaemonSettings file) {
    if (!flags.bind)
        flags.bind = std::move(file.bind);
    for_each_setting(laying(flags, file));
    for_each_service_setting(laying(flags.service, file.service));
    flags.services = std::move(file.services);
    return flags;
}

namespace {

ServiceSettings standard_service() {
    const request::ServiceLimits limits;
    ServiceSettings all;
    all.request_expiry = limits.expiry;
    all.requeue = limits.requeue;
    all.attempts_max = limits.attempts_max;
    all.prefetch = limits.prefetch;
    all.busy_max = limits.busy_max;
    all.queue_messages_max = limits.queue_messages_max;
    all.queue_bytes_max = limits.queue_bytes_max;
    all.when_full = limits.when_full == request::WhenFull::refuse ? "refuse" : "drop_oldest";
    return all;
}

DaemonSettings standard() {
    const request::BrokerOptions options;
    const request::BrokerLimits& limits = options.limits;
    DaemonSettings all;
    all.service = standard_service();
    all.heartbeat = limits.heartbeat;
    all.liveness = limits.liveness;
    all.services_max = limits.services_max;
    all.workers_max = limits.workers_max;
    all.requests_max = limits.requests_max;
    all.requests_bytes_max = limits.requests_bytes_max;
    all.message_bytes_max = limits.message_bytes_max;
    all.kept_answers_max = limits.kept_answers_max;
    all.kept_bytes_max = limits.kept_bytes_max;
    all.kept_for = limits.kept_for;
    all.backlog_messages_max = options.backlog_messages_max;
    all.backlog_bytes_max = options.backlog_bytes_max;
    all.backlogs_bytes_max = options.backlogs_bytes_max;
    host::add_common_defaults(all, program_name);
    return all;
}

} // namespace

DaemonSettings in_effect(DaemonSettings settings) {
    DaemonSettings defaults = standard();
    for_each_setting(laying(settings, defaults));
    for_each_service_setting(laying(settings.service, defaults.service));
    for (NamedService& each : settings.services) {
        ServiceSettings shared = settings.service;
        for_each_service_setting(laying(each.settings, shared));
    }
    return settings;
}

std::string format_settings(const DaemonSettings& settings) {
    const DaemonSettings all = in_effect(settings);
    std::string out;
    if (all.bind) {
        std::vector<std::string> texts;
        for (const net::Endpoint& each : *all.bind)
            texts.push_back(each.text());
        host::toml_list(out, "bind", texts);
    }
    for_each_setting(writing(out, all));
    out += "\n# Services without a table of their own:\n";
    for_each_service_setting(writing(out, all.service));
    for (const NamedService& each : all.services) {
        out += "\n[[service]]\n";
        toml_line(out, "name", toml_text(each.name));
        for_each_service_setting(writing(out, each.settings));
    }
    return out;
}

} // namespace flotilla::broker_daemon
