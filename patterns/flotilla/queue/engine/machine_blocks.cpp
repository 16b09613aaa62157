// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: the only way into a lane: messages of a turn are gathered into blocks as they will
// be stored.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {
Lane QueueMachine::Rest::lane_for(const Queue& queue, std::uint8_t priority,
                                  std::string_view key) const {
    switch (queue.properties.order) {
    case Order::plain: // what comes from another queue may be of a level that this one lacks
        return static_cast<Lane>(
            std::min<std::uint32_t>(priority, queue.properties.priority_levels - 1));
    case Order::key:
        return static_cast<Lane>(key.empty() ? keyless_lane : key_hash(key) % key_lanes);
    case Order::strict:
        break;
    }
    return 0;
}

LaneState& QueueMachine::Rest::lane_with_room(Slot slot, Lane at, std::size_t bytes,
                                              std::size_t records) {
    LaneState& lane = book_[slot].lanes[at];
    if (!lane.writer.empty() && !lane.writer.has_room(bytes, records))
        close_block(slot, at);
    return lane;
}

// Before something is added to a lane's writer.
void QueueMachine::Rest::begin_block(Slot slot, Lane at) {
    Queue& queue = book_[slot];
    LaneState& lane = queue.lanes[at];
    if (!lane.writer.empty())
        return;
    lane.writer_first = queue.next;
    lane.head.wall_ms = turn_.wall_ms();
    if (lane.oldest_ms == 0 || (lane.cursor >= lane.tail && lane.returned.empty()))
        lane.oldest_ms = lane.head.wall_ms; // nothing waited, or nobody knows since when
    const Duration ttl = queue.properties.ttl;
    lane.head.expiry_ms = ttl > Duration::zero() ? lane.head.wall_ms + whole_ms(ttl) : 0;
    lane.visits.clear();
    lane.visits.add(lane.head.expiry_ms, lane.head.wall_ms);
    open_lanes_.push_back({slot, at});
}

Position QueueMachine::Rest::append(Slot slot, Lane at, Record record) {
    Queue& queue = book_[slot];
    const std::size_t bytes = record_bytes(record);
    LaneState& lane = lane_with_room(slot, at, bytes, 1);
    begin_block(slot, at);
    ++queue.next;
    const Position position = lane.writer_first + lane.writer.count();
    if (record.id == position)
        record.id = 0;
    if (record.expiry_ms == lane.head.expiry_ms)
        record.expiry_ms = 0;
    else
        lane.visits.add(record.expiry_ms, lane.head.wall_ms);
    lane.writer.add(record);
    lane.tail = position + 1;
    return position;
}

void QueueMachine::Rest::close_block(Slot slot, Lane at) {
    Queue& queue = book_[slot];
    LaneState& lane = queue.lanes[at];
    wire::Compressor* const compressor = compressor_for(queue);
    std::string value =
        compressor ? lane.writer.finish(lane.head, *compressor) : lane.writer.finish(lane.head);
    turn_.put(Table::block, block_key(queue.id, at, lane.writer_first), std::move(value));
    lane.visits.write(turn_.changes(), {queue.id, at, lane.writer_first});
    if (tails_.empty() || tails_.back().queue != slot || tails_.back().lane != at)
        tails_.push_back({slot, at});
    book_.mark(slot);
}

void QueueMachine::Rest::close_blocks() {
    for (const LaneRef& at : open_lanes_)
        if (book_[at.queue].is_used && !book_[at.queue].lanes[at.lane].writer.empty())
            close_block(at.queue, at.lane);
    open_lanes_.clear();
}

wire::Compressor* QueueMachine::Rest::compressor_for(const Queue& queue) {
    const auto algorithm = wire::compression_named(queue.properties.compression);
    if (!algorithm || *algorithm == wire::Compression::none || !wire::is_available(*algorithm))
        return nullptr;
    auto& compressor = compressors_[static_cast<std::size_t>(*algorithm)];
    if (!compressor)
        compressor.emplace(*algorithm);
    return &*compressor;
}

} // namespace flotilla::queue
