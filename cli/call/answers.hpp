// SPDX-License-Identifier: Apache-2.0
//
// Answers: what came for the requests of a run, given out in the order of the requests, or as it
// comes. It holds back what came out of turn; whoever sends asks has_room() first, so that is
// bounded.
//
// Pure. Not thread-safe.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <deque>
#include <optional>

namespace flotilla::cli {

// A piece of an answer, or its end.
struct Answered {
    std::uint64_t request = 0; // from 1, in the order of begin()
    std::uint64_t part = 0;    // pieces before it
    bool is_final = false;
    bool restarted = false;   // another attempt took over; what was given out before is void
    std::uint64_t missed = 0; // pieces lost just before it
    Result<wire::Frames> body = wire::Frames{};
};

class Answers {
public:
    enum class Order : std::uint8_t { of_requests, as_they_come };
    // `waiting_max`: requests begun whose end was not yet given out; at least 1.
    Answers(Order order, std::uint64_t waiting_max) : order_(order), waiting_max_(waiting_max) {}

    bool has_room() const noexcept { return waiting_.size() < waiting_max_; }
    // The next request goes out; its number.
    std::uint64_t begin();
    // A request that could not be sent after all; must be the last one begun.
    void forget_last();
    // `piece` says which request, and what is to be known of it; its part is counted here.
    void partial(Answered piece);
    void end(Answered last);

    // The next thing to print, if it is anybody's turn.
    std::optional<Answered> next();
    bool empty() const noexcept { return waiting_.empty(); }

private:
    struct Waiting {
        std::deque<Answered> ready{};
        std::uint64_t parts = 0;
        bool ended = false; // its end is in `ready`, or was given out
    };
    Waiting& at(std::uint64_t request);
    void add(Waiting& waiting, Answered answered);
    std::optional<Answered> take(Waiting& waiting);
    void drop_finished();

    Order order_;
    std::uint64_t waiting_max_;
    std::uint64_t first_ = 1; // number of waiting_.front()
    std::deque<Waiting> waiting_{};
    std::deque<std::uint64_t> arrived_{}; // as_they_come: whose turn it is
};

} // namespace flotilla::cli
