// SPDX-License-Identifier: Apache-2.0
// From settings to what a store runs with, keys included.
#include "admin/admin.hpp"
#include "host/listener.hpp"
#include "host/setting_name.hpp"
#include "store/settings.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/queue/properties.hpp>

#include <utility>

namespace flotilla::store_daemon {
namespace {

template <class Field>
void set(Field& field, const std::optional<std::uint64_t>& value) {
    field = static_cast<Field>(*value);
}

queue::StoreLimits limits_of(const DaemonSettings& all) {
    queue::StoreLimits limits;
    set(limits.queues_max, all.queues_max);
    set(limits.message_bytes_max, all.message_bytes_max);
    set(limits.sessions_max, all.sessions_max);
    set(limits.credit_max, all.credit_max);
    set(limits.leased_max, all.leased_max);
    set(limits.takes_max, all.takes_max);
    set(limits.acked_waits_max, all.acked_waits_max);
    set(limits.producers_max, all.producers_max);
    set(limits.turn_commands_max, all.turn_commands_max);
    set(limits.turn_bytes_max, all.turn_bytes_max);
    limits.producers_age_max = *all.producers_age_max;
    limits.heartbeat = *all.heartbeat;
    limits.silence_max = *all.silence_max;
    limits.return_grace = *all.return_grace;
    limits.default_queue = *all.default_queue;
    for (const std::string& pattern : all.auto_create)
        limits.auto_create.push_back({pattern, {}});
    limits.auto_create.insert(limits.auto_create.end(), all.patterns.begin(), all.patterns.end());
    return limits;
}

} // namespace

queue::LmdbOptions store_options(const DaemonSettings& settings) {
    const DaemonSettings all = in_effect(settings);
    queue::LmdbOptions options;
    options.bytes_max = *all.file_bytes_max;
    options.write_ahead_bytes = *all.write_ahead_bytes;
    options.disk_reserve_bytes = *all.disk_reserve_bytes;
    return options;
}

Result<queue::QueueServerOptions> make_options(const DaemonSettings& settings) {
    const DaemonSettings all = in_effect(settings);
    if (!all.data)
        return fail(Errc::bad_option, "where are the messages kept? Say --data DIR, or "
                                      "data = \"DIR\" in the file of --config");
    if (*all.write_ahead_bytes > *all.file_bytes_max)
        return fail(Errc::bad_option, host::setting_name("write_ahead_bytes") + " is " +
                                          format_bytes(*all.write_ahead_bytes) +
                                          "; it must be at most " +
                                          host::setting_name("file_bytes_max") + ", " +
                                          format_bytes(*all.file_bytes_max));
    if (*all.heartbeat >= *all.silence_max)
        return fail(Errc::bad_option, host::setting_name("heartbeat") + " must be shorter than " +
                                          host::setting_name("silence_max"));
    if (!all.default_queue->empty() && !queue::is_queue_name(*all.default_queue))
        return fail(Errc::bad_option, host::setting_name("default_queue") + ": " +
                                          queue::no_queue_name(*all.default_queue));
    for (const DeclaredQueue& each : all.queues)
        if (Status checked = queue::check_dead_letters(each.name, each.properties); !checked)
            return fail(Errc::bad_option, "queue '" + each.name + "': " + checked.error().detail);
    queue::QueueServerOptions options;
    options.limits = limits_of(all);
    options.doors = all.doors;
    set(options.backlog_messages_max, all.backlog_messages_max);
    options.backlog_bytes_max = *all.backlog_bytes_max;
    options.backlogs_bytes_max = *all.backlogs_bytes_max;
    options.limits.hop_instance = host::hop_instance(all);
    auto security = host::listener_security(all);
    if (!security)
        return fail(security.error());
    options.security = std::move(*security);
    if (const Status binds = host::check_binds(all.bind, options.security, "tcp://127.0.0.1:5560");
        !binds)
        return fail(binds.error());
    if (const Status admin = admin::check_admin(all, options.security, *all.bind); !admin)
        return fail(admin.error());
    return options;
}

} // namespace flotilla::store_daemon
