// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: the turn: commands, what is due, one commit, and only then what was decided.
#include <flotilla/queue/engine/expiry_index.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

namespace flotilla::queue {
namespace {

// What deliveries leave to be written (expired, delivered at most once) waits this long for a turn
// that commits anyway.
constexpr Duration soon = 50ms;
// A store is full until no put was refused for so long: at the edge each acknowledgement makes room
// for one more.
constexpr Duration full_settles = 1s;
// A clock that is set back by less is not worth a word.
constexpr Duration set_back_max = 1s;

} // namespace

QueueMachine::Rest::Rest(const StoreLimits& limits, std::uint64_t seed)
    : limits_(limits), random_(seed), epoch_(random_.next()), sessions_(limits.sessions_max),
      producers_(limits.producers_max, limits.producers_age_max),
      acked_waits_(limits.acked_waits_max) {
    record_hops();
}

Status QueueMachine::Rest::load(const Snapshot& snapshot, Times times) {
    turn_.now = times.now;
    turn_.wall = times.wall;
    const auto row = snapshot.get(Table::meta, store_meta_key);
    if (!row)
        return fail(row.error());
    if (*row) {
        const auto meta = decode_meta(**row);
        if (!meta)
            return fail(meta.error());
        turn_.wall = std::max(turn_.wall, WallTime{std::chrono::milliseconds(meta->wall_ms)});
        book_.set_meta(meta->queues, meta->next_id);
    }
    meta_changed_ = true; // the new epoch
    needs_commit_ = true;
    if (const Status loaded = jobs_.load(snapshot); !loaded)
        return loaded;
    return look_ahead(snapshot);
}

// ---- apply -------------------------------------------------------------------------------------

void QueueMachine::Rest::set_times(Times times) {
    turn_.now = std::max(turn_.now, times.now);
    if (times.wall >= turn_.wall) {
        turn_.wall = times.wall;
        was_told_set_back_ = false;
    } else if (turn_.wall - times.wall > set_back_max && !std::exchange(was_told_set_back_, true)) {
        notice("clock_set_back",
               "the clock is " +
                   std::to_string(
                       std::chrono::ceil<std::chrono::seconds>(turn_.wall - times.wall).count()) +
                   " s behind what this store has seen; due times, retry delays and expiry stand "
                   "still until it catches up");
    }
}

void QueueMachine::Rest::begin_turn(const Snapshot& snapshot, StoreRoom room, Times times) {
    set_times(times);
    turn_.look_at(&snapshot);
    room_ = room;
    if (full_ && times.now - full_->since_refusal >= full_settles &&
        room.disk >= full_->wanted.disk && room.memory >= full_->wanted.memory) {
        full_.reset();
        notice("room_again", "the store takes messages again");
    }
}

bool QueueMachine::Rest::is_turn_full() const noexcept {
    return is_commit_full() || reads_.size() >= reads_max;
}

bool QueueMachine::Rest::is_commit_full() const noexcept {
    const std::uint64_t share = halved_turns_ > 0 ? 2 : 1;
    return commands_ >= limits_.turn_commands_max / share ||
           gathered_.disk + gathered_.memory >= limits_.turn_bytes_max / share;
}

void QueueMachine::Rest::receive(const Peer& peer, const leased::Envelope& envelope,
                                 Command&& command) {
    if (turn_.broken())
        return;
    ++commands_;
    ++counters_.commands_total;
    Said said{peer, envelope, user_hash(peer.user_id), sessions_.find(peer.id)};
    if (said.session != no_slot && sessions_[said.session].user != said.user) {
        drop(said.session); // somebody else has the address now: whoever had it is gone
        said.session = no_slot;
    }
    name_queue(command);
    if (is_judged(peer) && !may(said, command))
        return;
    if (said.session != no_slot) {
        heard(said.session);
        sessions_[said.session].descriptor = peer.descriptor;
        sessions_[said.session].delimited = envelope.delimited;
    }
    std::visit([&](auto& each) { handle(said, each); }, command);
}

// Before anything is judged: what may be taken is a matter of the queue that is meant.
void QueueMachine::Rest::name_queue(Command& command) const {
    std::string* queue = nullptr;
    if (auto* take = std::get_if<Take>(&command))
        queue = &take->queue;
    else if (auto* leased = std::get_if<leased::Command>(&command))
        if (auto* hello = std::get_if<leased::Hello>(leased))
            queue = &hello->queue;
    if (queue != nullptr && queue->empty())
        *queue = limits_.default_queue;
}

void QueueMachine::Rest::handle(const Said& said, leased::Command& command) {
    Said mine = said;
    std::visit([&](const auto& each) { handle(mine, each); }, command);
}

void QueueMachine::Rest::malformed(const Peer& peer, const leased::Envelope& envelope,
                                   const Error& error) {
    ++commands_;
    ++counters_.malformed_total;
    held_.push_back({{std::string(peer.id), envelope,
                      leased::ErrorReply{leased::error_code(error.code), error.detail, 0, 0, 0}},
                     Needs::nothing});
}

// ---- answers -----------------------------------------------------------------------------------

void QueueMachine::Rest::answer(const Said& said, Event event, Needs needs) {
    needs_commit_ = needs_commit_ || needs == Needs::commit; // which costs nothing if it is empty
    held_.push_back({{std::string(said.peer.id), said.envelope, std::move(event)}, needs});
}

void QueueMachine::Rest::answer_if_wanted(const Said& said, Event event, Needs needs) {
    if (said.envelope.wants_answer())
        answer(said, std::move(event), needs);
}

void QueueMachine::Rest::refuse(const Said& said, leased::ErrorCode code, std::string text) {
    ++counters_.refused_total;
    answer(said, leased::ErrorReply{code, std::move(text), 0, 0, 0});
}

void QueueMachine::Rest::notice(std::string_view event, std::string detail, std::string queue) {
    notices_.push_back({event, std::move(detail), std::move(queue)});
}

QueueMachine::Rest::Needs QueueMachine::Rest::changed(const Queue& queue) {
    if (queue.properties.durability != Durability::relaxed) {
        needs_commit_ = true;
        return Needs::commit;
    }
    commit_by_ = std::min(commit_by_, deadline_after(turn_.now, queue.properties.relaxed_interval));
    return Needs::nothing;
}

void QueueMachine::Rest::commit_soon() {
    commit_by_ = std::min(commit_by_, deadline_after(turn_.now, soon));
}

void QueueMachine::Rest::wake(Slot slot) {
    Queue& queue = book_[slot];
    if (std::exchange(queue.is_waiting, true))
        return;
    waiting_.push_back(slot);
}

// ---- the end of a turn -------------------------------------------------------------------------

void QueueMachine::Rest::end_apply(Times times) {
    set_times(times);
    if (turn_.broken())
        return;
    more_due_ = false;
    tick_leases();
    tick_sessions();
    tick_resting();
    tick_waits();
    const std::int64_t wall_ms = turn_.wall_ms();
    if (next_delayed_ms_ && *next_delayed_ms_ <= wall_ms)
        promote();
    if (next_expiry_ms_ && *next_expiry_ms_ <= wall_ms)
        reap();
    run_jobs();
    drop_excess();
    if (leases_.held() < limits_.leased_max)
        for (const Slot queue : std::exchange(starved_, {}))
            wake(queue);
    // A relaxed queue that somebody waits for is committed at once: only that is delivered.
    for (const LaneRef& at : open_lanes_)
        needs_commit_ = needs_commit_ || sessions_.in_line(at.queue) > 0;
    for (const LaneRef& at : tails_)
        needs_commit_ = needs_commit_ || sessions_.in_line(at.queue) > 0;
    needs_commit_ = needs_commit_ || is_commit_full() || plan_horizons(Raise::no);
    if (must_commit() && !turn_.broken())
        gather();
}

bool QueueMachine::Rest::must_commit() const noexcept {
    return needs_commit_ || commit_by_ <= turn_.now;
}

// Everything that was decided becomes changes of the store.
void QueueMachine::Rest::gather() {
    plan_horizons(Raise::yes);
    close_blocks();
    write_blocks();
    wheel_.flush(turn_.changes(), turn_.wall_ms());
    const auto keep = [&](const auto& outcome) {
        if (!outcome)
            turn_.break_off(outcome.error());
    };
    keep(duplicates_.flush(turn_.snapshot(), turn_.changes(), turn_.wall_ms()));
    const auto evicted = producers_.reap(turn_.snapshot(), turn_.changes(), turn_.wall_ms());
    keep(evicted);
    producers_.flush(turn_.changes());
    if (evicted && *evicted > 0)
        notice("producer_evicted", std::to_string(*evicted) + " producers over producers_max");
    book_.write_states(turn_, stopped_ ? Horizons::exact : Horizons::bounds);
    const std::int64_t wall_ms = turn_.wall_ms();
    if (std::exchange(meta_changed_, false) || wall_ms - stored_wall_ms_ > 60'000) {
        stored_wall_ms_ = wall_ms;
        turn_.put(Table::meta, std::string(store_meta_key),
                  encode_meta({epoch_, wall_ms, book_.count(), book_.next_id()}));
    }
}

void QueueMachine::Rest::committed(EngineOutputs& out) {
    for (const LaneRef& at : tails_) {
        Queue& queue = book_[at.queue];
        queue.lanes[at.lane].committed_tail = queue.lanes[at.lane].tail;
        wake(at.queue);
    }
    tails_.clear();
    turn_.start_over();
    producers_.committed();
    duplicates_.committed();
    wheel_.committed();
    jobs_.committed();
    needs_commit_ = false;
    commit_by_ = never;
    if (halved_turns_ > 0)
        --halved_turns_;
    end_round(out, Needs::commit);
}

// Nothing that waits for a commit is here: it would have made the turn commit.
void QueueMachine::Rest::release_early(EngineOutputs& out) {
    end_round(out, Needs::nothing);
}

void QueueMachine::Rest::end_round(EngineOutputs& out, Needs upto) {
    if (upto == Needs::commit) {
        out.sends.reserve(out.sends.size() + held_.size());
        for (Held& held : held_)
            out.sends.push_back(std::move(held.send));
        held_.clear();
    } else {
        std::vector<Held> stay;
        for (Held& held : held_)
            if (held.needs == Needs::nothing)
                out.sends.push_back(std::move(held.send));
            else
                stay.push_back(std::move(held));
        held_ = std::move(stay);
    }
    for (EngineOutputs::Notice& notice : notices_)
        out.notices.push_back(std::move(notice));
    notices_.clear();
    if (upto == Needs::commit) {
        for (EngineOutputs::Change& change : changes_)
            out.changes.push_back(std::move(change));
        changes_.clear();
    }
    if (judge_.has_noted())
        for (Refusal& refusal : judge_.take_noted())
            out.refusals.push_back(std::move(refusal));
    out.cuts.insert(out.cuts.end(), cuts_.begin(), cuts_.end());
    cuts_.clear();
    commands_ = 0;
    if (upto == Needs::commit)
        gathered_ = {};
    turn_.look_at(nullptr);
    applied_block_ = no_slot;
    applied_reader_.close();
    ++counters_.turns_total;
}

// ---- time --------------------------------------------------------------------------------------

// When the wheel or the expiry index has something to do, as of the last commit.
Status QueueMachine::Rest::look_ahead(const Snapshot& snapshot) {
    const auto delayed = DelayWheel::next_visit(snapshot);
    if (!delayed)
        return fail(delayed.error());
    const auto expiry = next_expiry_visit(snapshot);
    if (!expiry)
        return fail(expiry.error());
    next_delayed_ms_ = *delayed;
    next_expiry_ms_ = *expiry;
    return {};
}

Instant QueueMachine::Rest::next_deadline() const noexcept {
    Instant next = std::min({leases_.first_end(), next_look_, next_take_, next_rest_, commit_by_,
                             acked_waits_.next_deadline()});
    const auto at_wall = [&](const std::optional<std::int64_t>& wall_ms) {
        if (!wall_ms)
            return;
        const Duration left = WallTime{std::chrono::milliseconds(*wall_ms)} - turn_.wall;
        next = std::min(next, deadline_after(turn_.now, std::max(left, Duration::zero())));
    };
    at_wall(next_delayed_ms_);
    at_wall(next_expiry_ms_);
    return has_more() ? turn_.now : next;
}

void QueueMachine::Rest::drain() noexcept {
    if (std::exchange(draining_, true))
        return;
    next_take_ = Instant{}; // who waits is told
}

void QueueMachine::Rest::stop(Times times) {
    set_times(times);
    draining_ = true;
    stopped_ = true;
    sessions_.for_each([&](Slot slot) {
        const Session& session = sessions_[slot];
        if (session.greeted && session.state == Session::State::live)
            held_.push_back(
                {{session.peer, {session.delimited, {}}, leased::Bye{}}, Needs::commit});
        drop(slot);
    });
    // Exact from now on: nothing at or beyond the cursor was delivered, and what came back from
    // below it has its attempts. But for what was in doubt at the start, and still is.
    book_.for_each([&](Slot slot) {
        for (LaneState& lane : book_[slot].lanes)
            lane.horizon = std::max(lane.cursor, lane.maybe_below);
        book_.mark(slot);
    });
    needs_commit_ = true;
    meta_changed_ = true;
}

} // namespace flotilla::queue
