// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/stat_text.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/wire/option_text.hpp>

#include <cmath>
#include <cstdio>

namespace flotilla::queue {
namespace {

std::string rate_text(double per_second) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", per_second);
    return text;
}

} // namespace

std::string to_text(const QueueStat& stat) {
    const QueueCounters& counters = stat.counters;
    const QueueLevels& levels = stat.levels;
    wire::OptionTextWriter out;
    out.text("queue", stat.name)
        .count("ready", levels.ready)
        .count("delayed", levels.delayed)
        .count("leased", levels.leased)
        .count("bytes", levels.bytes)
        .count("consumers", levels.consumers)
        .milliseconds("lag_ms", levels.lag)
        .text("arrival_rate", rate_text(levels.arrival_rate))
        .text("service_rate", rate_text(levels.service_rate));
    if (levels.time_to_drain == no_limit)
        out.text("time_to_drain_ms", "never");
    else
        out.milliseconds("time_to_drain_ms", levels.time_to_drain);
    out.count("accepted_total", counters.accepted_total)
        .count("accepted_bytes_total", counters.accepted_bytes_total)
        .count("duplicate_total", counters.duplicate_total)
        .count("refused_total", counters.refused_total)
        .count("finished_total", counters.finished_total)
        .count("late_total", counters.late_total)
        .count("delivered_total", counters.delivered_total)
        .count("redelivered_total", counters.redelivered_total)
        .count("nacked_total", counters.nacked_total)
        .count("lease_expired_total", counters.lease_expired_total)
        .count("dead_total", counters.dead_total)
        .count("expired_total", counters.expired_total)
        .count("dropped_total", counters.dropped_total)
        .count("purged_total", counters.purged_total)
        .count("damaged_total", counters.damaged_total);
    for (const auto& [name, value] : property_texts(stat.properties))
        out.text(name, value);
    return std::string(out.view());
}

} // namespace flotilla::queue
