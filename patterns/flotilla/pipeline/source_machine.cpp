// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/source_machine.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::pipeline {

using State = WorkItem::State;

SourceMachine::SourceMachine(const SourceLimits& limits, std::uint64_t seed)
    : limits_(limits), random_(seed), epoch_(random_.next()),
      sessions_(limits.sessions_max, limits.dispatch) {}

// ---- submissions -------------------------------------------------------------------------------

Status SourceMachine::check_submission(std::size_t frames, std::uint64_t bytes,
                                       std::string_view key) const {
    if (draining_)
        return fail(Errc::refused, "the source is draining and accepts no more");
    if (frames == 0 || frames > wire::leased::limits::body_frames_max)
        return fail(Errc::too_many, "a message has 1 to 1000 frames");
    if (bytes > limits_.message_bytes_max)
        return fail(Errc::too_large, "a message of " + std::to_string(bytes) +
                                         " bytes; the limit is " +
                                         std::to_string(limits_.message_bytes_max));
    if (key.size() > wire::leased::limits::name_bytes_max || key.find('\n') != key.npos)
        return fail(Errc::bad_option, "a key is at most 255 bytes without a line feed");
    const SourceLevels& levels = items_.levels();
    if (levels.unfinished() >= limits_.messages_max ||
        levels.bytes + bytes + key.size() > limits_.bytes_max)
        return fail(Errc::would_block);
    return {};
}

Result<WorkId> SourceMachine::submit(wire::Frames& body, std::string_view key) {
    if (const Status checked = check_submission(body.size(), body.bytes(), key); !checked)
        return fail(checked.error());
    if (body.size() == 1) {
        Blob only = std::move(body[0]);
        body.clear();
        return accept(std::move(only), nullptr, key);
    }
    return accept({}, std::make_unique<wire::Frames>(std::move(body)), key);
}

Result<WorkId> SourceMachine::submit(ByteView body, std::string_view key) {
    if (const Status checked = check_submission(1, body.size(), key); !checked)
        return fail(checked.error());
    return accept(Blob::copy(body), nullptr, key);
}

Result<WorkId> SourceMachine::accept(Blob body, std::unique_ptr<wire::Frames> frames,
                                     std::string_view key) {
    const Slot item = items_.add(++last_id_, std::string(key), std::move(body), std::move(frames));
    if (limits_.dispatch == Dispatch::by_key && !key.empty())
        items_[item].key_hash = work_hash(key);
    put_in_lane(item, End::back);
    last_owner_ = items_[item].holder;
    ++counters_.submitted_total;
    return WorkId{last_id_};
}

// ---- lanes -------------------------------------------------------------------------------------

SlotList& SourceMachine::lane_of(Slot item) {
    const Slot owner = items_[item].holder;
    return owner == no_slot ? shared_lane_ : sessions_[owner].lane;
}

void SourceMachine::put_in_lane(Slot item, End end) {
    const bool keyed = limits_.dispatch == Dispatch::by_key && !items_[item].key.empty();
    items_[item].holder = keyed ? sessions_.owner(items_[item].key_hash) : no_slot;
    if (end == End::back)
        items_.push_back(lane_of(item), item);
    else
        items_.push_front(lane_of(item), item);
}

// After somebody came or went, every waiting key has to find its worker again.
void SourceMachine::sort_into_lanes() {
    replace_lanes_ = false;
    scratch_.clear();
    const auto empty = [&](SlotList& lane) {
        while (!lane.empty()) {
            scratch_.push_back(lane.first);
            items_.erase(lane, lane.first);
        }
    };
    empty(shared_lane_);
    sessions_.for_each([&](Slot session) { empty(sessions_[session].lane); });
    std::sort(scratch_.begin(), scratch_.end(),
              [&](Slot a, Slot b) { return items_[a].id < items_[b].id; });
    for (const Slot item : scratch_)
        put_in_lane(item, End::back);
}

// ---- deliveries --------------------------------------------------------------------------------

void SourceMachine::assign(Slot item, Slot session, Instant now) {
    WorkSession& to = sessions_[session];
    items_.erase(lane_of(item), item);
    items_[item].holder = session;
    items_[item].holder_user = to.user;
    items_.lease(item, to.held, deadline_after(now, limits_.lease));
    if (to.fresh == no_slot) {
        to.fresh = item;
        fresh_.push_back(session);
    }
    if (to.take) {
        to.answered = std::move(to.take);
        to.take.reset();
        to.take_until = never;
    }
    ++to.outstanding;
    to.turn = ++last_turn_;
    sessions_.update(session);
    ++counters_.delivered_total;
    if (items_[item].attempts > 1)
        ++counters_.redelivered_total;
}

void SourceMachine::assign_from(SlotList& lane, Slot session, Instant now) {
    while (!lane.empty() && sessions_[session].room() > 0)
        assign(lane.first, session, now);
}

void SourceMachine::dispatch(Instant now, SourceOutputs& out) {
    if (replace_lanes_)
        sort_into_lanes();
    if (!stopped_) {
        if (limits_.dispatch == Dispatch::by_key)
            sessions_.for_each(
                [&](Slot session) { assign_from(sessions_[session].lane, session, now); });
        while (!shared_lane_.empty() && sessions_.most_room() != no_slot)
            assign(shared_lane_.first, sessions_.most_room(), now);
        emit(out);
    }
    end_waits(now, out);
}

// Numbers are given session by session, so that each session's stand in a row: acknowledgements of
// a row are one range.
void SourceMachine::emit(SourceOutputs& out) {
    for (const Slot session : fresh_) {
        WorkSession& to = sessions_[session];
        bool answers_take = to.answered.has_value();
        for (Slot item = std::exchange(to.fresh, no_slot); item != no_slot;
             item = items_.next_held(item)) {
            const bool again = std::exchange(items_[item].last_holder, session) == session;
            items_.number_lease(item, ++last_lease_,
                                again ? WorkItems::Before::keep : WorkItems::Before::forget);
            out.deliveries.push_back({session, item, std::exchange(answers_take, false)});
        }
    }
    fresh_.clear();
}

void SourceMachine::end_waits(Instant now, SourceOutputs& out) {
    if (now < next_take_)
        return;
    next_take_ = never;
    sessions_.for_each([&](Slot slot) {
        WorkSession& session = sessions_[slot];
        if (session.take_until <= now && session.take) {
            out.sends.push_back({session.peer, std::move(*session.take), wire::leased::Empty{}});
            session.take.reset();
            session.take_until = never;
            sessions_.update(slot);
        }
        next_take_ = std::min(next_take_, session.take_until);
    });
}

// ---- the end of a lease ------------------------------------------------------------------------

void SourceMachine::finish(Slot item) {
    const WorkItem& it = items_[item];
    if (it.state == State::leased) {
        const Slot session = it.holder;
        items_.unlease(item, sessions_[session].held);
        --sessions_[session].outstanding;
        sessions_.update(session);
    } else if (it.state == State::delayed) {
        items_.undelay(item);
    } else {
        items_.erase(lane_of(item), item);
    }
    items_.free(item);
    ++counters_.finished_total;
}

void SourceMachine::give_back(Slot item, DeadReason reason, std::string_view text, Instant due,
                              Instant now, SourceOutputs& out) {
    const Slot session = items_[item].holder;
    items_.unlease(item, sessions_[session].held);
    --sessions_[session].outstanding;
    sessions_.update(session);
    WorkItem& it = items_[item];
    if (it.attempts >= limits_.attempts_max) {
        out.dead.push_back(
            {WorkId{it.id}, it.key, it.take(), it.attempts, reason, std::string(text)});
        items_.free(item);
        ++counters_.dead_total;
    } else if (due > now) {
        items_.delay(item, due);
    } else {
        put_in_lane(item, End::front);
    }
}

void SourceMachine::give_back_all(const std::vector<Slot>& items, DeadReason reason,
                                  std::string_view text, Instant due, Instant now,
                                  SourceOutputs& out) {
    for (auto item = items.rbegin(); item != items.rend(); ++item)
        give_back(*item, reason, text, due, now, out);
}

// Who was silent all the while would let the next one run out, too, and a message has only so many
// attempts: it is given nothing before it says something.
void SourceMachine::lease_ended(Slot slot, Instant now, SourceOutputs& out) {
    WorkSession& session = sessions_[slot];
    const bool silent = deadline_after(session.heard, limits_.lease) <= now;
    if (session.is_mute || !silent || session.take) // that one waits for our word
        return;
    session.is_mute = true;
    sessions_.update(slot);
    if (session.greeted && session.state == WorkSession::State::live)
        out.sends.push_back({session.peer, {session.delimited, {}}, wire::leased::Ping{}});
}

// ---- time and connections ----------------------------------------------------------------------

void SourceMachine::tick(Instant now, SourceOutputs& out) {
    scratch_.clear();
    for (Slot item = items_.first_expiring(); item != no_slot && items_[item].at <= now;
         item = items_.next_in_order(item))
        scratch_.push_back(item);
    counters_.expired_total += scratch_.size();
    for (const Slot item : scratch_)
        lease_ended(items_[item].holder, now, out);
    give_back_all(scratch_, DeadReason::expired, {}, now, now, out);
    scratch_.clear();
    for (Slot item = items_.due(now); item != no_slot; item = items_.due(now))
        scratch_.push_back(item);
    for (auto item = scratch_.rbegin(); item != scratch_.rend(); ++item)
        put_in_lane(*item, End::front);
    tick_sessions(now, out);
}

void SourceMachine::tick_sessions(Instant now, SourceOutputs& out) {
    if (now < next_look_)
        return;
    sessions_.for_each([&](Slot slot) { tick_session(slot, now, out); });
    next_look_ = never;
    sessions_.for_each([&](Slot slot) {
        const WorkSession& session = sessions_[slot];
        next_look_ = std::min(
            {next_look_, session.alarm, deadline_after(session.heard, limits_.silence_max)});
    });
}

void SourceMachine::tick_session(Slot slot, Instant now, SourceOutputs& out) {
    WorkSession& session = sessions_[slot];
    const bool silent = deadline_after(session.heard, limits_.silence_max) <= now;
    if (session.alarm <= now && session.probed) {
        // Still no word: asked once more, in case the first question overtook the disconnection.
        session.probed = false;
        session.alarm = never;
        out.sends.push_back({session.peer, {session.delimited, {}}, wire::leased::Ping{}});
    } else if (session.alarm <= now || (silent && session.greeted)) {
        ++counters_.sessions_dropped_total;
        drop(slot, now, out);
    } else if (silent && session.held.empty() && !session.take) {
        sessions_.close(slot);
    }
}

void SourceMachine::connection_lost(int descriptor, Instant now, SourceOutputs& out) {
    const Slot slot = descriptor < 0 ? no_slot : sessions_.find_descriptor(descriptor);
    if (slot == no_slot || sessions_[slot].state != WorkSession::State::live)
        return;
    WorkSession& session = sessions_[slot];
    session.probed = true;
    session.alarm = deadline_after(now, limits_.return_grace);
    next_look_ = std::min(next_look_, session.alarm);
    out.sends.push_back({session.peer, {session.delimited, {}}, wire::leased::Ping{}});
}

void SourceMachine::unreachable(std::string_view peer, Unreachable why, Instant now,
                                SourceOutputs& out) {
    const Slot slot = sessions_.find(peer);
    if (slot == no_slot || sessions_[slot].state == WorkSession::State::gone)
        return;
    WorkSession& session = sessions_[slot];
    if (why == Unreachable::too_slow || !session.greeted ||
        limits_.return_grace == Duration::zero()) {
        ++counters_.sessions_dropped_total;
        return drop(slot, now, out);
    }
    session.state = WorkSession::State::gone;
    session.probed = false;
    session.descriptor = -1;
    session.alarm = deadline_after(now, limits_.return_grace);
    next_look_ = std::min(next_look_, session.alarm);
    sessions_.update(slot);
}

void SourceMachine::drop(Slot slot, Instant now, SourceOutputs& out) {
    WorkSession& session = sessions_[slot];
    std::vector<Slot> held;
    held.reserve(session.held.size);
    for (Slot item = session.held.first; item != no_slot; item = items_.next_held(item))
        held.push_back(item);
    counters_.requeued_total += held.size();
    session.greeted = false; // owns no key any more
    give_back_all(held, DeadReason::worker_gone, {}, now, now, out);
    while (!session.lane.empty()) {
        const Slot item = session.lane.last;
        items_.erase(session.lane, item);
        put_in_lane(item, End::front);
    }
    membership_changed();
    sessions_.close(slot);
}

void SourceMachine::stop(SourceOutputs& out) {
    draining_ = true;
    stopped_ = true;
    sessions_.for_each([&](Slot slot) {
        const WorkSession& session = sessions_[slot];
        if (session.greeted && session.state == WorkSession::State::live)
            out.sends.push_back({session.peer, {session.delimited, {}}, wire::leased::Bye{}});
    });
}

// ---- looking -----------------------------------------------------------------------------------

Instant SourceMachine::next_deadline() const noexcept {
    const Slot first = items_.first_expiring();
    return std::min(
        {first == no_slot ? never : items_[first].at, items_.next_due(), next_look_, next_take_});
}

bool SourceMachine::is_urgent() const noexcept {
    const Slot to = last_owner_ != no_slot ? last_owner_ : sessions_.most_room();
    return to != no_slot && sessions_[to].outstanding == 0 && sessions_[to].room() > 0;
}

SourceLevels SourceMachine::levels() const {
    SourceLevels levels = items_.levels();
    levels.sessions = static_cast<std::uint32_t>(sessions_.size());
    return levels;
}

void SourceMachine::check() const {
    items_.check();
    FLOTILLA_CHECK(counters_.submitted_total == items_.levels().unfinished() +
                                                    counters_.finished_total + counters_.dead_total,
                   "a message was lost or made up");
    std::uint64_t leased = 0;
    const_cast<WorkSessions&>(sessions_).for_each([&](Slot slot) {
        const WorkSession& session = sessions_[slot];
        FLOTILLA_CHECK(session.outstanding == session.held.size,
                       "a session's outstanding is not its leases");
        FLOTILLA_CHECK(session.fresh == no_slot, "a lease has no number");
        leased += session.outstanding;
    });
    FLOTILLA_CHECK(leased == items_.levels().leased, "a lease belongs to no session");
}

} // namespace flotilla::pipeline
