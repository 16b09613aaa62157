// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/model.hpp>

#include <algorithm>

namespace flotilla::queue {

bool is_queue_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > queue_name_bytes_max || name.starts_with("mmi.") ||
        name.starts_with("flotilla."))
        return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '*' && c != '?' && c != '\\';
    });
}

std::string no_queue_name(std::string_view name) {
    return "'" + std::string(name) +
           "' is no name of a queue: 1 to 200 printable characters without blanks, '*', '?' and "
           "'\\'; 'mmi.' and 'flotilla.' are reserved";
}

std::string_view name(Durability value) noexcept {
    switch (value) {
    case Durability::fsync:
        return "fsync";
    case Durability::relaxed:
        return "relaxed";
    case Durability::memory:
        return "memory";
    }
    return "";
}

std::string_view name(Overflow value) noexcept {
    switch (value) {
    case Overflow::reject:
        return "reject";
    case Overflow::drop_oldest:
        return "drop-oldest";
    case Overflow::dead_letter:
        return "dead-letter";
    }
    return "";
}

std::string_view name(Order value) noexcept {
    switch (value) {
    case Order::plain:
        return "plain";
    case Order::key:
        return "key";
    case Order::strict:
        return "strict";
    }
    return "";
}

std::string_view name(Acknowledge value) noexcept {
    switch (value) {
    case Acknowledge::manual:
        return "manual";
    case Acknowledge::automatic:
        return "auto";
    }
    return "";
}

void add_since(QueueCounters& sum, const QueueCounters& now, const QueueCounters& before) noexcept {
    for (const auto field :
         {&QueueCounters::accepted_total, &QueueCounters::accepted_bytes_total,
          &QueueCounters::duplicate_total, &QueueCounters::refused_total,
          &QueueCounters::finished_total, &QueueCounters::late_total,
          &QueueCounters::delivered_total, &QueueCounters::redelivered_total,
          &QueueCounters::nacked_total, &QueueCounters::lease_expired_total,
          &QueueCounters::dead_total, &QueueCounters::expired_total, &QueueCounters::dropped_total,
          &QueueCounters::purged_total, &QueueCounters::damaged_total})
        sum.*field += now.*field - before.*field;
}

} // namespace flotilla::queue
