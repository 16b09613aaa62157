// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <cli/traffic.hpp>

#include <algorithm>

namespace flotilla::cli {

Traffic::Traffic(TrafficRules rules, Instant now)
    : rules_(rules), last_(now), next_send_(now), peers_ready_(rules.peers_min == 0),
      input_ended_(rules.input == TrafficRules::Input::none) {}

void Traffic::peers(std::uint64_t count, Instant now) {
    peers_now_ = count;
    if (peers_ready_ || count < rules_.peers_min)
        return;
    peers_ready_ = true;
    blocked_since_.reset();
    last_ = now;
    next_send_ = now;
}

void Traffic::sent(Instant now) {
    ++sent_;
    last_ = now;
    blocked_since_.reset();
    // The pace is kept from the planned start, unless that is long gone: no burst catches up.
    next_send_ = std::max(next_send_ + rules_.interval, now);
    if (rules_.interval > Duration::zero() && next_send_ == now)
        next_send_ = now + rules_.interval;
}

void Traffic::received(Instant now) {
    ++received_;
    last_ = now;
}

void Traffic::input_ended(Instant now) {
    input_ended_ = true;
    last_ = now;
}

void Traffic::blocked(Instant now) {
    if (!blocked_since_)
        blocked_since_ = now;
}

// Input that ended without a message is as if there were none.
bool Traffic::has_input() const {
    return rules_.input == TrafficRules::Input::some && (!input_ended_ || sent_ > 0);
}

bool Traffic::wants_input() const {
    const bool counts_sends = rules_.flow == Flow::out || rules_.flow == Flow::ask;
    return rules_.flow != Flow::in && !input_ended_ &&
           (!counts_sends || sent_ < rules_.count.value_or(UINT64_MAX));
}

bool Traffic::is_our_turn() const {
    if (rules_.flow == Flow::ask)
        return sent_ == received_;
    return rules_.flow != Flow::answer || received_ > sent_;
}

bool Traffic::wants_send(Instant now) const {
    return wants_input() && is_our_turn() && now >= next_send_;
}

bool Traffic::wants_receive() const {
    switch (rules_.flow) {
    case Flow::out:
        return false;
    case Flow::ask:
        return sent_ > received_;
    case Flow::answer:
        return received_ == sent_;
    default:
        return received_ < rules_.count.value_or(UINT64_MAX);
    }
}

Instant Traffic::quiet_deadline() const {
    switch (rules_.flow) {
    case Flow::in:
        break;
    case Flow::answer:
        if (received_ > sent_)
            return never; // our turn, not theirs
        break;
    case Flow::both:
        if (has_input() && !input_ended_)
            return never;
        if (has_input() && !rules_.timeout)
            return deadline_after(last_, quiet_wait);
        break;
    default:
        return never;
    }
    return rules_.timeout ? deadline_after(last_, *rules_.timeout) : never;
}

std::optional<Traffic::End> Traffic::end_of_quiet() const {
    if (rules_.count)
        return End{ExitCode::nothing, "only " + std::to_string(received_) + " of " +
                                          std::to_string(*rules_.count) + " messages came"};
    const bool expected = rules_.flow != Flow::both || rules_.timeout;
    if (received_ == 0 && expected)
        return End{ExitCode::nothing,
                   "nothing received within " + format_duration(*rules_.timeout)};
    return End{};
}

std::optional<Traffic::End> Traffic::end(Instant now) const {
    const bool sends_only = rules_.flow == Flow::out;
    const std::uint64_t counted = sends_only                    ? sent_
                                  : rules_.flow == Flow::answer ? std::min(sent_, received_)
                                                                : received_;
    if (rules_.count && counted >= *rules_.count)
        return End{};
    if (input_ended_ && (sends_only || (rules_.flow == Flow::ask && !waits_for_reply()) ||
                         (rules_.flow == Flow::answer && received_ >= sent_)))
        return End{};
    const std::string limit = format_duration(send_limit());
    if (waits_for_reply() && now >= deadline_after(last_, send_limit()))
        return End{ExitCode::nothing, "no reply within " + limit};
    const bool gives_up = blocked_since_ && now >= deadline_after(*blocked_since_, send_limit());
    if (gives_up && !peers_ready_)
        return End{ExitCode::nothing, "no peer within " + limit};
    if (gives_up)
        return End{sent_ == 0 ? ExitCode::nothing : ExitCode::not_flushed,
                   "no room for message " + std::to_string(sent_ + 1) + " within " + limit +
                       (peers_now_ > 0 ? "; the peers do not read" : "")};
    if (now >= quiet_deadline())
        return end_of_quiet();
    return std::nullopt;
}

Instant Traffic::next_deadline() const {
    Instant next = quiet_deadline();
    if (wants_input() && is_our_turn() && rules_.interval > Duration::zero() && peers_ready_)
        next = std::min(next, next_send_);
    if (waits_for_reply())
        next = std::min(next, deadline_after(last_, send_limit()));
    if (blocked_since_)
        next = std::min(next, deadline_after(*blocked_since_, send_limit()));
    return next;
}

} // namespace flotilla::cli
