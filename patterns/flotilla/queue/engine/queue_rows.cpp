// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t row_version = 1;
// A line among the properties, where there is something to say: builds that lack it refuse the
// queue rather than lose its messages.
constexpr std::string_view automatic_from = "automatic_from";

constexpr std::array counters = {
    &QueueCounters::accepted_total,  &QueueCounters::accepted_bytes_total,
    &QueueCounters::duplicate_total, &QueueCounters::refused_total,
    &QueueCounters::finished_total,  &QueueCounters::late_total,
    &QueueCounters::delivered_total, &QueueCounters::redelivered_total,
    &QueueCounters::nacked_total,    &QueueCounters::lease_expired_total,
    &QueueCounters::dead_total,      &QueueCounters::expired_total,
    &QueueCounters::dropped_total,   &QueueCounters::purged_total,
    &QueueCounters::damaged_total,
};

// The fields behind the version. Errors: damaged, unsupported.
Result<ByteView> fields(ByteView value, std::string_view what) {
    const auto sealed = unseal(value);
    if (!sealed)
        return fail(Errc::damaged, std::string(what) + " fails its checksum");
    if (sealed->empty() || static_cast<std::uint8_t>((*sealed)[0]) != row_version)
        return fail(Errc::unsupported, std::string(what) + " has a version that this build lacks");
    return Result<ByteView>{sealed->substr(1)};
}

// What an earlier start may have given out, and this one has not come to yet, stays in doubt.
bool has_doubts(const Queue& queue) {
    return std::any_of(queue.lanes.begin(), queue.lanes.end(), [](const LaneState& lane) {
        return lane.maybe_below > lane.cursor || (lane.maybe_below > 0 && lane.held_back > 0);
    });
}

} // namespace

std::string encode_meta(const StoreMeta& meta) {
    wire::Writer out;
    out.u8(row_version)
        .u64(meta.epoch)
        .u64(static_cast<std::uint64_t>(meta.wall_ms))
        .u32(meta.queues)
        .u32(meta.next_id);
    return seal(out.take());
}

Result<StoreMeta> decode_meta(ByteView value) {
    const auto read = fields(value, "the store's own row");
    if (!read)
        return fail(read.error());
    wire::Reader in{*read};
    StoreMeta meta;
    meta.epoch = in.u64();
    meta.wall_ms = static_cast<std::int64_t>(in.u64());
    meta.queues = in.u32();
    meta.next_id = in.u32();
    if (!in.ok_at_end())
        return fail(Errc::damaged, "the store's own row is not whole");
    return meta;
}

std::string queue_state_key(QueueId id) {
    return queue_key(id) + 's';
}

std::size_t lanes_of(const QueueProperties& properties) {
    switch (properties.order) {
    case Order::key:
        return key_lanes + 1;
    case Order::plain:
        return properties.priority_levels;
    case Order::strict:
        break;
    }
    return 1;
}

std::string encode_definition(const QueueDefinition& definition) {
    std::string properties = to_option_text(definition.properties);
    if (definition.automatic_from != 0)
        properties +=
            std::string(automatic_from) + '=' + std::to_string(definition.automatic_from) + '\n';
    wire::Writer out;
    out.u8(row_version).short_bytes(definition.name).long_bytes(properties);
    return seal(out.take());
}

Result<QueueDefinition> decode_definition(ByteView value) {
    const auto read = fields(value, "the definition of a queue");
    if (!read)
        return fail(read.error());
    wire::Reader in{*read};
    QueueDefinition definition;
    definition.name = in.short_bytes();
    ByteView text = in.long_bytes();
    if (!in.ok_at_end())
        return fail(Errc::damaged, "the definition of a queue is not whole");
    while (!text.empty()) {
        const ByteView line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t equals = line.find('=');
        if (equals == line.npos)
            continue;
        const ByteView name = line.substr(0, equals);
        const ByteView text_of_it = line.substr(equals + 1);
        if (name == automatic_from) {
            std::from_chars(text_of_it.data(), text_of_it.data() + text_of_it.size(),
                            definition.automatic_from);
            continue;
        }
        const Status set = set_property(definition.properties, name, text_of_it);
        if (!set)
            return fail(Errc::unsupported, "queue '" + definition.name +
                                               "' has a property that this build does not take: " +
                                               set.error().detail);
    }
    return definition;
}

std::string encode_state(const Queue& queue, Horizons horizons) {
    wire::Writer out;
    out.u8(row_version).u64(queue.next).u64(queue.ready + queue.leased).u64(queue.delayed);
    out.u64(queue.bytes);
    for (const auto counter : counters)
        out.u64(queue.counters.*counter);
    out.u8(horizons == Horizons::exact && !has_doubts(queue) ? 1 : 0);
    out.u8(static_cast<std::uint8_t>(queue.lanes.size()));
    for (const LaneState& lane : queue.lanes)
        out.u64(lane.tail).u64(lane.horizon);
    return seal(out.take());
}

Status decode_state(ByteView value, Queue& queue) {
    const auto read = fields(value, "the state of a queue");
    if (!read)
        return fail(read.error());
    wire::Reader in{*read};
    queue.next = in.u64();
    queue.ready = in.u64();
    queue.delayed = in.u64();
    queue.bytes = in.u64();
    for (const auto counter : counters)
        queue.counters.*counter = in.u64();
    const bool is_exact = in.u8() != 0;
    queue.lanes.clear();
    queue.lanes.resize(in.u8());
    for (LaneState& lane : queue.lanes) {
        lane.tail = lane.committed_tail = in.u64();
        const Position horizon = in.u64();
        // Horizons go beyond what there was, and what is put from now on is new. Exact ones are
        // those of an end in order: what was delivered below them has its attempts.
        lane.maybe_below = is_exact ? 0 : std::min(horizon, queue.next);
        lane.horizon = lane.maybe_below; // what is written next must not say less
        lane.old_below = queue.next;
    }
    if (!in.ok_at_end())
        return fail(Errc::damaged, "the state of a queue is not whole");
    return {};
}

Status decode_queue(ByteView definition, std::optional<ByteView> state, Queue& queue) {
    auto defined = decode_definition(definition);
    if (!defined)
        return fail(defined.error());
    queue.name = std::move(defined->name);
    queue.properties = std::move(defined->properties);
    queue.automatic_from = defined->automatic_from;
    if (state)
        if (const Status decoded = decode_state(*state, queue); !decoded)
            return decoded;
    queue.lanes.resize(std::max(queue.lanes.size(), lanes_of(queue.properties)));
    return {};
}

std::string encode_attempts(std::uint32_t attempts) {
    wire::Writer out;
    out.u8(row_version).u32(attempts);
    return seal(out.take());
}

std::uint32_t decode_attempts(ByteView value) {
    const auto read = fields(value, "the attempts of a message");
    if (!read)
        return 0;
    wire::Reader in{*read};
    const std::uint32_t attempts = in.u32();
    return in.ok_at_end() ? attempts : 0;
}

} // namespace flotilla::queue
