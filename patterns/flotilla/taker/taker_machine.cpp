// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/taker/taker_machine.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::taker {

namespace leased = wire::leased;

namespace {

// A quarter of the window: the source can refill while the rest is worked on.
std::uint64_t acks_at_once(std::uint32_t credit) {
    return std::clamp<std::uint64_t>(credit / 4, 1, 1024);
}

} // namespace

TakerMachine::TakerMachine(TakerLimits limits, std::size_t sources, std::uint64_t seed)
    : limits_(std::move(limits)), sources_(sources), random_(seed), source_(sources - 1) {
    FLOTILLA_CHECK(sources > 0, "a taker needs a source");
    retry_at_ = Instant::min();
}

void TakerMachine::send(leased::Command command, Instant now, TakerOutputs& out) {
    last_sent_ = now;
    out.sends.push_back({{}, std::move(command)});
}

// ---- sessions ----------------------------------------------------------------------------------

void TakerMachine::greet(Instant now, TakerOutputs& out) {
    state_ = State::greeting;
    answer_by_ = deadline_after(now, limits_.answer_max);
    leased::Hello hello{limits_.worker,   limits_.queue, limits_.weight, true,
                        limits_.compress, session_,      limits_.credit, std::nullopt};
    if (session_ != 0)
        hello.held = still_held();
    send(std::move(hello), now, out);
}

// What an acknowledgement waits for counts: it will be sent.
leased::Held TakerMachine::still_held() const {
    std::vector<std::uint64_t> numbers = held_.numbers();
    for (const leased::LeaseRange& range : acks_.ranges)
        for (std::uint32_t i = 0; i < range.count; ++i)
            numbers.push_back(range.first + i);
    return leased::held_of(epoch_, std::move(numbers));
}

// Gives the connection up; the next try goes to the next source.
void TakerMachine::leave(Instant now) {
    state_ = State::closed;
    answer_by_ = never;
    asked_.reset();
    const Duration doubled = limits_.reconnect_min * (std::int64_t{1} << std::min(failures_, 20U));
    ++failures_;
    const Duration pause = std::min(doubled, limits_.reconnect_max);
    retry_at_ = deadline_after(now, random_.jitter(pause, 0.25));
}

void TakerMachine::handle_ok(const leased::Ok& ok, Instant now, TakerOutputs& out) {
    if (!ok.terms)
        return;
    if (ok.terms->epoch != epoch_) {
        counters_.stale_total += held_.size() + acks_count_;
        held_.clear();
        window_.clear();
        acks_ = {};
        acks_count_ = 0;
        flush_at_ = never;
        next_touch_ = never;
    }
    epoch_ = ok.terms->epoch;
    session_ = ok.terms->session;
    heartbeat_ = std::clamp<Duration>(ok.terms->heartbeat, 1ms, 1h);
    lease_ = std::clamp<Duration>(ok.terms->lease, 3ms, 24h);
    state_ = State::ready;
    refusal_.reset();
    strangers_ = 0;
    answer_by_ = never;
    failures_ = 0;
    ++counters_.sessions_total;
    flush_acks(now, out);
    touch_all(now, out);
}

void TakerMachine::handle_error(const leased::ErrorReply& error, Instant now, TakerOutputs& out) {
    ++counters_.refused_total;
    switch (error.code) {
    case leased::ErrorCode::lease_lost:
        counters_.lease_lost_total += error.lost;
        return;
    case leased::ErrorCode::no_session:
        return greet(now, out);
    case leased::ErrorCode::busy:
    case leased::ErrorCode::draining:
        return leave(now);
    case leased::ErrorCode::not_allowed:
        // A right was taken away, and the session with it: the answer to a hello tells more.
        if (state_ == State::ready)
            return greet(now, out);
        [[fallthrough]];
    default:
        // Whatever it was, a hello that was refused is not answered otherwise.
        if (state_ == State::greeting) {
            strangers_ = error.code == leased::ErrorCode::wrong_peer ? strangers_ + 1 : sources_;
            if (strangers_ >= sources_)
                refusal_ = error;
            leave(now);
        }
    }
}

void TakerMachine::receive(const leased::Event& event, Instant now, TakerOutputs& out) {
    if (state_ == State::closed || state_ == State::stopped)
        return;
    asked_.reset();
    if (const auto* ok = std::get_if<leased::Ok>(&event))
        handle_ok(*ok, now, out);
    else if (const auto* error = std::get_if<leased::ErrorReply>(&event))
        handle_error(*error, now, out);
    else if (std::holds_alternative<leased::Ping>(event))
        send(leased::Pong{}, now, out);
    else if (std::holds_alternative<leased::Bye>(event))
        leave(now);
}

void TakerMachine::connection_made(Instant now, TakerOutputs& out) {
    const bool is_first = std::exchange(awaits_connection_, false); // its hello is under way
    if (state_ == State::ready && !is_first)
        greet(now, out);
}

bool TakerMachine::deliver(leased::LeaseToken lease, leased::Redelivered redelivered, Instant now) {
    asked_.reset();
    // While greeting: the source has it back by now, for the hello did not name it.
    if (lease.epoch != epoch_ || state_ == State::stopped || state_ == State::greeting) {
        ++counters_.stale_total;
        return false;
    }
    if (window_.seen(lease.number)) {
        ++counters_.duplicate_total;
        return false;
    }
    held_.insert(lease.number);
    if (next_touch_ == never)
        next_touch_ = deadline_after(now, lease_ / 3);
    ++counters_.delivered_total;
    if (redelivered != leased::Redelivered::no)
        ++counters_.redelivered_total;
    return true;
}

// ---- leases ------------------------------------------------------------------------------------

Status TakerMachine::take_out(leased::LeaseToken lease) {
    if (lease.epoch == epoch_ && held_.erase(lease.number))
        return {};
    return fail(Errc::lease_lost, "the message is not held any more; it may be delivered again");
}

Status TakerMachine::ack(leased::LeaseToken lease, Instant now, TakerOutputs& out) {
    if (Status taken = take_out(lease); !taken)
        return taken;
    acks_.epoch = epoch_;
    acks_.add(lease.number);
    ++acks_count_;
    if (flush_at_ == never)
        flush_at_ = deadline_after(now, limits_.ack_wait);
    if (held_.empty() || acks_count_ >= acks_at_once(limits_.credit) || flush_at_ <= now ||
        acks_.ranges.size() >= leased::limits::lease_ranges_max)
        flush_acks(now, out);
    return {};
}

Status TakerMachine::nack(leased::LeaseToken lease, Duration delay, std::string_view reason,
                          Instant now, TakerOutputs& out) {
    if (Status taken = take_out(lease); !taken)
        return taken;
    ++counters_.nacked_total;
    if (state_ == State::ready) // else its lease will run out
        send(leased::Nack{{epoch_, {{lease.number, 1}}},
                          std::clamp<Duration>(delay, 0ns, leased::limits::delay_max),
                          std::string(reason.substr(0, leased::limits::name_bytes_max))},
             now, out);
    return {};
}

Status TakerMachine::touch(leased::LeaseToken lease, Instant now, TakerOutputs& out) {
    if (!holds(lease))
        return fail(Errc::lease_lost, "the message is not held any more");
    if (state_ == State::ready)
        send(leased::Touch{{epoch_, {{lease.number, 1}}}}, now, out);
    return {};
}

void TakerMachine::flush_acks(Instant now, TakerOutputs& out) {
    if (acks_count_ == 0 || state_ != State::ready)
        return;
    counters_.acked_total += acks_count_;
    // What gathered while there was no session may be more than one message may name.
    while (acks_.ranges.size() > leased::limits::lease_ranges_max) {
        const auto from = acks_.ranges.end() - leased::limits::lease_ranges_max;
        send(leased::Ack{{epoch_, {from, acks_.ranges.end()}}}, now, out);
        acks_.ranges.erase(from, acks_.ranges.end());
    }
    send(leased::Ack{std::exchange(acks_, {})}, now, out);
    acks_count_ = 0;
    flush_at_ = never;
}

void TakerMachine::touch_all(Instant now, TakerOutputs& out) {
    next_touch_ = held_.empty() ? never : deadline_after(now, lease_ / 3);
    for (leased::Leases& leases : held_.leases(epoch_))
        send(leased::Touch{std::move(leases)}, now, out);
}

// ---- time --------------------------------------------------------------------------------------

void TakerMachine::idle(Instant now, TakerOutputs& out) {
    flush_acks(now, out);
}

void TakerMachine::tick(Instant now, TakerOutputs& out) {
    if (state_ == State::closed && retry_at_ <= now) {
        source_ = (source_ + 1) % sources_;
        out.connect = source_;
        ++counters_.connects_total;
        awaits_connection_ = true;
        greet(now, out);
    } else if (state_ == State::greeting && answer_by_ <= now) {
        strangers_ = 0;
        leave(now);
    } else if (state_ == State::ready) {
        if (flush_at_ <= now)
            flush_acks(now, out);
        if (next_touch_ <= now)
            touch_all(now, out);
        if (asked_ && deadline_after(*asked_, limits_.answer_max) <= now)
            return leave(now);
        if (deadline_after(last_sent_, heartbeat_) <= now) {
            if (!asked_)
                asked_ = now;
            send(leased::Ping{limits_.credit}, now, out);
        }
    }
}

void TakerMachine::stop(Instant now, TakerOutputs& out) {
    if (state_ == State::ready) {
        flush_acks(now, out);
        send(leased::Bye{}, now, out);
    }
    state_ = State::stopped;
    held_.clear();
}

Instant TakerMachine::next_deadline() const noexcept {
    switch (state_) {
    case State::closed:
        return retry_at_;
    case State::greeting:
        return answer_by_;
    case State::ready:
        return std::min({flush_at_, next_touch_, deadline_after(last_sent_, heartbeat_),
                         asked_ ? deadline_after(*asked_, limits_.answer_max) : never});
    case State::stopped:
        break;
    }
    return never;
}

} // namespace flotilla::taker
