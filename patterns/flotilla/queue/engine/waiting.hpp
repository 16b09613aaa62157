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
    // The next ready message; nothing: there is no more, or `budget` is spent. Errors: io, damaged
    // (of the store itself).
    Result<std::optional<Waiting>> next(TurnBudget& budget);
    // Where to go on: everything before it was given out or is not ready.
    Position position() const noexcept;
    bool is_at_end() const noexcept { return cursors_.empty() && is_begun_; }

private:
    // Where the sweep is in one lane.
    struct Cursor {
        BlockPlace place{};
        BlockReader block{};
        std::vector<bool> ready{};
        std::uint32_t index = 0;
        Position position() const noexcept { return place.first + index; }
        bool is_before(const Cursor& other) const noexcept;
    };
    Status begin();
    // The block that holds `from`, or the first one behind it; or the first that begins at `from`
    // or behind. False: there is none.
    Result<bool> open_at(Cursor& cursor, Position from);
    Result<bool> open_next(Cursor& cursor, Position from);
    Result<bool> open_entry(Cursor& cursor, const std::optional<Entry>& entry, Position from);

    const Snapshot* snapshot_;
    QueueFacts* facts_;
    QueueId queue_;
    std::size_t lanes_;
    Position from_;
    bool is_begun_ = false;
    std::vector<Cursor> cursors_{}; // of lanes that are not at their end
};

} // namespace flotilla::queue
