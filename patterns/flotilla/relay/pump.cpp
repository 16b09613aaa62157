// SPDX-License-Identifier: Apache-2.0
#include <flotilla/relay/pump.hpp>

#include <algorithm>
#include <numeric>

namespace flotilla::relay {

std::string_view name(Drop reason) noexcept {
    static constexpr std::array<std::string_view, drop_reasons> names{
        "too_large",    "too_many", "malformed",   "overflow",    "unroutable",
        "backlog_full", "cut_off",  "not_drained", "not_allowed", "no_place"};
    return names[static_cast<std::size_t>(reason)];
}

std::uint64_t Traffic::dropped_sum() const noexcept {
    return std::accumulate(dropped_total.begin(), dropped_total.end(), std::uint64_t{0});
}

bool Pump::may_read(Side side) const noexcept {
    if (holds(side))
        return false;
    // Subscriptions are not messages: they pass in every state, and a streamer's backend is silent.
    if (side == Side::backend && kind_ != Kind::queue)
        return state_ != State::drained;
    switch (state_) {
    case State::running:
    case State::draining:
        return true;
    case State::settling:
        return side == Side::backend;
    default:
        return false;
    }
}

void Pump::let_go(Traffic& counts) noexcept {
    counts.held = 0;
    give_up_at_ = never;
}

void Pump::dropped(Side side, Drop reason, std::uint64_t messages) noexcept {
    Traffic& counts = at(side);
    counts.dropped_total[static_cast<std::size_t>(reason)] += messages;
    let_go(counts);
}

void Pump::held(Side side, Instant now) noexcept {
    Traffic& counts = at(side);
    if (counts.held != 0)
        return;
    counts.held = 1;
    if (overflow_.policy == Overflow::Policy::block && side == Side::frontend)
        give_up_at_ = deadline_after(now, overflow_.block_wait);
}

void Pump::found_empty(Side side) noexcept {
    if (side == Side::frontend && state_ == State::draining)
        state_ = State::settling;
    settle();
}

void Pump::pause() noexcept {
    if (state_ == State::running)
        state_ = State::paused;
}

void Pump::resume() noexcept {
    if (state_ == State::paused)
        state_ = State::running;
}

void Pump::drain(Instant now, Duration wait) noexcept {
    if (state_ != State::running && state_ != State::paused)
        return;
    state_ = State::draining;
    drain_until_ = deadline_after(now, wait / 2);
}

void Pump::tick(Instant now) noexcept {
    if (now >= give_up_at_)
        dropped(Side::frontend, Drop::overflow);
    settle();
    if (now < drain_until_ || state_ == State::drained)
        return;
    for (const Side side : {Side::frontend, Side::backend})
        if (holds(side))
            dropped(side, Drop::not_drained);
    state_ = State::drained;
}

Instant Pump::next_deadline() const noexcept {
    return state_ == State::drained ? never : std::min(give_up_at_, drain_until_);
}

// A service that answers every request once owes as many replies as it was given requests; one that
// does not costs the drain its deadline.
bool Pump::replies_are_back() const noexcept {
    if (kind_ != Kind::queue)
        return true;
    const Traffic& replies = traffic(Direction::out);
    return backlog_ == 0 &&
           replies.messages_total + replies.dropped_sum() >= traffic(Direction::in).messages_total;
}

void Pump::settle() noexcept {
    if (state_ == State::settling && !holds(Side::frontend) && !holds(Side::backend) &&
        replies_are_back())
        state_ = State::drained;
}

} // namespace flotilla::relay
