// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: what goes out after a commit, to whom, and how far. Deliveries are packed straight
// from the stored block and write nothing; what they need to be told apart after a crash (the
// horizon) was committed before.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_round.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {
namespace {

// Of one call of deliver(); what is left is for the next turn.
constexpr std::uint64_t round_messages = 65'536;
constexpr std::uint64_t round_bytes = 8ULL << 20;
// And of that for one session, so that its backlog at the transport stays small.
constexpr std::uint32_t session_sends = 1'000;
constexpr std::uint64_t session_bytes = 1ULL << 20;
constexpr std::uint32_t give_messages = 1'024;
constexpr std::uint64_t stride_min = 4'096; // of the horizon
constexpr std::uint64_t stride_max = 1'000'000;

} // namespace

Status QueueMachine::Rest::deliver(const Snapshot& snapshot, EngineOutputs& out) {
    Round round{snapshot, out, round_messages, round_bytes, no_slot, no_slot, {}, {}};
    more_ = false;
    answer_reads(round);
    for (std::size_t queues = waiting_.size(); queues > 0 && !round.is_spent(); --queues) {
        const Slot queue = waiting_.front();
        waiting_.pop_front();
        book_[queue].is_waiting = false;
        if (serve(round, queue) == Served::more)
            wake(queue);
        if (!round.status)
            return round.status;
    }
    for (const Slot session : round.sated) {
        if (sessions_[session].state == Session::State::free)
            continue;
        sessions_[session].round_sends = 0;
        sessions_[session].round_bytes = 0;
        update(session);
    }
    tick_takes(out);
    more_ = more_ || !waiting_.empty();
    return {};
}

// ---- who gets something ------------------------------------------------------------------------

Slot QueueMachine::Rest::next_session(Slot slot) {
    Queue& queue = book_[slot];
    if (queue.properties.order != Order::strict)
        return sessions_.most_room(slot);
    if (queue.active != no_slot) {
        const Session& active = sessions_[queue.active];
        if (active.outstanding > 0 || (!active.is_mute && (active.greeted || active.take)))
            return active.room() > 0 && active.queue == slot && active.line_at != ~std::size_t{0}
                       ? queue.active
                       : no_slot;
    }
    queue.active = sessions_.most_room(slot);
    return queue.active;
}

QueueMachine::Rest::Served QueueMachine::Rest::serve(Round& round, Slot slot) {
    Queue& queue = book_[slot];
    // While it drains, what consumers hold ends, and nothing comes after it.
    if (draining_ || !queue.is_used || queue.paused_until > turn_.now)
        return Served::idle;
    for (;;) {
        if (round.is_spent())
            return Served::more;
        if (leases_.held() >= limits_.leased_max) {
            starved_.push_back(slot); // until leases end
            return Served::idle;
        }
        const Slot to = next_session(slot);
        if (to == no_slot)
            return Served::idle;
        const std::optional<Lane> lane = next_lane(round, slot);
        if (!lane)
            return Served::idle;
        Session& session = sessions_[to];
        const std::uint32_t rate = session.bucket.available(turn_.now);
        if (rate == 0) {
            session.is_resting = true;
            sessions_.leave_line(to);
            next_rest_ = std::min(next_rest_, session.bucket.next(turn_.now));
            continue;
        }
        // Little is spread over those who wait for it.
        const std::uint64_t share = queue.ready / (2 * sessions_.in_line(slot)) + 1;
        const auto messages = static_cast<std::uint32_t>(
            std::min<std::uint64_t>({session.room(), rate, share, give_messages,
                                     round.messages_left, limits_.leased_max - leases_.held()}));
        give(round, slot, *lane, to, messages);
        if (!round.status)
            return Served::idle;
        if (session.round_sends >= session_sends || session.round_bytes >= session_bytes) {
            sessions_.leave_line(to);
            round.sated.push_back(to);
        }
    }
}

bool QueueMachine::Rest::can_give(const Queue& queue, const LaneState& lane) const {
    if (!lane.returned.empty())
        return true;
    return lane.has_fresh() && lane.cursor < lane.horizon &&
           (queue.properties.order != Order::key || lane.held_back < held_back_max);
}

// Positions of a lane have gaps, where other lanes have theirs. A cursor that came to its horizon
// moves on to the next block, so that the horizon is raised to where something is.
bool QueueMachine::Rest::is_behind_horizon(Round& round, LaneRef at) {
    Queue& queue = book_[at.queue];
    LaneState& lane = queue.lanes[at.lane];
    if (!lane.has_fresh() || lane.cursor < lane.horizon)
        return false;
    if (lane.at != no_slot)
        return true;
    const auto row =
        round.snapshot.at_or_after(Table::block, block_key(queue.id, at.lane, lane.cursor));
    if (!row) {
        round.status = fail(row.error());
        return false;
    }
    const auto place = *row ? read_block_key((*row)->key) : Result<BlockPlace>{BlockPlace{}};
    if (place && place->queue == queue.id && place->lane == at.lane)
        lane.cursor = std::max(lane.cursor, place->first);
    else
        lane.cursor = lane.committed_tail;
    return lane.has_fresh();
}

// By priority; with order=key in turn.
std::optional<Lane> QueueMachine::Rest::next_lane(Round& round, Slot slot) {
    Queue& queue = book_[slot];
    const std::size_t lanes = queue.lanes.size();
    const std::size_t from = queue.properties.order == Order::key ? queue.last_lane + 1 : 0;
    bool has_behind = false;
    for (std::size_t i = 0; i < lanes; ++i) {
        const std::size_t at = (from + i) % lanes;
        const LaneState& lane = queue.lanes[at];
        if (can_give(queue, lane)) {
            queue.last_lane = at;
            return static_cast<Lane>(at);
        }
        has_behind = is_behind_horizon(round, {slot, static_cast<Lane>(at)}) || has_behind;
    }
    if (has_behind) { // the next turn raises it first
        more_ = true;
        wake(slot);
    }
    return std::nullopt;
}

// ---- giving ------------------------------------------------------------------------------------

void QueueMachine::Rest::give(Round& round, Slot queue, Lane lane, Slot to,
                              std::uint32_t messages) {
    Session& session = sessions_[to];
    Queue& from = book_[queue];
    const bool answers_take = session.take && session.credit <= session.outstanding;
    const bool is_automatic = from.properties.acknowledge == Acknowledge::automatic;
    Giver giver;
    giver.queue = queue;
    giver.lane = lane;
    giver.session = to;
    giver.left = answers_take ? 1 : messages;
    giver.is_packed = session.packed && !answers_take;
    giver.answers_take = answers_take;
    giver.is_automatic = is_automatic;
    giver.ends = deadline_after(turn_.now, from.properties.lease);
    giver.grant = leases_.open(to, queue, session.user, giver.ends);
    if (giver.is_packed)
        pack_.begin(epoch_, leases_.next());
    giver.bytes_max =
        std::min(session_bytes - std::min(session_bytes, session.round_bytes), round.bytes_left);
    while (giver.left > 0 && giver.bytes < giver.bytes_max && round.status) {
        LaneState& state = from.lanes[lane];
        if (!(state.returned.empty() ? give_fresh(round, giver) : give_returned(round, giver)))
            break;
    }
    leases_.close(giver.grant);
    if (giver.given == 0)
        return;
    if (giver.is_packed)
        send_pack(round, giver);
    from.counters.delivered_total += giver.given;
    session.outstanding += giver.leased;
    session.turn = ++last_turn_;
    session.bucket.take(giver.given);
    round.spend(giver.given, giver.bytes);
    session.round_bytes += giver.bytes;
    update(to);
}

void QueueMachine::Rest::send_pack(Round& round, const Giver& giver) {
    Session& session = sessions_[giver.session];
    using wire::Compression;
    const Compression algorithm =
        session.compress.has(Compression::lz4) && wire::is_available(Compression::lz4)
            ? Compression::lz4
        : session.compress.has(Compression::zstd) && wire::is_available(Compression::zstd)
            ? Compression::zstd
            : Compression::none;
    auto& compressor = compressors_[static_cast<std::size_t>(algorithm)];
    if (!compressor)
        compressor.emplace(algorithm);
    leased::DeliverPacked packed;
    packed.lease_time = book_[giver.queue].properties.lease;
    packed.packed = Blob::copy(pack_.finish(*compressor));
    round.out.sends.push_back({session.peer, {session.delimited, {}}, std::move(packed)});
    ++session.round_sends;
}

// One message, leased to whom it is given. Its number; 0 when it is nobody's to finish.
std::uint64_t QueueMachine::Rest::emit(Round& round, Giver& giver, const Given& message) {
    Queue& queue = book_[giver.queue];
    Session& session = sessions_[giver.session];
    const Record& record = message.record;
    const std::uint32_t attempts = message.attempts_before + 1;
    Lease lease;
    lease.ends = giver.ends;
    lease.block = message.block;
    lease.index = message.index;
    lease.attempts = attempts;
    lease.bytes = load_of(record);
    lease.key = message.key;
    lease.is_keyed = message.is_keyed;
    lease.is_finished = giver.is_automatic;
    const bool is_waited = acked_waits_.has(queue.id, record.id);
    lease.is_waited = is_waited && !giver.is_automatic;
    std::uint64_t number = 0;
    if (!giver.is_automatic || session.greeted) {
        number = leases_.add(giver.grant, lease);
        ++giver.leased;
    }
    if (lease.is_waited)
        waited_leases_.emplace(number, record.id);
    const ByteView body = hop_ ? body_with_hop(message) : record.body.substr(2);
    if (giver.is_packed) {
        pack_.begin_record(number, record.id, attempts, message.redelivered, record.key,
                           record.frames);
        pack_.add_frames(body);
    } else {
        send_one(round, giver, record, body, number, attempts, message.redelivered);
    }
    if (message.redelivered != leased::Redelivered::no)
        ++queue.counters.redelivered_total;
    ++giver.given;
    --giver.left;
    giver.bytes += record.body.size() + record.key.size();
    --queue.ready;
    if (!giver.is_automatic) {
        ++queue.leased;
        return number;
    }
    // At most once: it is finished as it leaves; after a crash nothing below the horizon goes out.
    finish(message.block, message.index, lease.bytes, message.attempts_before);
    ++queue.counters.finished_total;
    commit_soon();
    if (is_waited)
        answer_waits(queue.id, record.id, Acked::yes);
    return number;
}

void QueueMachine::Rest::send_one(Round& round, const Giver& giver, const Record& record,
                                  ByteView body, std::uint64_t number, std::uint32_t attempts,
                                  leased::Redelivered redelivered) {
    Session& session = sessions_[giver.session];
    leased::Deliver deliver;
    deliver.lease = {epoch_, number};
    deliver.id = record.id;
    deliver.attempt = attempts;
    deliver.redelivered = redelivered;
    deliver.lease_time = book_[giver.queue].properties.lease;
    deliver.key = record.key;
    for (std::size_t i = 0; i < record.frames; ++i)
        deliver.body.add(leased::next_frame(body));
    leased::Envelope envelope{session.delimited, {}};
    if (giver.answers_take) {
        envelope = std::move(*session.take);
        session.take.reset();
        session.take_until = never;
        --takes_;
    }
    round.out.sends.push_back({session.peer, std::move(envelope), std::move(deliver)});
    ++session.round_sends;
}

// ---- before the commit: how far deliveries may go ----------------------------------------------

bool QueueMachine::Rest::plan_horizon(Slot slot, Raise raise) {
    Queue& queue = book_[slot];
    const Slot first = sessions_.most_room(slot);
    if (!queue.is_used || first == no_slot)
        return false;
    const std::uint64_t window = std::uint64_t{sessions_[first].credit} * sessions_.in_line(slot);
    const bool is_automatic = queue.properties.acknowledge == Acknowledge::automatic;
    // At most once, a crash costs what lies below the horizon: no further than to who waits.
    const std::uint64_t stride =
        is_automatic ? std::clamp<std::uint64_t>(window, 1, stride_max)
                     : std::clamp<std::uint64_t>(2 * window, stride_min, stride_max);
    bool needed = false;
    for (LaneState& lane : queue.lanes) {
        if (lane.cursor >= lane.tail)
            continue;
        needed = needed || lane.horizon <= lane.cursor;
        if (raise == Raise::no || lane.horizon >= lane.cursor + (stride + 1) / 2)
            continue;
        lane.horizon = lane.cursor + stride;
        if (is_automatic)
            lane.horizon = std::min(lane.horizon, lane.tail);
        book_.mark(slot);
    }
    return needed;
}

// Of those that are waited for; with what this turn has put.
bool QueueMachine::Rest::plan_horizons(Raise raise) {
    bool needed = false;
    for (const Slot queue : waiting_)
        needed = plan_horizon(queue, raise) || needed;
    for (const LaneRef& at : tails_)
        needed = plan_horizon(at.queue, raise) || needed;
    for (const LaneRef& at : open_lanes_)
        needed = plan_horizon(at.queue, raise) || needed;
    return needed;
}

} // namespace flotilla::queue
