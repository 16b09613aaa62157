// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/worker_machine.hpp>
#include <flotilla/wire/foreign.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request {

namespace {

constexpr std::string_view barrier = "drain"; // the correlation of the ping

// More than any broker that keeps to capacity or prefetch gives.
constexpr std::uint32_t rfc_held_max = limits::capacity_max;

constexpr std::uint32_t place_bits = 32; // of a number

} // namespace

WorkerCounters& WorkerCounters::operator+=(const WorkerCounters& other) noexcept {
    requests_total += other.requests_total;
    repeats_total += other.repeats_total;
    answered_total += other.answered_total;
    partials_total += other.partials_total;
    retry_total += other.retry_total;
    failed_total += other.failed_total;
    unsaid_total += other.unsaid_total;
    dropped_total += other.dropped_total;
    cancelled_total += other.cancelled_total;
    excess_total += other.excess_total;
    malformed_total += other.malformed_total;
    unexpected_total += other.unexpected_total;
    connects_total += other.connects_total;
    registered_total += other.registered_total;
    return *this;
}

WorkerMachine::WorkerMachine(WorkerLimits limits, std::uint64_t seed)
    : limits_(std::move(limits)), random_(seed) {
    if (limits_.dialect)
        dialect_ = *limits_.dialect;
}

Message WorkerMachine::message(Verb verb) const {
    Message made;
    made.dialect = dialect_;
    made.side = Side::worker;
    made.verb = verb;
    return made;
}

void WorkerMachine::send(Message message, Instant now, WorkerOutputs& out) {
    last_sent_ = now;
    out.sends.push_back(std::move(message));
}

// ---- coming and going --------------------------------------------------------------------------

void WorkerMachine::ask(Instant now, WorkerOutputs& out) {
    state_ = State::asking;
    answer_by_ = deadline_after(now, limits_.heartbeat);
    Message asked;
    asked.dialect = Dialect::mdp_02;
    asked.side = Side::client;
    asked.verb = Verb::request;
    asked.service = Blob::copy(mmi_flotilla);
    asked.body.add(ByteView{});
    send(std::move(asked), now, out);
}

void WorkerMachine::register_as(Dialect dialect, Instant now, WorkerOutputs& out) {
    dialect_ = dialect;
    state_ = State::ready;
    answer_by_ = never;
    last_heard_ = last_beat_ = now;
    kept_ = false;
    ++counters_.registered_total;
    Message ready = message(Verb::ready);
    ready.service = Blob::copy(limits_.service);
    ready.capacity = limits_.capacity;
    ready.packs = dialect == Dialect::flotilla;
    send(std::move(ready), now, out);
    if (limits_.behind_ready == WorkerLimits::BehindReady::heartbeat)
        send(message(Verb::heartbeat), now, out);
}

void WorkerMachine::be_kept() noexcept {
    failures_ = 0;
    kept_ = true;
}

void WorkerMachine::connection_made(Instant now, WorkerOutputs& out) {
    if (state_ != State::connecting)
        return;
    if (limits_.dialect)
        register_as(*limits_.dialect, now, out);
    else if (probe_ == Probe::ask)
        ask(now, out);
    else
        register_as(probe_ == Probe::try_mdp_01 ? Dialect::mdp_01 : Dialect::mdp_02, now, out);
}

void WorkerMachine::connection_lost(Instant now, WorkerOutputs& out) {
    if (state_ == State::closed || state_ == State::stopped)
        return;
    probe_ = Probe::ask; // who comes back may be another
    leave(now, out);
}

void WorkerMachine::give_up(Instant now, WorkerOutputs& out) {
    if (is_registered()) {
        send(message(Verb::disconnect), now, out);
        leave(now, out);
    }
}

// Whoever is still at work on something for this broker works for nobody.
void WorkerMachine::close(WorkerOutputs& out) {
    for (Slot& slot : slots_)
        if (slot.number != 0 && !std::exchange(slot.cancelled, true))
            out.released.push_back(slot.number);
    counters_.dropped_total += kept_back_.size();
    slots_.clear();
    free_.clear();
    held_ = 0;
    cancelled_ = 0;
    kept_back_.clear();
    answer_by_ = never;
    out.change = WorkerOutputs::Change::close;
}

void WorkerMachine::leave(Instant now, WorkerOutputs& out) {
    const bool stops = state_ == State::draining && after_ == After::stop;
    close(out);
    state_ = stops ? State::stopped : State::closed;
    const Duration doubled = limits_.reconnect_min * (std::int64_t{1} << std::min(failures_, 20U));
    const Duration pause = std::min(doubled, limits_.reconnect_max);
    ++failures_;
    retry_at_ = deadline_after(now, random_.jitter(pause, 0.25));
}

// ---- input -------------------------------------------------------------------------------------

bool WorkerMachine::listens_as_client() const noexcept {
    return state_ == State::asking ||
           (state_ == State::draining && dialect_ == Dialect::flotilla && answer_by_ != never);
}

void WorkerMachine::receive(Message&& message, Instant now, WorkerOutputs& out) {
    if (state_ == State::asking && message.side == Side::client) {
        if (message.verb != Verb::final && message.verb != Verb::partial) {
            ++counters_.unexpected_total;
            return;
        }
        const wire::Frames& said = message.body;
        if (!said.empty() && said[0] == wire::not_a_broker_status) {
            out.refused = {ErrorCode::wrong_peer,
                           std::string(said.size() > 1
                                           ? said[1].view().substr(0, limits::text_bytes_max)
                                           : "")};
            return connection_lost(now, out);
        }
        const bool yes = !said.empty() && said[0] == ByteView{"200"};
        return register_as(yes ? Dialect::flotilla : Dialect::mdp_02, now, out);
    }
    if (state_ == State::draining && message.verb == Verb::pong) {
        answer_by_ = never;
        return go_if_idle(now, out);
    }
    if (!is_registered() || message.side != Side::worker) {
        ++counters_.unexpected_total;
        return;
    }
    last_heard_ = now;
    switch (message.verb) {
    case Verb::request:
        return take(std::move(message), now, out);
    case Verb::cancel:
        be_kept();
        return cancel(message.address, out);
    case Verb::heartbeat:
        be_kept();
        return answer_heartbeat(now, out);
    case Verb::disconnect:
        if (message.code != ErrorCode::unknown || !message.text.empty())
            out.refused = {message.code, std::move(message.text)};
        return connection_lost(now, out);
    default:
        ++counters_.unexpected_total;
    }
}

// A broker whose clock is faster than ours would else take us for dead. Not to one that echoes.
void WorkerMachine::answer_heartbeat(Instant now, WorkerOutputs& out) {
    const Duration gap = now - std::exchange(last_beat_, now);
    const Duration pause =
        std::max(limits::heartbeat_answer_min, std::min(limits_.heartbeat, gap) / 2);
    if (now - last_sent_ >= pause)
        send(message(Verb::heartbeat), now, out);
}

void WorkerMachine::take(Message&& request, Instant now, WorkerOutputs& out) {
    be_kept();
    // What was cancelled may still be with a handler, although the broker has closed the matter.
    const bool has_words = dialect_ == Dialect::flotilla;
    if (held_ - cancelled_ >= (has_words ? limits_.capacity : rfc_held_max)) {
        ++counters_.excess_total;
        if (has_words) {
            Message excess = message(Verb::error);
            excess.address = std::move(request.address);
            excess.code = ErrorCode::retry;
            excess.text = "this worker has no room beyond its capacity";
            send(std::move(excess), now, out);
        }
        return;
    }
    ++counters_.requests_total;
    if (request.attempt > 1)
        ++counters_.repeats_total;
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.number = ++serial_ << place_bits | index;
    slot.address = std::move(request.address);
    slot.parts = 0;
    slot.cancelled = false;
    ++held_;
    out.given.push_back({slot.number, std::move(request)});
}

void WorkerMachine::cancel(const Blob& address, WorkerOutputs& out) {
    for (Slot& slot : slots_) {
        if (slot.number == 0 || slot.cancelled || !(slot.address == address))
            continue;
        slot.cancelled = true;
        ++cancelled_;
        ++counters_.cancelled_total;
        out.released.push_back(slot.number);
        return;
    }
}

// ---- time --------------------------------------------------------------------------------------

Instant WorkerMachine::silent_at() const noexcept {
    if (dialect_ != Dialect::flotilla && held_ > 0)
        return never;
    return deadline_after(last_heard_, limits_.heartbeat * limits_.liveness);
}

void WorkerMachine::tick(Instant now, WorkerOutputs& out) {
    if (state_ == State::closed && retry_at_ <= now) {
        state_ = State::connecting;
        ++counters_.connects_total;
        out.change = WorkerOutputs::Change::open;
    } else if (state_ == State::asking && answer_by_ <= now) {
        probe_ = Probe::try_mdp_01;
        close(out);
        state_ = State::closed;
        retry_at_ = now; // it is there: a pause would help nobody
    } else if (is_registered()) {
        if (answer_by_ <= now) {
            answer_by_ = never;
            go_if_idle(now, out);
        }
        if (is_registered() && silent_at() <= now) {
            if (probe_ != Probe::ask)
                probe_ = probe_ == Probe::try_mdp_01 ? Probe::try_mdp_02 : Probe::ask;
            give_up(now, out);
        } else if (is_registered() && deadline_after(last_sent_, limits_.heartbeat) <= now) {
            send(message(Verb::heartbeat), now, out);
        }
    }
}

void WorkerMachine::drain(Instant now, WorkerOutputs& out) {
    if (state_ == State::draining)
        after_ = After::stop;
    if (state_ == State::draining || state_ == State::stopped)
        return;
    if (state_ != State::ready) {
        if (state_ != State::closed)
            close(out);
        state_ = State::stopped;
        return;
    }
    state_ = State::draining;
    after_ = After::stop;
    if (dialect_ == Dialect::flotilla) {
        send(message(Verb::draining), now, out);
        Message ping = message(Verb::ping);
        ping.side = Side::client;
        ping.id = std::string(barrier);
        send(std::move(ping), now, out);
        answer_by_ = deadline_after(now, limits_.heartbeat);
    }
    go_if_idle(now, out);
}

void WorkerMachine::go_if_idle(Instant now, WorkerOutputs& out) {
    if (state_ != State::draining || held_ > 0 || answer_by_ != never)
        return;
    for (Message& reply : std::exchange(kept_back_, {}))
        send_reply(std::move(reply), now, out);
    send(message(Verb::disconnect), now, out);
    failures_ = 0;
    leave(now, out);
}

Instant WorkerMachine::next_deadline() const noexcept {
    switch (state_) {
    case State::closed:
        return retry_at_;
    case State::asking:
        return answer_by_;
    case State::ready:
    case State::draining:
        return std::min({answer_by_, silent_at(), deadline_after(last_sent_, limits_.heartbeat)});
    default:
        return never;
    }
}

} // namespace flotilla::request
