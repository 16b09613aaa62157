// SPDX-License-Identifier: Apache-2.0
#include "store/settings.hpp"

#include "host/listener.hpp"
#include "host/setting_file.hpp"
#include "store/setting_list.hpp"
#include "store/tables.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace flotilla::store_daemon {

Result<DaemonSettings> parse_settings(std::string_view text, const std::string& file) {
    auto parsed = Settings::parse(text, file);
    if (!parsed)
        return fail(parsed.error());
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    SettingsTable root = parsed->root();
    DaemonSettings settings;
    if (const auto texts = root.texts("bind")) {
        auto binds = host::parse_binds(*texts, "a store");
        if (binds)
            settings.bind = std::move(*binds);
        else
            root.refuse("bind", "'bind': " + binds.error().detail);
    }
    host::SettingReader in(root, folder);
    for_each_setting(host::reading(in, settings));
    read_tables(root, settings);
    host::refuse_access_tables(root);
    if (const Status done = parsed->finish(); !done)
        return fail(done.error());
    return settings;
}

DaemonSettings lay_over(DaemonSettings flags, DaemonSettings file) {
    if (!flags.bind)
        flags.bind = std::move(file.bind);
    for_each_setting(host::laying(flags, file));
    flags.queues = std::move(file.queues);
    flags.patterns = std::move(file.patterns);
    flags.doors = std::move(file.doors);
    return flags;
}

namespace {

DaemonSettings standard() {
    const queue::QueueServerOptions options;
    const queue::StoreLimits& limits = options.limits;
    const queue::LmdbOptions store;
    DaemonSettings all;
    all.default_queue = limits.default_queue;
    all.file_bytes_max = store.bytes_max;
    all.write_ahead_bytes = store.write_ahead_bytes;
    all.disk_reserve_bytes = store.disk_reserve_bytes;
    all.queues_max = limits.queues_max;
    all.message_bytes_max = limits.message_bytes_max;
    all.sessions_max = limits.sessions_max;
    all.credit_max = limits.credit_max;
    all.leased_max = limits.leased_max;
    all.takes_max = limits.takes_max;
    all.acked_waits_max = limits.acked_waits_max;
    all.producers_max = limits.producers_max;
    all.producers_age_max = limits.producers_age_max;
    all.turn_commands_max = limits.turn_commands_max;
    all.turn_bytes_max = limits.turn_bytes_max;
    all.heartbeat = limits.heartbeat;
    all.silence_max = limits.silence_max;
    all.return_grace = limits.return_grace;
    all.backlog_messages_max = options.backlog_messages_max;
    all.backlog_bytes_max = options.backlog_bytes_max;
    all.backlogs_bytes_max = options.backlogs_bytes_max;
    host::add_common_defaults(all, program_name);
    return all;
}

} // namespace

DaemonSettings in_effect(DaemonSettings settings) {
    DaemonSettings defaults = standard();
    if (settings.file_bytes_max) // a small file has less written ahead of its end
        defaults.write_ahead_bytes =
            std::min(*defaults.write_ahead_bytes, *settings.file_bytes_max);
    for_each_setting(host::laying(settings, defaults));
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
    for_each_setting(host::writing(out, all));
    return out + format_tables(all);
}

} // namespace flotilla::store_daemon
