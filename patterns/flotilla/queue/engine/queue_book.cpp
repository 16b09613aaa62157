// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_book.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

QueueStat Queue::stat(Instant now, std::int64_t wall_ms) const {
    return {name, id, properties, counters, levels(now, wall_ms)};
}

QueueLevels Queue::levels(Instant now, std::int64_t wall_ms) const {
    QueueLevels levels;
    levels.ready = ready;
    levels.delayed = delayed;
    levels.leased = leased;
    levels.bytes = bytes;
    levels.consumers = consumers;
    levels.arrival_rate = arrivals.per_second(now);
    levels.service_rate = services.per_second(now);
    levels.time_to_drain = time_to_drain(unfinished(), levels.arrival_rate, levels.service_rate);
    std::int64_t oldest = wall_ms;
    for (const LaneState& lane : lanes)
        if (lane.oldest_ms != 0 && (lane.has_fresh() || !lane.returned.empty()))
            oldest = std::min(oldest, lane.oldest_ms);
    if (ready > 0)
        levels.lag = std::chrono::milliseconds(wall_ms - oldest);
    return levels;
}

void Queue::rate(Instant now) {
    arrivals.add(counters.accepted_total - rated_arrivals, now);
    services.add(counters.finished_total - rated_services, now);
    rated_arrivals = counters.accepted_total;
    rated_services = counters.finished_total;
}

// ---- finding -----------------------------------------------------------------------------------

Slot QueueBook::known(std::string_view name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? no_slot : at->second;
}

Slot QueueBook::find(std::string_view name, Turn& turn) {
    if (const Slot slot = known(name); slot != no_slot)
        return slot;
    const auto row = turn.get(Table::name, name);
    if (!row)
        return no_slot;
    const auto id = read_queue_key(*row);
    if (!id) {
        unreadable_[0] = {std::string(name), to_string(id.error())};
        return no_slot;
    }
    return load(*id, name, turn);
}

Slot QueueBook::find(QueueId id, Turn& turn) {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? load(id, {}, turn) : at->second;
}

Slot QueueBook::add(std::string name, QueueId id, const QueueProperties& properties) {
    if (free_.empty()) {
        free_.push_back(static_cast<Slot>(queues_.size()));
        queues_.emplace_back();
    }
    const Slot slot = free_.back();
    free_.pop_back();
    Queue& queue = queues_[slot];
    queue = Queue{};
    queue.is_used = true;
    queue.name = std::move(name);
    queue.id = id;
    queue.properties = properties;
    queue.lanes.resize(lanes_of(properties));
    by_name_[queue.name] = slot;
    by_id_[id] = slot;
    return slot;
}

std::string_view QueueBook::why_unreadable(std::string_view name) const {
    for (const auto& [id, unreadable] : unreadable_)
        if (unreadable.name == name)
            return unreadable.why;
    return {};
}

Slot QueueBook::load(QueueId id, std::string_view name, Turn& turn) {
    const auto definition = turn.get(Table::queue, queue_key(id));
    if (!definition)
        return no_slot;
    const auto state = turn.get(Table::queue, queue_state_key(id));
    Queue queue;
    queue.id = id;
    queue.name = name;
    if (const Status decoded = decode_queue(
            *definition, state ? std::optional<ByteView>{*state} : std::nullopt, queue);
        !decoded) {
        unreadable_[id] = {std::move(queue.name), to_string(decoded.error())};
        return no_slot;
    }
    queue.is_used = true;
    queue.loaded = queue.counters;
    // What was counted before this start did not happen now.
    queue.rated_arrivals = queue.counters.accepted_total;
    queue.rated_services = queue.counters.finished_total;
    if (turn.can_read())
        find_oldest(turn.snapshot(), queue);
    census_.entered(queue);
    const Slot slot = add(queue.name, id, queue.properties);
    queues_[slot] = std::move(queue);
    return slot;
}

// ---- changing ----------------------------------------------------------------------------------

Slot QueueBook::create(std::string name, const QueueProperties& properties, Turn& turn) {
    QueueId id = next_id_++;
    if (properties.durability == Durability::memory)
        id |= memory_queue_bit;
    ++count_;
    turn.put(Table::name, name, queue_key(id));
    const Slot slot = add(std::move(name), id, properties);
    write_definition(slot, turn);
    mark(slot);
    return slot;
}

void QueueBook::write_definition(Slot slot, Turn& turn) {
    Queue& queue = queues_[slot];
    queue.lanes.resize(std::max(queue.lanes.size(), lanes_of(queue.properties)));
    turn.put(Table::queue, queue_key(queue.id),
             encode_definition({queue.name, queue.properties, queue.automatic_from}));
}

void QueueBook::write_states(Turn& turn, Horizons horizons) {
    for (const Slot slot : dirty_) {
        Queue& queue = queues_[slot];
        if (!std::exchange(queue.is_dirty, false))
            continue;
        queue.rate(turn.now); // in each turn: a look may come an hour later
        turn.put(Table::queue, queue_state_key(queue.id), encode_state(queue, horizons));
    }
    dirty_.clear();
}

void QueueBook::erase(Slot slot, Turn& turn) {
    Queue& queue = queues_[slot];
    add_since(erased_, queue.counters, queue.loaded);
    turn.erase(Table::name, queue.name);
    turn.erase(Table::queue, queue_key(queue.id));
    turn.erase(Table::queue, queue_state_key(queue.id));
    by_name_.erase(queue.name);
    by_id_.erase(queue.id);
    std::erase(dirty_, slot);
    queue = Queue{};
    free_.push_back(slot);
    --count_;
}

void QueueBook::count(QueueCounters& sum) const noexcept {
    add_since(sum, erased_, QueueCounters{});
    for_each([&](Slot slot) { add_since(sum, queues_[slot].counters, queues_[slot].loaded); });
}

} // namespace flotilla::queue
