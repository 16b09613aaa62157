// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_book.hpp>
#include <flotilla/queue/engine/queue_census.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>

#include <algorithm>

namespace flotilla::queue {
namespace {

std::int64_t head_ms(const Snapshot& snapshot, QueueId queue, Lane lane) {
    const auto row = snapshot.at_or_after(Table::block, block_key(queue, lane, 0));
    if (!row || !*row)
        return 0;
    const auto place = read_block_key((*row)->key);
    if (!place || place->queue != queue || place->lane != lane)
        return 0;
    const auto head = peek_block_head((*row)->value);
    return head ? head->wall_ms : 0;
}

bool is_looked_into(const Queue& queue, const LaneState& lane) noexcept {
    return queue.ready > 0 && lane.tail > 0;
}

std::int64_t oldest_ms(const Queue& queue) {
    std::int64_t oldest = 0;
    for (const LaneState& lane : queue.lanes)
        if (queue.ready > 0 && lane.oldest_ms != 0 && (oldest == 0 || lane.oldest_ms < oldest))
            oldest = lane.oldest_ms;
    return oldest;
}

} // namespace

void find_oldest(const Snapshot& snapshot, Queue& queue) {
    for (std::size_t lane = 0; lane < queue.lanes.size(); ++lane)
        if (is_looked_into(queue, queue.lanes[lane]))
            queue.lanes[lane].oldest_ms = head_ms(snapshot, queue.id, static_cast<Lane>(lane));
}

std::optional<Queue> read_queue(const Snapshot& snapshot, QueueId id) {
    const auto definition = snapshot.get(Table::queue, queue_key(id));
    const auto state = snapshot.get(Table::queue, queue_state_key(id));
    if (!definition || !*definition || !state)
        return std::nullopt;
    Queue queue;
    queue.id = id;
    if (!decode_queue(**definition, *state, queue))
        return std::nullopt;
    find_oldest(snapshot, queue);
    return queue;
}

void QueueCensus::go_on(const Snapshot& snapshot,
                        const std::function<bool(std::string_view)>& is_known) {
    for (std::size_t reads = 0; reads < reads_max && !is_whole_; ++reads) {
        // Names are never empty.
        const auto row = snapshot.at_or_after(Table::name, counted_to_ + '\0');
        if (!row)
            return;
        if (!*row) {
            is_whole_ = true;
            return;
        }
        counted_to_ = (*row)->key;
        const auto id = read_queue_key((*row)->value);
        if (!id || is_known(counted_to_))
            continue;
        const auto queue = read_queue(snapshot, *id);
        if (!queue)
            continue;
        reads += static_cast<std::size_t>(
            std::count_if(queue->lanes.begin(), queue->lanes.end(),
                          [&](const LaneState& lane) { return is_looked_into(*queue, lane); }));
        sum_.ready += queue->ready;
        sum_.delayed += queue->delayed;
        sum_.bytes += queue->bytes;
        if (const std::int64_t oldest = oldest_ms(*queue); oldest != 0)
            sum_.oldest_ms = sum_.oldest_ms == 0 ? oldest : std::min(sum_.oldest_ms, oldest);
    }
}

void QueueCensus::entered(const Queue& queue) {
    if (queue.name > counted_to_)
        return;
    sum_.ready -= std::min(sum_.ready, queue.ready);
    sum_.delayed -= std::min(sum_.delayed, queue.delayed);
    sum_.bytes -= std::min(sum_.bytes, queue.bytes);
    // Which is the oldest of the others was not remembered: they are counted anew.
    if (const std::int64_t oldest = oldest_ms(queue); oldest != 0 && oldest == sum_.oldest_ms)
        *this = QueueCensus{};
}

} // namespace flotilla::queue
