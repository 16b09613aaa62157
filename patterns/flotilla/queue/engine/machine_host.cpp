// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: what jobs, overflow and the reaper do through it, and what is due in a turn.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace flotilla::queue {

// ---- facts -------------------------------------------------------------------------------------

Result<std::vector<bool>> QueueMachine::Rest::ready_in(const Snapshot& snapshot,
                                                       const BlockPlace& place, std::size_t count) {
    const Slot slot = book_.find(place.queue, turn_);
    if (turn_.broken())
        return fail(*turn_.broken());
    std::vector<bool> ready(count, true);
    if (slot == no_slot || place.lane >= book_[slot].lanes.size())
        return std::vector<bool>(count, false);
    const LaneState& lane = book_[slot].lanes[place.lane];
    const Slot block = uses_.find(slot, place.lane, place.first);
    BlockUse on_disk;
    const BlockUse* use = &on_disk;
    if (block != no_slot) {
        use = &uses_[block];
    } else {
        on_disk.count = on_disk.left = static_cast<std::uint16_t>(count);
        on_disk.first = place.first;
        on_disk.done.assign((count + 63) / 64, 0);
        if (place.first < lane.old_below) {
            const auto row =
                snapshot.get(Table::done, block_key(place.queue, place.lane, place.first));
            if (!row)
                return fail(row.error());
            if (*row)
                if (const Status read = decode_done(**row, on_disk); !read)
                    return fail(read.error());
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const Position position = place.first + i;
        if (use->is_done(i) || position >= lane.committed_tail)
            ready[i] = false;
        else if (position < lane.cursor)
            ready[i] = lane.returned.find(position) != lane.returned.end();
    }
    for (const auto& [until, entry] : lane.resting)
        if (entry.first >= place.first && entry.first - place.first < count)
            ready[entry.first - place.first] = true;
    for (const auto& [key, line] : lane.keys)
        for (const Position position : line.behind)
            if (position >= place.first && position - place.first < count)
                ready[position - place.first] = true;
    return ready;
}

void QueueMachine::Rest::damaged(const BlockPlace& place) {
    const Slot slot = book_.find(place.queue, turn_);
    notice("block_damaged",
           (slot == no_slot ? "of a deleted queue, position " : "position ") +
               std::to_string(place.first),
           slot == no_slot ? std::string{} : book_[slot].name);
}

// ---- effects -----------------------------------------------------------------------------------

Status QueueMachine::Rest::leave(const Snapshot& snapshot, const Waiting& message, Leaving why) {
    const Slot slot = book_.find(message.place.queue, turn_);
    if (slot == no_slot || turn_.broken())
        return turn_.broken() ? Status{fail(*turn_.broken())} : Status{};
    Queue& queue = book_[slot];
    LaneState& lane = queue.lanes[message.place.lane];
    const Slot block = use_from_store(snapshot, slot, message.place);
    if (turn_.broken())
        return fail(*turn_.broken());
    if (block == no_slot)
        return {};
    MessageId id = message.record.id != 0 ? message.record.id : message.position();
    Returned was;
    const bool is_behind = message.position() < lane.cursor;
    const bool was_returned = is_behind && take_returned(lane, message.position(), was);
    finish(block, message.index, load_of(message.record), was.attempts);
    --queue.ready;
    changed(queue);
    switch (why) {
    case Leaving::expired:
        ++queue.counters.expired_total;
        break;
    case Leaving::dropped:
        ++queue.counters.dropped_total;
        break;
    case Leaving::dead_letter:
        bury({slot, id, "overflow", message.record.attempts, {}, message.place.lane},
             message.record);
        ++queue.counters.dead_total;
        break;
    case Leaving::purged:
        ++queue.counters.purged_total;
        break;
    }
    answer_waits(queue.id, id, Acked::no);
    if (!is_behind)
        return {};
    if (!was_returned) {
        leave_line(lane, key_hash(message.record.key), message.position());
        unpin(block, 0, Keyed::no);
        return {};
    }
    if (was.lease != 0 && leases_.find(was.lease) != nullptr) {
        waited_leases_.erase(was.lease);
        leases_.forget(was.lease);
    }
    unpin(block, was.key, was.is_keyed ? Keyed::yes : Keyed::no);
    return {};
}

// order=key: it waited behind another of its key.
void QueueMachine::Rest::leave_line(LaneState& lane, std::uint32_t key, Position position) {
    const auto line = lane.keys.find(key);
    FLOTILLA_CHECK(line != lane.keys.end() && std::erase(line->second.behind, position) == 1,
                   "a message leaves that was not ready");
    --lane.held_back;
}

// A block that may not be in use yet; no_slot: it is gone, or cannot be read.
Slot QueueMachine::Rest::use_from_store(const Snapshot& snapshot, Slot queue,
                                        const BlockPlace& place) {
    if (const Slot block = uses_.find(queue, place.lane, place.first); block != no_slot)
        return block;
    const auto row = snapshot.get(Table::block, block_key(place.queue, place.lane, place.first));
    if (!row)
        turn_.break_off(row.error());
    applied_block_ = no_slot;
    if (!row || !*row || !applied_reader_.open(**row))
        return no_slot;
    return use_of(queue, place, applied_reader_, snapshot);
}

void QueueMachine::Rest::leave_delayed(const Delayed& message, Leaving why) {
    const Slot slot = book_.find(message.queue, turn_);
    if (slot == no_slot)
        return;
    Queue& queue = book_[slot];
    --queue.delayed;
    queue.bytes -= std::min<std::uint64_t>(queue.bytes, load_of(message.record));
    if (why == Leaving::expired)
        ++queue.counters.expired_total;
    else
        ++queue.counters.purged_total;
    book_.mark(slot);
    changed(queue);
    answer_waits(queue.id, message.record.id, Acked::no);
}

Status QueueMachine::Rest::put_back(const Snapshot&, const Waiting& message) {
    const wire::OptionTextReader note(message.record.note);
    std::string_view origin;
    std::uint8_t priority = 0;
    for (const auto& [name, value] : note.all())
        if (name == "origin")
            origin = value;
        else if (name == "priority")
            std::from_chars(value.data(), value.data() + value.size(), priority);
    if (origin.empty())
        return fail(Errc::malformed, "this message is no dead letter: it does not say where it "
                                     "came from");
    std::string why;
    const Slot slot = find_or_create(origin, Creates::no, why);
    if (turn_.broken())
        return fail(*turn_.broken());
    if (slot == no_slot)
        return fail(Errc::not_found,
                    "the queue it came from is gone: '" + std::string(origin) + "'");
    const Queue& queue = book_[slot];
    const std::uint32_t load = load_of(message.record);
    if (queue.properties.overflow == Overflow::reject &&
        (queue.unfinished() >= queue.properties.messages_max ||
         queue.bytes + load > queue.properties.bytes_max))
        return fail(Errc::would_block, "queue '" + queue.name + "' is full");
    if (gathered_for(queue) + load > room_for(queue))
        return fail(Errc::would_block, "the store is full");
    gathered_for(queue) += load;
    Record again = message.record;
    again.id = queue.next;
    again.note = maybe_note; // somebody may have had it
    again.attempts = 0;
    again.expiry_ms = 0;
    accept(slot, again, priority);
    return {};
}

// ---- what is due -------------------------------------------------------------------------------

void QueueMachine::Rest::promote() {
    TurnBudget budget;
    const auto visit = [&](const Delayed& message, bool is_due) {
        using Fate = DelayWheel::Fate;
        const Slot slot = book_.find(message.queue, turn_);
        if (turn_.broken())
            return Fate::later;
        if (slot == no_slot)
            return book_.is_unreadable(message.queue) ? Fate::later : Fate::leaves; // it is gone
        if (jobs_.is_purging(message.queue, message.record.id)) {
            leave_delayed(message, Leaving::purged);
            return Fate::leaves;
        }
        if (message.record.expiry_ms != 0 && message.record.expiry_ms <= turn_.wall_ms()) {
            leave_delayed(message, Leaving::expired);
            return Fate::leaves;
        }
        if (!is_due)
            return Fate::stays;
        Queue& queue = book_[slot];
        const Lane lane = message.lane < queue.lanes.size() ? message.lane : Lane{0};
        append(slot, lane, message.record);
        --queue.delayed;
        ++queue.ready;
        book_.mark(slot);
        changed(queue);
        return Fate::leaves;
    };
    // Its messages are counted out, as those of a damaged block are.
    const auto damaged_row = [&](const DelayWheel::Damaged& row) {
        const Slot slot = book_.find(row.queue, turn_);
        if (slot == no_slot)
            return notice("delayed_damaged", "of a deleted queue");
        Queue& queue = book_[slot];
        const std::uint64_t lost =
            std::min(std::max<std::uint64_t>(row.messages, 1), queue.delayed);
        queue.delayed -= lost;
        queue.bytes -= std::min(queue.bytes, row.bytes);
        queue.counters.dropped_total += lost;
        ++queue.counters.damaged_total;
        book_.mark(slot);
        notice("delayed_damaged", "about " + std::to_string(lost) + " messages", queue.name);
    };
    const std::size_t before = turn_.mutations().changes().size();
    if (const Status moved = wheel_.advance(turn_.snapshot(), turn_.changes(), turn_.wall_ms(),
                                            budget, visit, damaged_row);
        !moved)
        turn_.break_off(moved.error());
    if (turn_.mutations().changes().size() != before)
        needs_commit_ = true;
    more_due_ = more_due_ || budget.is_spent();
}

void QueueMachine::Rest::reap() {
    const std::size_t before = turn_.mutations().changes().size();
    TurnBudget budget;
    const Status reaped = reap_expired(
        turn_.snapshot(), turn_.changes(), *this, turn_.wall_ms(), budget,
        [&](const Waiting& message) { return leave(turn_.snapshot(), message, Leaving::expired); });
    if (!reaped)
        turn_.break_off(reaped.error());
    more_due_ = more_due_ || budget.is_spent();
    if (turn_.mutations().changes().size() != before)
        needs_commit_ = true;
}

void QueueMachine::Rest::run_jobs() {
    if (jobs_.empty())
        return;
    TurnBudget budget;
    std::vector<JobDone> done;
    const std::size_t before = turn_.mutations().changes().size();
    if (const Status ran =
            jobs_.run(turn_.snapshot(), turn_.changes(), *this, turn_.wall_ms(), budget, done);
        !ran)
        turn_.break_off(ran.error());
    if (turn_.mutations().changes().size() != before)
        needs_commit_ = true;
    for (JobDone& job : done) {
        const auto asker = job_askers_.find(job.job);
        if (asker == job_askers_.end())
            continue;
        Event event = Done{job.messages};
        if (!job.status)
            event = leased::ErrorReply{job.status.error().code == Errc::would_block
                                           ? leased::ErrorCode::full
                                           : leased::error_code(job.status.error().code),
                                       job.status.error().detail, job.messages, 0, 0};
        held_.push_back(
            {{std::move(asker->second.peer), std::move(asker->second.envelope), std::move(event)},
             Needs::commit});
        needs_commit_ = true;
        job_askers_.erase(asker);
    }
}

// Queues that took more than they may hold give up their oldest.
void QueueMachine::Rest::drop_excess() {
    std::vector<Slot> queues = std::exchange(over_limit_, {});
    std::sort(queues.begin(), queues.end());
    queues.erase(std::unique(queues.begin(), queues.end()), queues.end());
    for (const Slot slot : queues) {
        Queue& queue = book_[slot];
        if (!queue.is_used || queue.properties.overflow == Overflow::reject)
            continue;
        const QueueProperties& properties = queue.properties;
        std::uint64_t excess = queue.unfinished() > properties.messages_max
                                   ? queue.unfinished() - properties.messages_max
                                   : 0;
        if (queue.bytes > properties.bytes_max) {
            const std::uint64_t each = queue.bytes / std::max<std::uint64_t>(1, queue.unfinished());
            excess = std::max(
                excess,
                (queue.bytes - properties.bytes_max) / std::max<std::uint64_t>(1, each) + 1);
        }
        if (excess == 0)
            continue;
        TurnBudget budget;
        const auto dropped = drop_oldest(
            turn_.snapshot(), *this, queue.id, queue.lanes.size(), excess,
            properties.overflow == Overflow::drop_oldest ? Leaving::dropped : Leaving::dead_letter,
            budget);
        if (!dropped)
            return turn_.break_off(dropped.error());
        if (*dropped < excess) { // the rest was put in this turn: next time
            over_limit_.push_back(slot);
            more_due_ = more_due_ || *dropped > 0;
        }
    }
}

} // namespace flotilla::queue
