// SPDX-License-Identifier: Apache-2.0
//
// DelayWheel: messages that are not due yet, on disk, in buckets that are coarse far away and are
// split as they come near. Memory is O(one turn), whatever waits.
//
//     row = (visit_ms u64, queue u32, first id u64) -> messages of one queue and bucket, put
//           there in one turn: sealed(version count(u16) *(due_ms(u64) lane(u8))), then a block
//
// A row is visited at visit_ms: what is due then is promoted, the rest goes into rows with later
// visits. A bucket is a power of two of milliseconds, a 32nd to a 64th of the time that is left
// when a message enters it, visited half a bucket early; the finest are 4 ms and visited when they
// end. So no message is promoted before it is due, nor more than 4 ms and a turn later.
//
// Call order in a turn: add and advance in any order, flush; committed() after the commit, which
// may come several turns later (durability=relaxed). After a failed commit it is thrown away.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/engine/turn_budget.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::queue {

struct Delayed {
    QueueId queue = 0;
    Lane lane = 0; // where it goes when it is due
    std::int64_t due_ms = 0;
    std::int64_t put_ms = 0; // when the row was written
    Record record{};         // with its id
};

// Builds the value of a row.
class DelayedWriter {
public:
    bool has_room(const Record& record) const noexcept {
        return block_.has_room(record_bytes(record));
    }
    std::size_t count() const noexcept { return block_.count(); }
    void add(const Delayed& message);
    // The writer starts over. Not of an empty one.
    std::string finish(std::int64_t put_ms);

private:
    wire::Writer heads_{};
    BlockWriter block_{};
};

// When the row of a message that enters the wheel now is visited: after `now_ms`.
std::int64_t visit_ms(std::int64_t due_ms, std::int64_t now_ms) noexcept;

class DelayWheel {
public:
    // Copies. Something already due is promoted some milliseconds later.
    void add(const Delayed& message, std::int64_t wall_ms);

    // What becomes of a message whose row is visited.
    enum class Fate : std::uint8_t {
        stays,  // not due: into the wheel again
        leaves, // the caller has taken it over, or the queue is gone
        later,  // there is no room for it now: tried again in a while
    };
    // Asked of every message visited, due or not; views live during the call. It must not call
    // back.
    using Visit = std::function<Fate(const Delayed& message, bool is_due)>;
    // Visits the rows whose time has come, oldest first, as far as `budget` goes. A damaged row is
    // told to `damaged`, erased, and its messages are lost. Errors: io.
    struct Damaged {
        QueueId queue = 0;
        std::uint64_t messages = 0; // as many as it says it had; it may lie
        std::uint64_t bytes = 0;
    };
    Status advance(const Snapshot& snapshot, Mutations& mutations, std::int64_t wall_ms,
                   TurnBudget& budget, const Visit& visit,
                   const std::function<void(const Damaged&)>& damaged);
    void flush(Mutations& mutations, std::int64_t wall_ms);
    void committed() { visited_up_to_.clear(); }

    // Wall time of the next visit, as of the last commit; nothing: none. Errors: io, damaged.
    static Result<std::optional<std::int64_t>> next_visit(const Snapshot& snapshot);

private:
    struct Kept {
        std::int64_t visit_ms = 0;
        Delayed message{};     // its views are not valid
        std::size_t bytes = 0; // where key, note and body lie, one after the other
    };
    void keep(const Delayed& message, std::int64_t visit);
    Delayed message(const Kept& kept) const;

    std::vector<Kept> kept_{}; // to be written
    std::string bytes_{};      // of these
    DelayedWriter writer_{};
    std::string visited_up_to_{}; // row key; since the last commit
};

// A row of the wheel, read; views live as long as the row's and the reader.
class DelayedReader {
public:
    // Errors: damaged; unsupported.
    Status open(const Entry& row);
    std::size_t count() const noexcept { return heads_.size(); }
    Delayed operator[](std::size_t index) const;
    QueueId queue() const noexcept { return place_.queue; }

private:
    DelayedPlace place_{};
    std::vector<std::pair<std::int64_t, Lane>> heads_{};
    BlockReader block_{};
};

} // namespace flotilla::queue
