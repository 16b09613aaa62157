// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: who takes from queues, with how much credit, and for how long it may be silent.
// The rules are those of a source of leased work.
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

using leased::ErrorCode;

namespace {
constexpr const char* delivers_no_more = "this store delivers no more; go elsewhere";
}

void QueueMachine::Rest::heard(Slot slot) {
    Session& session = sessions_[slot];
    session.heard = turn_.now;
    session.probed = false;
    session.is_lost = false;
    session.alarm = never;
    if (session.state == Session::State::gone || session.is_mute) {
        session.state = Session::State::live;
        session.is_mute = false;
        update(slot);
    }
}

// Whatever may be given to it may have changed.
void QueueMachine::Rest::update(Slot slot) {
    sessions_.update(slot);
    if (sessions_[slot].room() > 0 && sessions_[slot].queue != no_slot)
        wake(sessions_[slot].queue);
}

void QueueMachine::Rest::set_credit(Slot slot, std::uint32_t credit) {
    sessions_[slot].credit = std::min(credit, limits_.credit_max);
    update(slot);
}

// A session for a peer that has none; no_slot (and an answer) when there is no room.
Slot QueueMachine::Rest::open_session(Said& said) {
    if (sessions_.is_full()) {
        // Somebody who takes now and then, and holds nothing, will not notice.
        bool freed = false;
        sessions_.for_each([&](Slot slot) {
            const Session& session = sessions_[slot];
            if (freed || session.greeted || session.take || session.outstanding > 0)
                return;
            end_session(slot);
            freed = true;
        });
        if (!freed) {
            refuse(said, ErrorCode::busy, "the store has all the sessions it may; come back later");
            return no_slot;
        }
    }
    // Whoever had this descriptor before has no connection any more: hints may come late.
    question(said.peer.descriptor);
    said.session = sessions_.open(said.peer.id);
    Session& session = sessions_[said.session];
    session.descriptor = said.peer.descriptor;
    session.delimited = said.envelope.delimited;
    session.user = said.user;
    session.user_id = said.peer.user_id;
    session.side = said.peer.side;
    session.heard = turn_.now;
    next_look_ = std::min(next_look_, deadline_after(turn_.now, limits_.silence_max));
    return said.session;
}

// The session that the peer had on an earlier connection, moved to this one; else no_slot.
Slot QueueMachine::Rest::resume(Said& said, const leased::Hello& hello, Slot queue) {
    const Slot old = hello.resume == 0 ? no_slot : sessions_.find_key(hello.resume);
    if (old == no_slot || sessions_[old].user != said.user || sessions_[old].queue != queue)
        return no_slot;
    if (old != said.session) {
        if (said.session != no_slot)
            drop(said.session);
        sessions_.set_peer(old, said.peer.id);
        sessions_[old].descriptor = said.peer.descriptor;
        sessions_[old].delimited = said.envelope.delimited;
        said.session = old;
    }
    heard(old);
    if (hello.held && hello.held->epoch == epoch_)
        return_unheld(old, *hello.held);
    return old;
}

// What was on its way when the connection broke did not arrive, and goes out again. It counts as an
// attempt: a message that breaks every connection that it is sent over is dead in the end.
void QueueMachine::Rest::return_unheld(Slot slot, const leased::Held& held) {
    std::vector<std::uint64_t> lost = held_by(slot);
    std::erase_if(lost, [&held](std::uint64_t number) { return held.has(number); });
    give_back_all(lost, Cause::consumer_gone, {}, std::nullopt);
}

void QueueMachine::Rest::handle(Said& said, const leased::Hello& hello) {
    if (draining_)
        return refuse(said, ErrorCode::draining, "this store opens no session; go elsewhere");
    const Slot queue = queue_for(said, hello.queue, Creates::by_pattern);
    if (queue == no_slot)
        return;
    if (resume(said, hello, queue) == no_slot) {
        if (said.session != no_slot)
            drop(said.session); // a new beginning
        if (open_session(said) == no_slot)
            return;
        std::uint64_t key = random_.next();
        while (key == 0 || sessions_.find_key(key) != no_slot)
            key = random_.next();
        sessions_.set_key(said.session, key);
        ++book_[queue].consumers;
    }
    Session& session = sessions_[said.session];
    session.greeted = true;
    session.consumer = hello.worker;
    session.packed = hello.packed;
    session.compress = hello.compress;
    session.queue = queue;
    session.bucket.set_rate(book_[queue].properties.consumer_rate_max, turn_.now);
    set_credit(said.session, hello.credit.value_or(0));
    const QueueProperties& properties = book_[queue].properties;
    answer(said, leased::Ok{leased::Terms{
                                session.key, epoch_, limits_.heartbeat, properties.lease,
                                std::min(properties.message_bytes_max, limits_.message_bytes_max),
                                limits_.credit_max},
                            0, 0});
}

void QueueMachine::Rest::handle(Said& said, const leased::Credit& credit) {
    if (said.session == no_slot || !sessions_[said.session].greeted)
        return refuse(said, ErrorCode::no_session, "credit needs a session; say hello first");
    set_credit(said.session, credit.messages);
    answer_if_wanted(said, leased::Ok{}, Needs::nothing);
}

void QueueMachine::Rest::handle(Said& said, const leased::Ping& ping) {
    if (said.session == no_slot || !sessions_[said.session].greeted)
        // Not counted as refused: so newcomers ask whether anybody is there.
        return answer(said, leased::ErrorReply{ErrorCode::no_session,
                                               "this store does not know you; say hello", 0, 0, 0});
    if (ping.credit)
        set_credit(said.session, *ping.credit);
    answer(said, leased::Pong{});
}

void QueueMachine::Rest::handle(Said&, const leased::Pong&) {} // it was heard: that is all

void QueueMachine::Rest::handle(Said& said, const leased::Bye&) {
    if (said.session != no_slot)
        drop(said.session);
    answer_if_wanted(said, leased::Ok{}, Needs::commit);
}

void QueueMachine::Rest::handle(Said& said, const leased::Take& asked) {
    if (said.session == no_slot || !sessions_[said.session].greeted)
        return refuse(said, ErrorCode::bad_option, "say which queue to take from: queue=NAME");
    take(said, sessions_[said.session].queue, asked.wait);
}

void QueueMachine::Rest::handle(const Said& said, const Take& asked) {
    const Slot queue = queue_for(said, asked.queue, Creates::by_pattern);
    Said mine = said;
    if (queue != no_slot)
        take(mine, queue, asked.wait);
}

void QueueMachine::Rest::take(Said& said, Slot queue, Duration wait) {
    if (draining_)
        return refuse(said, ErrorCode::draining, delivers_no_more);
    if (said.session == no_slot && open_session(said) == no_slot)
        return;
    Session& session = sessions_[said.session];
    if (session.take)
        return refuse(said, ErrorCode::too_many, "one take at a time; wait for its answer");
    if (session.greeted && session.queue != queue)
        return refuse(said, ErrorCode::bad_option,
                      "this session is for another queue; take without hello, or say bye first");
    if (takes_ >= limits_.takes_max)
        return refuse(said, ErrorCode::busy, "too many takes wait; come back later");
    ++takes_;
    if (session.queue != queue)
        session.bucket.set_rate(book_[queue].properties.consumer_rate_max, turn_.now);
    session.queue = queue;
    session.take = said.envelope;
    session.take_until = deadline_after(turn_.now, wait);
    next_take_ = std::min(next_take_, session.take_until);
    update(said.session);
}

void QueueMachine::Rest::end_take(Session& session, Event event) {
    held_.push_back({{session.peer, std::move(*session.take), std::move(event)}, Needs::nothing});
    session.take.reset();
    session.take_until = never;
    --takes_;
}

// ---- time and connections ----------------------------------------------------------------------

// After the deliveries of the turn in which a take came it is either answered or waits.
void QueueMachine::Rest::tick_takes(EngineOutputs& out) {
    if (next_take_ > turn_.now)
        return;
    next_take_ = never;
    sessions_.for_each([&](Slot slot) {
        Session& session = sessions_[slot];
        if (!session.take)
            return;
        // A queue that waits for another turn (its horizon is to be raised) may have something yet.
        const bool waits = session.take_until > turn_.now || book_[session.queue].is_waiting;
        if ((waits && !draining_) || session.state != Session::State::live) {
            next_take_ = std::min(next_take_, session.take_until);
            return;
        }
        leased::Event answer = leased::Empty{};
        if (draining_)
            answer = leased::ErrorReply{ErrorCode::draining, delivers_no_more, 0, 0, 0};
        out.sends.push_back({session.peer, std::move(*session.take), std::move(answer)});
        session.take.reset();
        session.take_until = never;
        --takes_;
        update(slot);
    });
}

void QueueMachine::Rest::tick_sessions() {
    if (turn_.now < next_look_)
        return;
    sessions_.for_each([&](Slot slot) { tick_session(slot); });
    next_look_ = never;
    sessions_.for_each([&](Slot slot) {
        const Session& session = sessions_[slot];
        next_look_ = std::min(
            {next_look_, session.alarm, deadline_after(session.heard, limits_.silence_max)});
    });
}

void QueueMachine::Rest::tick_session(Slot slot) {
    Session& session = sessions_[slot];
    const bool silent = deadline_after(session.heard, limits_.silence_max) <= turn_.now;
    if (session.alarm <= turn_.now && session.probed) {
        // Still no word: asked once more, in case the first question overtook the disconnection.
        session.probed = false;
        session.alarm = never;
        probe(session);
    } else if (session.alarm <= turn_.now || (silent && session.greeted)) {
        drop(slot);
    } else if (silent && session.outstanding == 0 && !session.take) {
        end_session(slot);
    } else if (silent) {
        session.heard = turn_.now; // it holds something; its leases end by themselves
    }
}

void QueueMachine::Rest::probe(const Session& session) {
    held_.push_back({{session.peer, {session.delimited, {}}, leased::Ping{}}, Needs::nothing});
}

void QueueMachine::Rest::connection_lost(int descriptor) {
    acked_waits_.connection_lost(descriptor);
    question(descriptor);
}

void QueueMachine::Rest::question(int descriptor) {
    const Slot slot = descriptor < 0 ? no_slot : sessions_.find_descriptor(descriptor);
    if (slot == no_slot || sessions_[slot].state != Session::State::live)
        return;
    Session& session = sessions_[slot];
    // Who took without a session may answer over another connection: its lease lives until it is
    // over (docs/protocol/leased.md).
    if (!session.greeted && !session.take && session.outstanding > 0) {
        session.is_lost = true;
        session.descriptor = -1; // the next connection's, which is none of its
        return;
    }
    session.probed = true;
    session.alarm = deadline_after(turn_.now, limits_.return_grace);
    next_look_ = std::min(next_look_, session.alarm);
    probe(session);
}

void QueueMachine::Rest::unreachable(std::string_view peer, QueueEngine::Unreachable why) {
    const Slot slot = sessions_.find(peer);
    if (slot == no_slot || sessions_[slot].state == Session::State::gone)
        return;
    Session& session = sessions_[slot];
    if (why == QueueEngine::Unreachable::too_slow || !session.greeted ||
        limits_.return_grace == Duration::zero())
        return drop(slot);
    session.state = Session::State::gone;
    session.probed = false;
    session.descriptor = -1;
    session.alarm = deadline_after(turn_.now, limits_.return_grace);
    next_look_ = std::min(next_look_, session.alarm);
    update(slot);
}

void QueueMachine::Rest::release(std::string_view peer) {
    sessions_.release(peer);
    if (const Slot slot = sessions_.find(peer); slot != no_slot)
        update(slot);
}

std::vector<std::uint64_t> QueueMachine::Rest::held_by(Slot slot) {
    std::vector<std::uint64_t> held;
    for (Slot grant = leases_.first_of_session(slot); grant != no_slot;
         grant = leases_.next_of_session(grant)) {
        const Grant& of = leases_.grant(grant);
        leases_.for_each(of.first, of.count, [&](std::uint64_t number, const Lease& lease) {
            if (lease.state == Lease::State::held && lease.grant == grant)
                held.push_back(number);
        });
    }
    return held;
}

// What it holds returns.
void QueueMachine::Rest::drop(Slot slot) {
    std::vector<std::uint64_t> held = held_by(slot);
    give_back_all(held, stopped_ ? Cause::stopping : Cause::consumer_gone, {}, std::nullopt);
    end_session(slot);
}

void QueueMachine::Rest::end_session(Slot slot) {
    Session& session = sessions_[slot];
    if (session.take)
        --takes_;
    if (session.queue != no_slot) {
        Queue& queue = book_[session.queue];
        if (session.greeted && queue.consumers > 0)
            --queue.consumers;
        if (queue.active == slot) {
            queue.active = no_slot;
            wake(session.queue);
        }
    }
    sessions_.close(slot);
}

} // namespace flotilla::queue
