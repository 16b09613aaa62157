// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: ack, nack and touch, by ranges of lease numbers.
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

using leased::ErrorCode;

QueueMachine::Rest::Hold QueueMachine::Rest::hold(const Said& said, const Lease& lease) {
    const Grant& grant = leases_.grant(lease.grant);
    switch (lease.state) {
    case Lease::State::held:
        if (grant.session == said.session)
            return Hold::held;
        // Somebody has it; when that is a session whose connection is gone, its user may speak.
        return sessions_[grant.session].state == Session::State::gone && grant.user == said.user
                   ? Hold::late
                   : Hold::lost;
    case Lease::State::returned:
        return grant.user == said.user ? Hold::late : Hold::lost;
    case Lease::State::before: {
        const Lease* const now = leases_.find(lease.other);
        return now != nullptr && leases_.grant(now->grant).session == said.session ? Hold::late
                                                                                   : Hold::lost;
    }
    case Lease::State::free:
        break;
    }
    return Hold::lost;
}

// `each(number, lease, hold)` says whether the answer counts; then what became of all is answered.
template <class Each>
void QueueMachine::Rest::for_leases(const Said& said, const leased::Leases& leases, Each&& each) {
    leased::ErrorReply sum{ErrorCode::lease_lost, "", 0, 0, 0};
    Needs needs = Needs::nothing;
    Slot last = no_slot; // queue
    Slot judged = no_slot;
    bool may_take = true;
    for (const leased::LeaseRange& range : leases.ranges) {
        if (leases.epoch != epoch_ || range.count == 0)
            continue;
        leases_.for_each(range.first, range.count, [&](std::uint64_t number, Lease& lease) {
            const Slot queue = leases_.grant(lease.grant).queue;
            if (queue != std::exchange(judged, queue) && is_judged(said.peer))
                may_take = judge_.allows(said.peer.user_id, Operation::take, book_[queue].name);
            const Hold held = may_take ? hold(said, lease) : Hold::lost;
            if (!each(number, lease, held))
                return;
            ++sum.done;
            sum.late += held == Hold::late ? 1 : 0;
            if (queue != last) {
                last = queue;
                needs = std::min(needs, changed(book_[queue]));
                wake(queue);
            }
        });
    }
    update_touched();
    // Overlapping ranges count twice in what was named, so they may be called lost.
    sum.lost = leases.count() - sum.done;
    if (sum.lost == 0)
        return answer_if_wanted(said, leased::Ok{std::nullopt, sum.done, sum.late}, needs);
    sum.text = "not leased to you any more; what it was may be delivered again, or is finished";
    ++counters_.refused_total;
    answer(said, std::move(sum), needs);
}

void QueueMachine::Rest::handle(Said& said, const leased::Ack& ack) {
    for_leases(said, ack.leases, [&](std::uint64_t number, Lease& lease, Hold held) {
        if (held == Hold::lost)
            return false;
        if (lease.state == Lease::State::before) {
            number = lease.other;
            acknowledge(number, *leases_.find(number), held);
        } else {
            acknowledge(number, lease, held);
        }
        return true;
    });
}

void QueueMachine::Rest::acknowledge(std::uint64_t number, Lease& lease, Hold held) {
    if (lease.is_finished) {
        free_window(lease);
        return leases_.forget(number);
    }
    const Lease was = lease;
    const BlockUse& use = uses_[was.block];
    Queue& queue = queue_of(use);
    if (was.state == Lease::State::held) {
        --queue.leased;
        free_window(lease);
    } else {
        Returned returned;
        take_returned(queue.lanes[use.lane], use.first + was.index, returned);
        --queue.ready;
    }
    finish(was.block, was.index, was.bytes,
           was.state == Lease::State::held ? was.attempts - 1 : was.attempts);
    ++queue.counters.finished_total;
    if (held == Hold::late)
        ++queue.counters.late_total;
    if (was.is_waited) {
        const auto waited = waited_leases_.find(number);
        const MessageId id = waited->second;
        waited_leases_.erase(waited);
        answer_waits(queue.id, id, Acked::yes);
    }
    leases_.forget(number);
    unpin(was.block, was.key, was.is_keyed ? Keyed::yes : Keyed::no);
}

void QueueMachine::Rest::handle(Said& said, const leased::Nack& nack) {
    std::vector<std::uint64_t> numbers;
    for_leases(said, nack.leases, [&](std::uint64_t number, Lease&, Hold held) {
        if (held != Hold::held)
            return false;
        numbers.push_back(number);
        return true;
    });
    std::optional<Duration> delay;
    if (nack.delay > Duration::zero())
        delay = nack.delay;
    give_back_all(numbers, Cause::nacked, nack.reason, delay);
}

void QueueMachine::Rest::handle(Said& said, const leased::Touch& touch) {
    for_leases(said, touch.leases, [&](std::uint64_t, Lease& lease, Hold held) {
        if (held != Hold::held)
            return false;
        const Slot queue = leases_.grant(lease.grant).queue;
        lease.ends = std::max(lease.ends, deadline_after(turn_.now, book_[queue].properties.lease));
        return true;
    });
}

// The window of whoever holds it opens by one; update_touched() makes that known.
void QueueMachine::Rest::free_window(const Lease& lease) {
    const Slot session = leases_.grant(lease.grant).session;
    --sessions_[session].outstanding;
    if (touched_sessions_.empty() || touched_sessions_.back() != session)
        touched_sessions_.push_back(session);
}

void QueueMachine::Rest::update_touched() {
    for (const Slot session : touched_sessions_)
        if (sessions_[session].state != Session::State::free)
            update(session);
    touched_sessions_.clear();
}

// Who was silent all the while would let the next one run out, too, and a message has only so many
// attempts: it is given nothing before it says something.
void QueueMachine::Rest::lease_ended(const Grant& grant) {
    Session& session = sessions_[grant.session];
    const Duration lease = book_[grant.queue].properties.lease;
    const bool silent = deadline_after(session.heard, lease) <= turn_.now;
    if (session.is_mute || !silent || session.take) // that one waits for our word
        return;
    session.is_mute = true;
    update(grant.session);
    if (session.greeted && session.state == Session::State::live)
        probe(session);
}

void QueueMachine::Rest::tick_leases() {
    std::vector<std::uint64_t> over;
    while (leases_.first_end() <= turn_.now) {
        const Slot slot = leases_.first_ending();
        const Grant grant = leases_.grant(slot);
        over.clear();
        Instant next = never;
        leases_.for_each(grant.first, grant.count, [&](std::uint64_t number, Lease& lease) {
            if (lease.state != Lease::State::held || lease.grant != slot)
                return;
            if (lease.ends <= turn_.now)
                over.push_back(number);
            else
                next = std::min(next, lease.ends);
        });
        if (over.size() < grant.held)
            leases_.set_waits(slot, next);
        changed(book_[grant.queue]);
        if (!over.empty())
            lease_ended(grant);
        give_back_all(over, Cause::lease_over, {}, std::nullopt);
    }
}

} // namespace flotilla::queue
