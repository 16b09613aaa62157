// SPDX-License-Identifier: Apache-2.0
#include "server_options.hpp"

#include <flotilla/base/option_check.hpp>

#include <string>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t doors_max = 64;
constexpr std::size_t door_endpoints_max = 16;
constexpr std::size_t topics_max = 1000;

Status check(const Door& door, const std::string& of) {
    if (!is_queue_name(door.queue))
        return bad_option(of + ": " + no_queue_name(door.queue));
    if (!is_within(door.endpoints.size(), 1, door_endpoints_max))
        return bad_option(of + " must have 1 to 16 endpoints");
    if (door.kind == Door::Kind::sub && !is_within(door.topics.size(), 1, topics_max))
        return bad_option(of + " must have 1 to 1000 topics; \"\" is everything");
    if (door.kind != Door::Kind::sub && !door.topics.empty())
        return bad_option(of + ": only a sub door has topics");
    if (door.kind != Door::Kind::pull && door.unpack)
        return bad_option(of + ": only a pull door unpacks batches");
    if (!is_within(door.send_messages_max, 1, 16))
        return bad_option(of +
                          ": send_messages_max must be 1 to 16; a dying puller loses that many");
    return {};
}

} // namespace

Status check(const QueueServerOptions& options) {
    if (!is_within(options.backlog_messages_max, 1, 100'000) ||
        !is_within(options.backlog_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("backlogs must be 1 to 100,000 messages and 64KiB to 1GiB");
    if (!is_within(options.backlogs_bytes_max, 1ULL << 20, 64ULL << 30))
        return bad_option("backlogs_bytes_max must be 1MiB to 64GiB");
    if (options.turn_max < Duration::zero() || options.turn_max > Duration{1'000'000'000})
        return bad_option("turn_max must be 0 to 1 s");
    if (options.doors.size() > doors_max)
        return bad_option("a server has at most 64 doors");
    for (std::size_t i = 0; i < options.doors.size(); ++i)
        if (Status checked = check(options.doors[i], "door " + std::to_string(i + 1)); !checked)
            return checked;
    return {};
}

} // namespace flotilla::queue
