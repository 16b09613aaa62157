// SPDX-License-Identifier: Apache-2.0
//
// SourceMachine: what it does about each thing that a worker says.
#include <flotilla/pipeline/source_machine.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace flotilla::pipeline {

namespace leased = wire::leased;
using leased::ErrorCode;
using State = WorkItem::State;

namespace {
constexpr const char* no_other_queue =
    "a source has only the queue ''; queues with names are those of a store";
}

struct SourceMachine::Said {
    const WorkPeer& peer;
    const leased::Envelope& envelope;
    std::uint64_t user;
    Slot session; // of the peer; no_slot when it has none
    Instant now;
    SourceOutputs& out;
};

void SourceMachine::receive(const WorkPeer& peer, const leased::Envelope& envelope,
                            const leased::Command& command, Instant now, SourceOutputs& out) {
    Said said{peer, envelope, work_hash(peer.user_id), sessions_.find(peer.id), now, out};
    if (said.session != no_slot) {
        heard(said.session, now);
        sessions_[said.session].descriptor = peer.descriptor;
        sessions_[said.session].delimited = envelope.delimited;
    }
    std::visit([&](const auto& each) { handle(said, each); }, command);
}

void SourceMachine::receive_malformed(const WorkPeer& peer, const leased::Envelope& envelope,
                                      const Error& error, Instant now, SourceOutputs& out) {
    Said said{peer, envelope, 0, no_slot, now, out};
    ++counters_.malformed_total;
    answer(said, leased::ErrorReply{leased::error_code(error.code), error.detail, 0, 0, 0});
}

// ---- answers -----------------------------------------------------------------------------------

void SourceMachine::answer(Said& said, leased::Event event) {
    said.out.sends.push_back({std::string(said.peer.id), said.envelope, std::move(event)});
}

void SourceMachine::answer_if_wanted(Said& said, leased::Event event) {
    if (said.envelope.wants_answer())
        answer(said, std::move(event));
}

void SourceMachine::refuse(Said& said, ErrorCode code, std::string text) {
    ++counters_.refused_total;
    answer(said, leased::ErrorReply{code, std::move(text), 0, 0, 0});
}

// ---- sessions ----------------------------------------------------------------------------------

void SourceMachine::heard(Slot slot, Instant now) {
    WorkSession& session = sessions_[slot];
    session.heard = now;
    session.probed = false;
    session.alarm = never;
    if (session.state == WorkSession::State::gone || session.is_mute) {
        session.state = WorkSession::State::live;
        session.is_mute = false;
        sessions_.update(slot);
    }
}

void SourceMachine::set_credit(Slot slot, std::uint32_t credit) {
    sessions_[slot].credit = std::min(credit, limits_.credit_max);
    sessions_.update(slot);
}

// A session for a peer that has none; no_slot (and an answer) when there is no room.
Slot SourceMachine::open_session(Said& said) {
    if (sessions_.is_full()) {
        // Somebody who takes now and then, and holds nothing, will not notice.
        bool freed = false;
        sessions_.for_each([&](Slot slot) {
            const WorkSession& session = sessions_[slot];
            if (freed || session.greeted || session.take || !session.held.empty())
                return;
            sessions_.close(slot);
            freed = true;
        });
        if (!freed) {
            refuse(said, ErrorCode::busy,
                   "the source has all the sessions it may; come back later");
            return no_slot;
        }
    }
    said.session = sessions_.open(said.peer.id);
    WorkSession& session = sessions_[said.session];
    session.descriptor = said.peer.descriptor;
    session.delimited = said.envelope.delimited;
    session.user = said.user;
    session.heard = said.now;
    next_look_ = std::min(next_look_, deadline_after(said.now, limits_.silence_max));
    ++counters_.sessions_opened_total;
    return said.session;
}

// The session that the peer had on an earlier connection, moved to this one; else no_slot.
Slot SourceMachine::resume(Said& said, const leased::Hello& hello) {
    const Slot old = hello.resume == 0 ? no_slot : sessions_.find_key(hello.resume);
    if (old == no_slot || sessions_[old].user != said.user)
        return no_slot;
    if (old != said.session) {
        if (said.session != no_slot)
            drop(said.session, said.now, said.out);
        sessions_.set_peer(old, said.peer.id);
        sessions_[old].descriptor = said.peer.descriptor;
        sessions_[old].delimited = said.envelope.delimited;
        said.session = old;
    }
    heard(old, said.now);
    ++counters_.sessions_resumed_total;
    if (hello.held && hello.held->epoch == epoch_)
        return_unheld(said, *hello.held);
    return old;
}

// What was on its way when the connection broke did not arrive, and goes out again. It counts as an
// attempt: a message that breaks every connection that it is sent over is given up in the end.
void SourceMachine::return_unheld(Said& said, const leased::Held& held) {
    std::vector<Slot> lost;
    for (Slot item = sessions_[said.session].held.first; item != no_slot;
         item = items_.next_held(item))
        if (!held.has(items_[item].lease))
            lost.push_back(item);
    counters_.requeued_total += lost.size();
    give_back_all(lost, DeadReason::worker_gone, {}, said.now, said.now, said.out);
}

void SourceMachine::handle(Said& said, const leased::Hello& hello) {
    if (stopped_)
        return refuse(said, ErrorCode::draining, "this source delivers no more; go elsewhere");
    if (!hello.queue.empty())
        return refuse(said, ErrorCode::bad_option, no_other_queue);
    if (resume(said, hello) == no_slot) {
        if (said.session != no_slot)
            drop(said.session, said.now, said.out); // a new beginning
        if (open_session(said) == no_slot)
            return;
        std::uint64_t key = random_.next();
        while (key == 0 || sessions_.find_key(key) != no_slot)
            key = random_.next();
        sessions_.set_key(said.session, key);
        // A unique name keeps a worker's keys over a restart; a shared one would starve its twin.
        bool unique = !hello.worker.empty();
        sessions_.for_each([&](Slot other) {
            unique = unique && (other == said.session || sessions_[other].worker != hello.worker);
        });
        sessions_[said.session].seed = unique ? work_hash(hello.worker) : key;
        membership_changed();
    }
    WorkSession& session = sessions_[said.session];
    session.greeted = true;
    session.worker = hello.worker;
    session.packed = hello.packed;
    session.compress = hello.compress;
    if (session.weight != hello.weight)
        membership_changed();
    session.weight = hello.weight;
    set_credit(said.session, hello.credit.value_or(0));
    leased::Terms terms{
        session.key,       epoch_, limits_.heartbeat, limits_.lease, limits_.message_bytes_max,
        limits_.credit_max};
    answer(said, leased::Ok{terms, 0, 0});
}

void SourceMachine::handle(Said& said, const leased::Credit& credit) {
    if (said.session == no_slot || !sessions_[said.session].greeted)
        return refuse(said, ErrorCode::no_session, "credit needs a session; say hello first");
    set_credit(said.session, credit.messages);
    answer_if_wanted(said, leased::Ok{});
}

void SourceMachine::handle(Said& said, const leased::Ping& ping) {
    if (said.session == no_slot || !sessions_[said.session].greeted)
        return refuse(said, ErrorCode::no_session, "this source does not know you; say hello");
    if (ping.credit)
        set_credit(said.session, *ping.credit);
    answer(said, leased::Pong{});
}

void SourceMachine::handle(Said&, const leased::Pong&) {} // it was heard: that is all

void SourceMachine::handle(Said& said, const leased::Bye&) {
    if (said.session != no_slot)
        drop(said.session, said.now, said.out);
    answer_if_wanted(said, leased::Ok{});
}

void SourceMachine::handle(Said& said, const leased::Take& take) {
    if (!take.queue.empty())
        return refuse(said, ErrorCode::bad_option, no_other_queue);
    if (stopped_)
        return refuse(said, ErrorCode::draining, "this source delivers no more; go elsewhere");
    if (said.session == no_slot && open_session(said) == no_slot)
        return;
    WorkSession& session = sessions_[said.session];
    if (session.take)
        return refuse(said, ErrorCode::too_many, "one take at a time; wait for its answer");
    session.take = said.envelope;
    session.take_until = deadline_after(said.now, take.wait);
    next_take_ = std::min(next_take_, session.take_until);
    sessions_.update(said.session);
}

// ---- leases ------------------------------------------------------------------------------------

SourceMachine::Hold SourceMachine::hold(const Said& said, std::uint64_t lease, Slot item) const {
    const WorkItem& it = items_[item];
    if (it.state == State::leased) {
        if (it.holder == said.session)
            return it.lease == lease ? Hold::held : Hold::late;
        if (sessions_[it.holder].state == WorkSession::State::live)
            return Hold::lost;
    }
    return it.holder_user == said.user ? Hold::late : Hold::lost;
}

// `each(item, hold)` says whether the answer counts; then what became of all is answered.
template <class Each>
void SourceMachine::for_leases(Said& said, const leased::Leases& leases, Each&& each) {
    leased::ErrorReply sum{ErrorCode::lease_lost, "", 0, 0, 0};
    for (const leased::LeaseRange& range : leases.ranges) {
        if (leases.epoch != epoch_)
            break;
        items_.leases().for_each(range.first, range.count, [&](std::uint64_t number, Slot item) {
            const Hold held = hold(said, number, item);
            const bool counts = each(item, held);
            sum.done += counts ? 1 : 0;
            sum.late += counts && held == Hold::late ? 1 : 0;
        });
    }
    // Overlapping ranges count twice in what was named, so they may be called lost.
    sum.lost = leases.count() - sum.done;
    counters_.late_total += sum.late;
    counters_.lease_lost_total += sum.lost;
    if (sum.lost == 0)
        return answer_if_wanted(said, leased::Ok{std::nullopt, sum.done, sum.late});
    sum.text = "not leased to you any more; what it was may be delivered again, or is finished";
    answer(said, std::move(sum));
}

void SourceMachine::handle(Said& said, const leased::Ack& ack) {
    for_leases(said, ack.leases, [&](Slot item, Hold held) {
        if (held == Hold::lost)
            return false;
        finish(item);
        return true;
    });
}

void SourceMachine::handle(Said& said, const leased::Nack& nack) {
    std::vector<Slot> items;
    for_leases(said, nack.leases, [&](Slot item, Hold held) {
        if (held != Hold::held)
            return false;
        items.push_back(item);
        return true;
    });
    // In the order they were given out; named twice, it is still one refusal.
    std::sort(items.begin(), items.end(),
              [&](Slot a, Slot b) { return items_[a].lease < items_[b].lease; });
    items.erase(std::unique(items.begin(), items.end()), items.end());
    counters_.nacked_total += items.size();
    give_back_all(items, DeadReason::nacked, nack.reason, deadline_after(said.now, nack.delay),
                  said.now, said.out);
}

void SourceMachine::handle(Said& said, const leased::Touch& touch) {
    for_leases(said, touch.leases, [&](Slot item, Hold held) {
        if (held != Hold::held)
            return false;
        items_.touch(item, deadline_after(said.now, limits_.lease));
        return true;
    });
}

} // namespace flotilla::pipeline
