// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: what comes back from a consumer goes out again, waits, or is dead.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>
#include <flotilla/queue/engine/retry_backoff.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

std::string_view QueueMachine::Rest::name(Cause cause) noexcept {
    switch (cause) {
    case Cause::nacked:
        return "nacked";
    case Cause::lease_over:
        return "lease_expired";
    case Cause::consumer_gone:
        return "consumer_gone";
    case Cause::taken_back:
    case Cause::stopping:
        break;
    }
    return "";
}

// In the order in which they were given out; named twice, it is still one refusal.
void QueueMachine::Rest::give_back_all(std::vector<std::uint64_t>& numbers, Cause cause,
                                       std::string_view text, std::optional<Duration> delay) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    for (const std::uint64_t number : numbers)
        if (const Lease* const lease = leases_.find(number);
            lease != nullptr && lease->state == Lease::State::held)
            give_back(number, cause, text, delay);
    update_touched();
}

void QueueMachine::Rest::give_back(std::uint64_t number, Cause cause, std::string_view text,
                                   std::optional<Duration> delay) {
    Lease& lease = *leases_.find(number);
    free_window(lease);
    if (lease.is_finished)
        return leases_.forget(number);
    const BlockUse& use = uses_[lease.block];
    const Slot slot = use.queue;
    Queue& queue = book_[slot];
    --queue.leased;
    book_.mark(slot);
    changed(queue);
    if (cause == Cause::nacked)
        ++queue.counters.nacked_total;
    else if (cause == Cause::lease_over)
        ++queue.counters.lease_expired_total;
    const bool is_own_fault = cause != Cause::taken_back && cause != Cause::stopping;
    if (is_own_fault && lease.attempts >= queue.properties.attempts_max)
        return bury(number, lease, cause, text);
    if (!delay)
        delay = is_own_fault ? retry_delay(queue.properties, lease.attempts) : Duration::zero();
    if (*delay > Duration::zero() && queue.properties.order == Order::plain)
        return delay_again(number, lease, *delay);
    const Position position = use.first + lease.index;
    Returned returned;
    returned.attempts = lease.attempts;
    returned.key = lease.key;
    returned.is_keyed = lease.is_keyed;
    ++queue.ready;
    turn_.put(Table::attempt, block_key(queue.id, use.lane, position),
              encode_attempts(lease.attempts));
    LaneState& lane = queue.lanes[use.lane];
    if (cause == Cause::taken_back) {
        waited_leases_.erase(number);
        leases_.forget(number);
    } else {
        returned.lease = number;
        leases_.give_back(lease);
    }
    const Instant until = deadline_after(turn_.now, *delay);
    if (*delay > Duration::zero() && queue.properties.order == Order::key) {
        lane.resting.emplace(until, std::pair{position, returned});
        resting_.insert(slot);
    } else {
        lane.returned.emplace(position, returned);
        if (*delay > Duration::zero())
            queue.paused_until = std::max(queue.paused_until, until);
    }
    if (*delay > Duration::zero())
        next_rest_ = std::min(next_rest_, until);
    wake(slot);
    if (queue.properties.order == Order::strict && cause != Cause::taken_back)
        take_back_behind(slot, position);
}

// Out of what waits to be delivered again; false: it is not there.
bool QueueMachine::Rest::take_returned(LaneState& lane, Position position, Returned& returned) {
    if (const auto at = lane.returned.find(position); at != lane.returned.end()) {
        returned = at->second;
        lane.returned.erase(at);
        return true;
    }
    for (auto at = lane.resting.begin(); at != lane.resting.end(); ++at) {
        if (at->second.first != position)
            continue;
        returned = at->second.second;
        lane.resting.erase(at);
        return true;
    }
    return false;
}

// Retry delays that were waited out in place.
void QueueMachine::Rest::tick_resting() {
    if (next_rest_ > turn_.now)
        return;
    next_rest_ = never;
    for (auto queue = resting_.begin(); queue != resting_.end();) {
        bool rests = false;
        for (LaneState& lane : book_[*queue].lanes) {
            while (!lane.resting.empty() && lane.resting.begin()->first <= turn_.now) {
                lane.returned.insert(lane.resting.begin()->second);
                lane.resting.erase(lane.resting.begin());
                wake(*queue);
            }
            if (lane.resting.empty())
                continue;
            rests = true;
            next_rest_ = std::min(next_rest_, lane.resting.begin()->first);
        }
        queue = rests ? std::next(queue) : resting_.erase(queue);
    }
    book_.for_each([&](Slot slot) {
        const Queue& queue = book_[slot];
        if (queue.paused_until > turn_.now)
            next_rest_ = std::min(next_rest_, queue.paused_until);
        else if (queue.properties.order == Order::strict)
            wake(slot);
    });
    sessions_.for_each([&](Slot slot) {
        Session& session = sessions_[slot];
        if (!session.is_resting)
            return;
        const Instant next = session.bucket.next(turn_.now);
        session.is_resting = next > turn_.now;
        if (session.is_resting)
            next_rest_ = std::min(next_rest_, next);
        else
            update(slot);
    });
}

// order=strict: nothing may be ahead of what came back.
void QueueMachine::Rest::take_back_behind(Slot queue, Position position) {
    std::vector<std::uint64_t> behind;
    for (Slot grant = leases_.first_of_queue(queue); grant != no_slot;
         grant = leases_.next_of_queue(grant)) {
        const Grant& of = leases_.grant(grant);
        leases_.for_each(of.first, of.count, [&](std::uint64_t number, const Lease& lease) {
            if (lease.state == Lease::State::held && lease.grant == grant && !lease.is_finished &&
                uses_[lease.block].first + lease.index > position)
                behind.push_back(number);
        });
    }
    give_back_all(behind, Cause::taken_back, {}, std::nullopt);
}

void QueueMachine::Rest::end_lease(std::uint64_t number, const Lease& lease) {
    const Lease was = lease;
    waited_leases_.erase(number);
    leases_.forget(number);
    finish(was.block, was.index, was.bytes, was.attempts - 1);
    unpin(was.block, was.key, was.is_keyed ? Keyed::yes : Keyed::no);
}

void QueueMachine::Rest::delay_again(std::uint64_t number, Lease& lease, Duration delay) {
    const BlockUse& use = uses_[lease.block];
    Queue& queue = queue_of(use);
    Record record;
    if (!read_used(lease.block, lease.index, record)) {
        ++queue.counters.dropped_total;
        return end_lease(number, lease);
    }
    record.attempts = lease.attempts;
    const std::int64_t now = turn_.wall_ms();
    wheel_.add({queue.id, use.lane, turn_.due_ms(delay), now, record}, now);
    ++queue.delayed;
    queue.bytes += lease.bytes;
    end_lease(number, lease);
}

// ---- dead letters ------------------------------------------------------------------------------

void QueueMachine::Rest::bury(std::uint64_t number, Lease& lease, Cause cause,
                              std::string_view text) {
    const BlockUse& use = uses_[lease.block];
    Queue& queue = queue_of(use);
    Record record;
    if (read_used(lease.block, lease.index, record)) {
        bury({use.queue, record.id, name(cause), lease.attempts, text, use.lane}, record);
        answer_waits(queue.id, record.id, Acked::no);
    }
    ++queue.counters.dead_total;
    end_lease(number, lease);
}

// A copy, with a note, at the end of the queue for dead letters. Its limits do not stop them: they
// were accepted once, and are bounded by what their queues may hold.
void QueueMachine::Rest::bury(const Grave& grave, const Record& record) {
    const Queue& origin = book_[grave.origin];
    const std::string& name = origin.properties.dead_letter_queue;
    if (name == origin.name)
        return;
    if (name.empty())
        return notice("dead_letter_dropped",
                      "'" + std::string(grave.reason) + "' after " +
                          std::to_string(grave.attempts) +
                          " attempts, and the queue has no dead_letter_queue",
                      origin.name);
    std::string why;
    const Slot target = find_or_create(name, Creates::always, why);
    if (target == no_slot)
        return notice("dead_letter_dropped", why, origin.name);
    wire::OptionTextWriter note;
    note.text("origin", origin.name)
        .count("origin_id", grave.id)
        .text("reason", grave.reason)
        .count("attempts", grave.attempts);
    if (origin.properties.order == Order::plain && grave.lane > 0)
        note.count("priority", grave.lane);
    if (!grave.text.empty())
        note.text("text", grave.text);
    Queue& queue = book_[target];
    Record letter = record;
    letter.id = queue.next;
    letter.note = note.view();
    letter.attempts = 0;
    letter.expiry_ms = 0;
    accept(target, letter, 0);
}

// At the end of its lane, and counted.
void QueueMachine::Rest::accept(Slot slot, const Record& record, std::uint8_t priority) {
    Queue& queue = book_[slot];
    append(slot, lane_for(queue, priority, record.key), record);
    const std::uint32_t load = load_of(record);
    ++queue.ready;
    queue.bytes += load;
    ++queue.counters.accepted_total;
    queue.counters.accepted_bytes_total += load;
    book_.mark(slot);
    changed(queue);
}

} // namespace flotilla::queue
