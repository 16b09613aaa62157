// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: the next message of a lane: what came back first, then along the cursor through the
// stored blocks.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_round.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t pack_bytes_max = 60ULL << 10; // of a packed delivery, unless one is larger

} // namespace

// What is known of a message before it goes out.
void QueueMachine::Rest::fill(Given& given, const LaneState& lane, Slot block, std::size_t index) {
    const BlockUse& use = uses_[block];
    const Position position = use.first + index;
    given.block = block;
    given.index = static_cast<std::uint16_t>(index);
    if (given.record.id == 0)
        given.record.id = position;
    given.attempts_before = given.record.attempts;
    if (!use.old_attempts.empty())
        given.attempts_before = std::max(given.attempts_before, use.old_attempts_of(index));
    given.redelivered = given.attempts_before > 0 ? leased::Redelivered::yes
                        : position < lane.maybe_below || given.record.note == maybe_note
                            ? leased::Redelivered::maybe
                            : leased::Redelivered::no;
}

bool QueueMachine::Rest::fits(const Giver& giver, const Record& record) const {
    return !giver.is_packed || pack_.records() == 0 ||
           pack_.size() +
                   leased::PackedWriter::record_bytes(record.key, record.frames,
                                                      record.body_bytes) +
                   (hop_ ? hop_->bytes() : 0) <=
               pack_bytes_max;
}

// ---- what came back ----------------------------------------------------------------------------

bool QueueMachine::Rest::give_returned(Round& round, Giver& giver) {
    Queue& queue = book_[giver.queue];
    LaneState& lane = queue.lanes[giver.lane];
    const auto at = lane.returned.begin();
    const Position position = at->first;
    const Returned was = at->second;
    const Slot block = uses_.find(giver.queue, giver.lane, position);
    FLOTILLA_CHECK(block != no_slot, "a message came back to a block that is not in use");
    const std::size_t index = position - uses_[block].first;
    const Keyed keyed = was.is_keyed ? Keyed::yes : Keyed::no;
    if (!read_returned(round, block)) {
        if (!round.status)
            return false;
        // It was readable once: this page has gone bad since.
        lane.returned.erase(at);
        finish(block, index, 0, was.attempts);
        --queue.ready;
        ++queue.counters.dropped_total;
        unpin(block, was.key, keyed);
        commit_soon();
        return true;
    }
    Given given;
    given.record = returned_reader_[index];
    fill(given, lane, block, index);
    if (was.attempts > 0) {
        given.attempts_before = was.attempts;
        given.redelivered = leased::Redelivered::yes;
    }
    given.key = was.key;
    given.is_keyed = was.is_keyed;
    if (!fits(giver, given.record)) {
        giver.left = 0;
        return false;
    }
    lane.returned.erase(at);
    if (given.record.expiry_ms != 0 && given.record.expiry_ms <= turn_.wall_ms()) {
        if (was.lease != 0)
            leases_.forget(was.lease);
        expire(giver.queue, block, index, given.record, was.attempts);
        unpin(block, was.key, keyed);
        return true;
    }
    const std::uint64_t number = emit(round, giver, given);
    if (was.lease != 0 && leases_.find(was.lease) != nullptr) {
        waited_leases_.erase(was.lease);
        const bool is_same = number != 0 && !giver.is_automatic &&
                             leases_.grant(leases_.find(was.lease)->grant).session == giver.session;
        leases_.supersede(was.lease, number,
                          is_same ? Leases::Before::keep : Leases::Before::forget);
    }
    if (giver.is_automatic)
        unpin(block, was.key, keyed);
    return true;
}

bool QueueMachine::Rest::read_returned(Round& round, Slot block) {
    if (round.returned_block == block)
        return true;
    round.returned_block = no_slot;
    const BlockUse& use = uses_[block];
    const auto row =
        round.snapshot.get(Table::block, block_key(queue_of(use).id, use.lane, use.first));
    if (!row) {
        round.status = fail(row.error());
        return false;
    }
    if (!*row || !returned_reader_.open(**row) || returned_reader_.count() != use.count)
        return false;
    round.returned_block = block;
    return true;
}

// ---- along the cursor --------------------------------------------------------------------------

bool QueueMachine::Rest::give_fresh(Round& round, Giver& giver) {
    Queue& queue = book_[giver.queue];
    LaneState& lane = queue.lanes[giver.lane];
    if (!can_give(queue, lane) || !open_at_cursor(round, {giver.queue, giver.lane}))
        return false;
    const Slot block = lane.at;
    const Position first = uses_[block].first;
    const Position end = std::min({uses_[block].end(), lane.committed_tail, lane.horizon});
    const bool by_key = queue.properties.order == Order::key;
    const std::int64_t wall_ms = turn_.wall_ms();
    const std::int64_t accepted_ms = uses_[block].wall_ms;
    std::uint64_t first_deliveries = 0;
    while (giver.left > 0 && giver.bytes < giver.bytes_max && lane.cursor < end) {
        const std::size_t index = lane.cursor - first;
        if (uses_[block].is_done(index)) {
            ++lane.cursor;
            continue;
        }
        Given given;
        given.record = fresh_reader_[index];
        fill(given, lane, block, index);
        const Record& record = given.record;
        if (record.expiry_ms != 0)
            uses_[block].visits.add(record.expiry_ms, uses_[block].wall_ms);
        if (record.expiry_ms != 0 && record.expiry_ms <= wall_ms) {
            ++lane.cursor;
            expire(giver.queue, block, index, record, 0);
            continue;
        }
        if (giver.is_automatic && lane.cursor < lane.maybe_below &&
            lane.cursor >= queue.automatic_from) {
            // It may have been delivered before the crash, and that is as often as it may be.
            ++lane.cursor;
            finish(block, index, load_of(record), 0);
            --queue.ready;
            ++queue.counters.finished_total;
            commit_soon();
            continue;
        }
        if (!fits(giver, record)) {
            giver.left = 0;
            break;
        }
        if (by_key && !record.key.empty()) {
            given.key = key_hash(record.key);
            given.is_keyed = !giver.is_automatic;
            const auto line = lane.keys.find(given.key);
            if (line != lane.keys.end()) {
                line->second.behind.push_back(lane.cursor++);
                ++uses_[block].pins;
                if (++lane.held_back >= held_back_max)
                    break;
                continue;
            }
            if (given.is_keyed)
                lane.keys.emplace(given.key, KeyLine{});
        }
        ++lane.cursor;
        if (!giver.is_automatic)
            ++uses_[block].pins;
        first_deliveries += given.attempts_before == 0 ? 1 : 0;
        emit(round, giver, given);
    }
    if (first_deliveries > 0)
        counters_.delivery_times.add(
            std::chrono::milliseconds(std::max<std::int64_t>(wall_ms - accepted_ms, 0)),
            first_deliveries);
    if (lane.cursor >= uses_[block].end())
        lane.at = no_slot;
    return true;
}

void QueueMachine::Rest::expire(Slot slot, Slot block, std::size_t index, const Record& record,
                                std::uint32_t attempts_kept) {
    Queue& queue = book_[slot];
    finish(block, index, load_of(record), attempts_kept);
    --queue.ready;
    ++queue.counters.expired_total;
    answer_waits(queue.id, record.id, Acked::no);
    commit_soon();
}

// The block that the cursor is in, open for reading; false: there is none.
bool QueueMachine::Rest::open_at_cursor(Round& round, LaneRef at) {
    Queue& queue = book_[at.queue];
    LaneState& lane = queue.lanes[at.lane];
    if (lane.at != no_slot && (round.fresh_block == lane.at || kept_.block == lane.at)) {
        round.fresh_block = lane.at;
        return true;
    }
    kept_.block = no_slot;
    const bool is_first = round.fresh_block == no_slot;
    if (lane.at != no_slot) {
        const std::string key = block_key(queue.id, at.lane, uses_[lane.at].first);
        const auto row = round.snapshot.get(Table::block, key);
        if (!row) {
            round.status = fail(row.error());
            return false;
        }
        // What an earlier round left is taken from bit by bit: read through and checked each time
        // it would cost more than what is taken. A copy outlives the snapshot.
        ByteView value = *row ? **row : ByteView{};
        const bool is_kept = is_first && value.size() <= block_bytes_target;
        if (is_kept)
            value = kept_.value.assign(value);
        if (*row && fresh_reader_.open(value) && fresh_reader_.count() == uses_[lane.at].count) {
            round.fresh_block = lane.at;
            kept_.block = is_kept ? lane.at : no_slot;
            return true;
        }
        round.status =
            fail(Errc::damaged, "a block of queue '" + queue.name + "' that was good has gone bad");
        return false;
    }
    while (lane.has_fresh()) {
        const auto row =
            round.snapshot.at_or_after(Table::block, block_key(queue.id, at.lane, lane.cursor));
        if (!row) {
            round.status = fail(row.error());
            return false;
        }
        const auto place = *row ? read_block_key((*row)->key) : Result<BlockPlace>{BlockPlace{}};
        if (!*row || !place || place->queue != queue.id || place->lane != at.lane) {
            lane.cursor = lane.committed_tail;
            break;
        }
        if (open_block(round, at, *place, (*row)->value))
            return true;
        if (!round.status)
            return false;
    }
    return false;
}

bool QueueMachine::Rest::open_block(Round& round, LaneRef at, const BlockPlace& place,
                                    ByteView value) {
    LaneState& lane = book_[at.queue].lanes[at.lane];
    round.fresh_block = no_slot;
    kept_.block = no_slot;
    if (const Status opened = fresh_reader_.open(value); !opened) {
        skip_damaged(round, at, place, value, opened.error());
        return false;
    }
    lane.cursor = std::max(lane.cursor, place.first);
    lane.oldest_ms = fresh_reader_.wall_ms();
    const Slot block = use_of(at.queue, place, fresh_reader_, round.snapshot);
    if (turn_.broken()) {
        round.status = fail(*turn_.broken());
        return false;
    }
    lane.at = block;
    round.fresh_block = block;
    return true;
}

// Its messages are counted out once, and it stays where it is, for whoever can read it.
void QueueMachine::Rest::skip_damaged(Round& round, LaneRef at, const BlockPlace& place,
                                      ByteView value, const Error& error) {
    Queue& queue = book_[at.queue];
    LaneState& lane = queue.lanes[at.lane];
    lane.cursor = place.first + 1;
    std::string key = block_key(place.queue, place.lane, place.first);
    const auto marked = round.snapshot.get(Table::done, key);
    if (!marked) {
        round.status = fail(marked.error());
        return;
    }
    if (const auto bits = *marked ? unseal(**marked) : Result<ByteView>{ByteView{}};
        bits && bits->size() == 1)
        return; // in an earlier start
    // How many it says it had; no more than there can have been.
    constexpr std::size_t count_at = 17;
    std::uint64_t lost = value.size() > count_at + 1
                             ? std::uint64_t{static_cast<unsigned char>(value[count_at])} << 8 |
                                   static_cast<unsigned char>(value[count_at + 1])
                             : 1;
    lost = std::min<std::uint64_t>({lost, block_messages_max, queue.ready});
    queue.ready -= lost;
    queue.bytes -= std::min<std::uint64_t>(queue.bytes, value.size());
    queue.counters.dropped_total += lost;
    ++queue.counters.damaged_total;
    book_.mark(at.queue);
    turn_.put(Table::done, std::move(key), encode_damaged());
    commit_soon();
    notice("block_damaged",
           "position " + std::to_string(place.first) + ", about " + std::to_string(lost) +
               " messages: " + error.detail,
           queue.name);
}

} // namespace flotilla::queue
