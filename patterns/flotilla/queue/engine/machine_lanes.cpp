// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: blocks in use, what is finished in them, and the keys that hold others back.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t waits_ended_max = 10'000; // in one turn, because their time is over

} // namespace

// Two keys with one hash merely wait for each other.
std::uint32_t key_hash(std::string_view key) noexcept {
    return static_cast<std::uint32_t>(checksum(key));
}

// ---- finishing ---------------------------------------------------------------------------------

void QueueMachine::Rest::finish(Slot block, std::size_t index, std::uint32_t bytes,
                                std::uint32_t attempts_kept) {
    uses_.finish(block, index);
    const BlockUse& use = uses_[block];
    Queue& queue = queue_of(use);
    if (attempts_kept > 0 || use.old_attempts_of(index) > 0)
        turn_.erase(Table::attempt, block_key(queue.id, use.lane, use.first + index));
    queue.bytes -= std::min<std::uint64_t>(bytes, queue.bytes);
    book_.mark(use.queue);
}

void QueueMachine::Rest::unpin(Slot block, std::uint32_t key, Keyed keyed) {
    BlockUse& use = uses_[block];
    FLOTILLA_CHECK(use.pins > 0, "a block is let go more often than it was held");
    --use.pins;
    if (keyed == Keyed::yes)
        release_key({use.queue, use.lane}, key);
}

// Whoever waits behind the message of this key is next.
void QueueMachine::Rest::release_key(LaneRef at, std::uint32_t key) {
    LaneState& lane = book_[at.queue].lanes[at.lane];
    const auto line = lane.keys.find(key);
    FLOTILLA_CHECK(line != lane.keys.end(), "a key is released that was not in flight");
    if (line->second.behind.empty()) {
        lane.keys.erase(line);
    } else {
        Returned next;
        next.key = key;
        next.is_keyed = true;
        lane.returned.emplace(line->second.behind.front(), next);
        line->second.behind.pop_front();
        --lane.held_back;
    }
    wake(at.queue);
}

void QueueMachine::Rest::answer_waits(QueueId queue, MessageId id, Acked acked) {
    auto wait = acked_waits_.take(queue, id);
    if (!wait)
        return;
    PutOk ok;
    static_cast<PutOutcome&>(ok) = std::move(wait->outcome);
    ok.acked = acked;
    held_.push_back(
        {{std::move(wait->peer), std::move(wait->envelope), std::move(ok)}, Needs::commit});
    needs_commit_ = true;
}

void QueueMachine::Rest::tick_waits() {
    for (std::size_t i = 0; i < waits_ended_max; ++i) {
        const auto due = acked_waits_.first_due(turn_.now);
        if (!due)
            return;
        answer_waits(due->first, due->second, Acked::unknown);
    }
}

// ---- blocks in use -----------------------------------------------------------------------------

// `reader` has the block open.
Slot QueueMachine::Rest::use_of(Slot queue, const BlockPlace& place, const BlockReader& reader,
                                const Snapshot& snapshot) {
    const Slot known = uses_.find(queue, place.lane, place.first);
    if (known != no_slot)
        return known;
    const Slot slot = uses_.add(queue, place.lane, place.first, reader.count(), reader.wall_ms());
    const LaneState& lane = book_[queue].lanes[place.lane];
    BlockUse& use = uses_[slot];
    // The cursor looks at every message of a new block; of others it may not.
    if (place.first >= lane.old_below && lane.cursor <= place.first && &reader == &fresh_reader_)
        use.visits.add(reader.expiry_ms(), reader.wall_ms());
    else
        use.visits = ExpiryVisits::of(reader);
    if (place.first >= lane.old_below)
        return slot;
    const std::string key = block_key(place.queue, place.lane, place.first);
    const auto row = snapshot.get(Table::done, key);
    if (!row) {
        turn_.break_off(row.error());
        return slot;
    }
    if (*row)
        if (const Status read = decode_done(**row, use); !read)
            notice("bitmap_damaged", read.error().detail, book_[queue].name);
    read_attempts(use, place.queue, snapshot);
    return slot;
}

// Attempts of before the start, of messages that were returned and not finished.
void QueueMachine::Rest::read_attempts(BlockUse& use, QueueId queue, const Snapshot& snapshot) {
    std::string key = block_key(queue, use.lane, use.first);
    for (;;) {
        const auto row = snapshot.at_or_after(Table::attempt, key);
        if (!row)
            return turn_.break_off(row.error());
        if (!*row)
            return;
        const auto place = read_block_key((*row)->key);
        if (!place || place->queue != queue || place->lane != use.lane || place->first >= use.end())
            return;
        if (const std::uint32_t attempts = decode_attempts((*row)->value); attempts > 0)
            use.old_attempts.emplace_back(static_cast<std::uint16_t>(place->first - use.first),
                                          attempts);
        key = block_key(queue, use.lane, place->first + 1);
    }
}

void QueueMachine::Rest::write_blocks() {
    for (const Slot slot : uses_.take_dirty()) {
        BlockUse& use = uses_[slot];
        use.is_dirty = false;
        Queue& queue = queue_of(use);
        std::string key = block_key(queue.id, use.lane, use.first);
        if (use.left > 0) {
            turn_.put(Table::done, std::move(key), encode_done(use));
            use.has_row = true;
            try_free(slot);
            continue;
        }
        if (use.has_row)
            turn_.erase(Table::done, key);
        use.visits.erase(turn_.changes(), {queue.id, use.lane, use.first});
        turn_.erase(Table::block, std::move(key));
        LaneState& lane = queue.lanes[use.lane];
        if (lane.at == slot)
            lane.at = no_slot;
        if (lane.cursor >= use.first)
            lane.cursor = std::max(lane.cursor, use.end());
        forget_block(slot);
    }
}

// A block that nobody holds anything of, and that the cursor is still to come to, lies in the store
// with its bitmap: nothing of it need be remembered.
void QueueMachine::Rest::try_free(Slot slot) {
    const BlockUse& use = uses_[slot];
    LaneState& lane = queue_of(use).lanes[use.lane];
    if (use.pins > 0 || use.is_dirty || lane.at == slot || lane.cursor >= use.end())
        return;
    lane.old_below = std::max(lane.old_below, use.end());
    forget_block(slot);
}

void QueueMachine::Rest::forget_block(Slot slot) {
    if (applied_block_ == slot)
        applied_block_ = no_slot;
    if (kept_.block == slot)
        kept_.block = no_slot;
    uses_.free(slot);
}

bool QueueMachine::Rest::read_used(Slot block, std::size_t index, Record& record) {
    const BlockUse& use = uses_[block];
    if (applied_block_ != block) {
        applied_block_ = no_slot;
        const auto row =
            turn_.snapshot().get(Table::block, block_key(queue_of(use).id, use.lane, use.first));
        if (!row) {
            turn_.break_off(row.error());
            return false;
        }
        if (!*row || !applied_reader_.open(**row) || applied_reader_.count() != use.count) {
            notice("block_damaged", "position " + std::to_string(use.first), queue_of(use).name);
            return false;
        }
        applied_block_ = block;
    }
    record = applied_reader_[index];
    if (record.id == 0)
        record.id = use.first + index;
    return true;
}

} // namespace flotilla::queue
