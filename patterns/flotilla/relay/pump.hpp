// SPDX-License-Identifier: Apache-2.0
//
// Pump: decides what a relay may do next, and counts. Pure: it is told what happened and when.
//
//              pause                            frontend empty, or half the time is over
//     running ------> paused       draining ------------------------------> settling
//        ^   <------    |             ^                                        |
//        |    resume    |    drain    |           nothing held, replies back,  |
//        +--------------+-------------+           or half the time is over     v
//                                                                           drained
// 1. A side is read only when its last message found a place: at most one message a direction is
//    held, so a full backend pushes back on the frontend.
// 2. Every message read is counted exactly once: passed, held, kept in the backlog, or dropped for
//    one reason.
// 3. Once drained it stays so.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/relay/capture.hpp>
#include <flotilla/relay/plan.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace flotilla::relay {

// Why a message that was read does not reach the other side.
enum class Drop : std::uint8_t {
    too_large,    // over message_bytes_max
    too_many,     // over frames_max
    malformed,    // a reply without a routing id; of a subscriber, what is no subscription, or
                  // cancels one that he has not
    overflow,     // policies drop and block: a matching subscriber had no room
    unroutable,   // a reply to a client that is gone
    backlog_full, // a reply to a client that does not read
    cut_off,      // the peer died between two frames of the message
    not_drained,  // still held when the drain was over
    not_allowed,  // its sender has no right to it
    no_place,     // a subscription of who has too many, and is cut off
};
inline constexpr std::size_t drop_reasons = 10;
std::string_view name(Drop reason) noexcept; // "too_large"

constexpr Direction from(Side side) noexcept {
    return side == Side::frontend ? Direction::in : Direction::out;
}
constexpr Side source(Direction direction) noexcept {
    return direction == Direction::in ? Side::frontend : Side::backend;
}

struct Traffic {
    std::uint64_t messages_total = 0; // handed to the other side
    std::uint64_t bytes_total = 0;
    std::array<std::uint64_t, drop_reasons> dropped_total{};
    std::uint64_t held = 0; // 0 or 1

    std::uint64_t dropped(Drop reason) const noexcept {
        return dropped_total[static_cast<std::size_t>(reason)];
    }
    std::uint64_t dropped_sum() const noexcept;
};

class Pump {
public:
    enum class State : std::uint8_t { running, paused, draining, settling, drained };

    Pump(Kind kind, Overflow overflow) noexcept : kind_(kind), overflow_(overflow) {}

    // May a message be read from this side now?
    bool may_read(Side side) const noexcept;
    // Does a message read from this side wait for room on the other?
    bool holds(Side side) const noexcept { return traffic(from(side)).held != 0; }
    State state() const noexcept { return state_; }
    const Traffic& traffic(Direction direction) const noexcept {
        return traffic_[static_cast<std::size_t>(direction)];
    }

    // What became of a message read from `side`, or of the one held.
    void passed(Side side, std::uint64_t bytes) noexcept {
        Traffic& counts = at(side);
        ++counts.messages_total;
        counts.bytes_total += bytes;
        if (counts.held != 0)
            let_go(counts);
    }
    void dropped(Side side, Drop reason, std::uint64_t messages = 1) noexcept;
    // There was no room for it; also said of the one held, again.
    void held(Side side, Instant now) noexcept;
    // The side had nothing more to read.
    void found_empty(Side side) noexcept;
    // Replies wait in the backlog for clients that do not read; part of what a drain waits for.
    void backlog(std::size_t messages) noexcept { backlog_ = messages; }

    void pause() noexcept;
    void resume() noexcept;
    // Half of `wait` is for moving what has arrived; the other half is left to the sockets, to
    // flush.
    void drain(Instant now, Duration wait) noexcept;

    // Time passes: a held message whose block_wait is over is dropped, and a drain ends.
    void tick(Instant now) noexcept;
    // When tick() has something to do; never when there is nothing.
    Instant next_deadline() const noexcept;

private:
    Traffic& at(Side side) noexcept { return traffic_[static_cast<std::size_t>(from(side))]; }
    void let_go(Traffic& counts) noexcept;
    bool replies_are_back() const noexcept;
    void settle() noexcept;

    Kind kind_;
    Overflow overflow_;
    State state_ = State::running;
    std::array<Traffic, 2> traffic_{};
    Instant give_up_at_ = never;  // the held message's, when the policy is to block
    Instant drain_until_ = never; // moving ends
    std::size_t backlog_ = 0;
};

} // namespace flotilla::relay
