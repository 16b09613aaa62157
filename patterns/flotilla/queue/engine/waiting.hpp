// SPDX-License-Identifier: Apache-2.0
//
// WaitingSweep: the messages of a queue that are ready, oldest first over all its lanes, as of the
// last commit. What browse, purge, redrive and overflow go along; resumable by position.
//
// QueueFacts is what only the machine knows. Views live until the next call of next().
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/engine/turn_budget.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace flotilla::queue {

// A message in its block.
struct Waiting {
    BlockPlace place{};
    std::uint32_t index = 0; // in the block
    std::int64_t put_ms = 0;
    Record record{};
    Position position() const noexcept { return place.first + index; }
};

// Why a message leaves its queue without having been acknowledged; each has its counter.
enum class Leaving : std::uint8_t {
    expired,
    dropped,     // overflow
    dead_letter, // overflow, into the dead-letter queue (the machine moves it)
    purged,      // or redriven, or kicked out
};

// Of the machine, the turn's own changes included.
class QueueFacts {
public:
    virtual ~QueueFacts() = default;
    // One flag for each of the `count` messages of a block: it is ready, and not leased, finished,
    // or gone already in this turn. Errors: io, damaged.
    virtual Result<std::vector<bool>> ready_in(const Snapshot& snapshot, const BlockPlace& place,
                                               std::size_t count) = 0;
    // A block that cannot be read; its messages are not served.
    virtual void damaged(const BlockPlace& place) = 0;
};

class WaitingSweep {
public:
    // From `from` on, in lanes 0 to `lanes` - 1.
    WaitingSweep(const Snapshot& snapshot, QueueFacts& facts, QueueId queue, std::size_t lanes,
                 Position from);
    // The next ready message; nothing: there is no more, or `budget` is spent. Errors: io.
    Result<std::optional<Waiting>> next(TurnBudget& budget);
    // Where to go on: everything before it was given out or is not ready.
    Position position() const noexcept { return position_; }
    bool is_at_end() const noexcept { return is_at_end_; }

private:
    struct Cursor {
        Lane lane = 0;
        BlockPlace place{};
        BlockReader block{};
        std::vector<bool> ready{};
        std::uint32_t index = 0;
        bool is_over = false;
        Position position() const noexcept { return place.first + index; }
    };
    Status open_block(Cursor& cursor, Position from, TurnBudget& budget);
    Status forward(Cursor& cursor, TurnBudget& budget);

    const Snapshot* snapshot_;
    QueueFacts* facts_;
    QueueId queue_;
    Position position_;
    bool is_at_end_ = false;
    bool is_begun_ = false;
    std::vector<Cursor> cursors_{};
};

} // namespace flotilla::queue
