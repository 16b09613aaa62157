// SPDX-License-Identifier: Apache-2.0
#include "door_out.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::uint32_t credit = 1'000; // held here at most; they are leased, not lost
constexpr Duration greet_pause = 500ms;

} // namespace

// ---- to the engine -----------------------------------------------------------------------------

void DoorOut::speak(QueueEngine& engine, Times times) {
    hand_over();
    is_pulled_ = socket_.writable(); // asked in every turn, or its descriptor never falls silent
    acknowledge(engine, times);
    if (!terms_)
        return greet(engine, times);
    if (times.now >= renew_at_)
        renew(engine, times);
}

void DoorOut::greet(QueueEngine& engine, Times times) {
    if (is_greeting_ || is_draining_ || !is_pulled_ || times.now < greet_again_)
        return;
    is_greeting_ = true;
    leased::Hello hello;
    hello.worker = "push " + endpoints_.substr(0, leased::limits::name_bytes_max - 5);
    hello.queue = plan_.door.queue;
    hello.credit = credit;
    say(engine, "hello", leased::Command{std::move(hello)}, times);
}

void DoorOut::hand_over() {
    while (!held_.empty()) {
        if (!socket_.send(held_.front().body, Duration::zero()))
            return;
        const leased::LeaseToken lease = held_.front().lease;
        handed_.epoch = lease.epoch;
        handed_.add(lease.number);
        ++messages_total_;
        held_.pop_front();
    }
}

void DoorOut::acknowledge(QueueEngine& engine, Times times) {
    if (handed_.ranges.empty())
        return;
    say(engine, {}, leased::Command{leased::Ack{std::exchange(handed_, {})}}, times);
}

// Says that it is there, and that what it holds is still in hand.
void DoorOut::renew(QueueEngine& engine, Times times) {
    renew_at_ = times.now + std::min(terms_->heartbeat, terms_->lease / 3);
    say(engine, {}, leased::Command{leased::Ping{is_draining_ ? 0 : credit}}, times);
    if (held_.empty())
        return;
    leased::Touch touch;
    touch.leases.epoch = held_.front().lease.epoch;
    for (const Held& each : held_)
        touch.leases.add(each.lease.number);
    say(engine, {}, leased::Command{std::move(touch)}, times);
}

void DoorOut::close(QueueEngine& engine, Times times) {
    acknowledge(engine, times);
    if (terms_)
        say(engine, {}, leased::Command{leased::Bye{}}, times);
    terms_.reset();
    held_.clear();
}

// ---- from the engine ---------------------------------------------------------------------------

void DoorOut::hear(leased::Envelope&&, Event&& event, Times times) {
    auto* said = std::get_if<leased::Event>(&event);
    if (!said)
        return;
    if (auto* delivery = std::get_if<leased::Deliver>(said))
        held_.push_back({delivery->lease, std::move(delivery->body)});
    else if (auto* error = std::get_if<leased::ErrorReply>(said))
        hear(std::move(*error), times);
    else if (auto* ok = std::get_if<leased::Ok>(said); ok && ok->terms) {
        terms_ = ok->terms;
        is_greeting_ = false;
        renew_at_ = times.now;
    }
}

void DoorOut::hear(leased::ErrorReply&& error, Times times) {
    if (is_greeting_) { // there is no such queue, or no room for a session: perhaps later
        is_greeting_ = false;
        greet_again_ = times.now + greet_pause;
        return;
    }
    if (error.code == leased::ErrorCode::no_session)
        reloaded();
}

// The leases are gone, and what is in hand is delivered again, here or elsewhere.
void DoorOut::reloaded() {
    held_.clear();
    handed_ = {};
    terms_.reset();
    is_greeting_ = false;
    greet_again_ = Instant{};
}

// ---- the loop ----------------------------------------------------------------------------------

void DoorOut::watch(net::Poller& poller) {
    if (is_pulled_ && held_.empty())
        poller.forget(socket_);
    else
        poller.on_writable(socket_, [] {});
}

bool DoorOut::has_input() const noexcept {
    return !handed_.ranges.empty() || ((!held_.empty() || !is_pulled_) && socket_.writable());
}

Instant DoorOut::next_deadline() const noexcept {
    if (!terms_)
        return is_greeting_ || is_draining_ || !is_pulled_ ? never : greet_again_;
    return renew_at_;
}

} // namespace flotilla::queue
