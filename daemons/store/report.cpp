// SPDX-License-Identifier: Apache-2.0
#include "store/report.hpp"

#include <array>

namespace flotilla::store_daemon {
namespace {

using queue::QueueCounters;
using queue::QueueServerCounters;

struct NamedServer {
    const char* name;
    std::uint64_t QueueServerCounters::*field;
};
constexpr std::array server_counters{
    NamedServer{"turns", &QueueServerCounters::turns_total},
    NamedServer{"commits", &QueueServerCounters::commits_total},
    NamedServer{"commits_failed", &QueueServerCounters::commits_failed_total},
    NamedServer{"reloads", &QueueServerCounters::reloads_total},
    NamedServer{"commands", &QueueServerCounters::commands_total},
    NamedServer{"malformed", &QueueServerCounters::malformed_total},
    NamedServer{"refused", &QueueServerCounters::refused_total},
    NamedServer{"full", &QueueServerCounters::full_total},
    NamedServer{"backlogged", &QueueServerCounters::backlogged_total},
    NamedServer{"backlog_dropped", &QueueServerCounters::backlog_dropped_total},
    NamedServer{"peers_too_slow", &QueueServerCounters::peers_too_slow_total},
};

struct NamedQueue {
    const char* name;
    std::uint64_t QueueCounters::*field;
};
constexpr std::array queue_counters{
    NamedQueue{"accepted", &QueueCounters::accepted_total},
    NamedQueue{"accepted_bytes", &QueueCounters::accepted_bytes_total},
    NamedQueue{"duplicates", &QueueCounters::duplicate_total},
    NamedQueue{"refused", &QueueCounters::refused_total},
    NamedQueue{"finished", &QueueCounters::finished_total},
    NamedQueue{"late", &QueueCounters::late_total},
    NamedQueue{"delivered", &QueueCounters::delivered_total},
    NamedQueue{"redelivered", &QueueCounters::redelivered_total},
    NamedQueue{"nacked", &QueueCounters::nacked_total},
    NamedQueue{"leases_expired", &QueueCounters::lease_expired_total},
    NamedQueue{"dead", &QueueCounters::dead_total},
    NamedQueue{"expired", &QueueCounters::expired_total},
    NamedQueue{"dropped", &QueueCounters::dropped_total},
    NamedQueue{"purged", &QueueCounters::purged_total},
    NamedQueue{"damaged", &QueueCounters::damaged_total},
};

void add(host::Fields& fields, const char* name, std::uint64_t value) {
    fields.emplace_back(name, std::to_string(value));
}

} // namespace

host::Fields counter_fields(const QueueServerCounters& counters,
                            const queue::EngineLevels& levels) {
    host::Fields fields;
    add(fields, "queues_now", levels.queues);
    add(fields, "sessions_now", levels.sessions);
    add(fields, "leased_now", levels.leased);
    add(fields, "takes_now", levels.takes);
    add(fields, "full_now", levels.is_full ? 1 : 0);
    for (const NamedServer& each : server_counters)
        add(fields, each.name, counters.*each.field);
    return fields;
}

host::Fields queue_fields(const queue::QueueStat& queue) {
    host::Fields fields{{"name", queue.name}};
    add(fields, "ready_now", queue.levels.ready);
    add(fields, "delayed_now", queue.levels.delayed);
    add(fields, "leased_now", queue.levels.leased);
    add(fields, "bytes_now", queue.levels.bytes);
    add(fields, "consumers_now", queue.levels.consumers);
    for (const NamedQueue& each : queue_counters)
        add(fields, each.name, queue.counters.*each.field);
    return fields;
}

host::Fields door_fields(const queue::DoorStat& door) {
    using Kind = queue::Door::Kind;
    const char* const kind = door.kind == Kind::pull  ? "pull"
                             : door.kind == Kind::sub ? "sub"
                                                      : "push";
    host::Fields fields{{"queue", door.queue}, {"kind", kind}, {"endpoints", door.endpoint}};
    add(fields, "messages", door.messages_total);
    add(fields, "refused", door.refused_total);
    add(fields, "lost", door.lost_total);
    add(fields, "paused_now", door.is_paused ? 1 : 0);
    return fields;
}

host::LogLevel level(std::string_view event) noexcept {
    if (event == "block_damaged" || event == "commit_failed")
        return host::LogLevel::error;
    if (event == "queue_created" || event == "room_again")
        return host::LogLevel::info;
    return host::LogLevel::warning;
}

} // namespace flotilla::store_daemon
