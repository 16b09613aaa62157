// SPDX-License-Identifier: Apache-2.0
//
// DoorOut: a PUSH socket that drains a queue to whoever pulls. To the engine it is a consumer with
// credit: what it could hand over it acknowledges, what it could not stays leased to it, and goes
// back when it stops. Private to the pattern.
//
// At most once after hand-over: what is in the pipe of a puller that dies is lost.
#pragma once

#include "door.hpp"

#include <deque>
#include <optional>

namespace flotilla::queue {

class DoorOut final : public OpenDoor {
public:
    explicit DoorOut(Opened opened) : OpenDoor(std::move(opened)) {}

    void speak(QueueEngine& engine, Times times) override;
    void hear(leased::Envelope&& envelope, Event&& event, Times times) override;
    void reloaded() override;
    void drain() override { is_draining_ = true; }
    void close(QueueEngine& engine, Times times) override;
    void watch(net::Poller& poller) override;
    bool has_input() const noexcept override;
    Instant next_deadline() const noexcept override;
    bool is_idle() const noexcept override { return held_.empty() && handed_.ranges.empty(); }
    DoorStat stat() const override { return counted(messages_total_, 0); }

private:
    struct Held {
        leased::LeaseToken lease{};
        wire::Frames body{};
    };
    void greet(QueueEngine& engine, Times times);
    void hand_over();
    void acknowledge(QueueEngine& engine, Times times);
    void renew(QueueEngine& engine, Times times);
    void hear(leased::ErrorReply&& error, Times times);

    std::deque<Held> held_{}; // leased and not yet handed over, in order
    leased::Leases handed_{}; // handed over and not yet acknowledged
    std::optional<leased::Terms> terms_{};
    bool is_greeting_ = false;
    bool is_draining_ = false;
    bool is_pulled_ = false; // somebody is there with room: before that nothing is taken
    Instant greet_again_{};
    Instant renew_at_ = never;
    std::uint64_t messages_total_ = 0;
};

} // namespace flotilla::queue
