// SPDX-License-Identifier: Apache-2.0
//
// The expiry index: which blocks hold messages whose time to live ends about when, so that what
// nobody takes does not stay for ever. Delivery checks expiry itself; this only cleans up, and may
// be late by an eighth of the time to live (at least a second).
//
//     row = (visit_ms u64, block key) -> nothing; one for each visit that a block needs
//
// A visit depends on nothing but the expiry and the time the block was written, so whoever erases a
// block knows which rows go with it.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/engine/turn_budget.hpp>
#include <flotilla/queue/engine/waiting.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace flotilla::queue {

// The visits of one block, gathered record by record. Empty for a block without expiry.
class ExpiryVisits {
public:
    static ExpiryVisits of(const BlockReader& block);
    void add(std::int64_t expiry_ms, std::int64_t block_wall_ms); // expiry 0: never
    bool empty() const noexcept { return visits_.empty(); }
    void clear() noexcept { visits_.clear(); }
    void write(Mutations& mutations, const BlockPlace& place) const; // with the block
    void erase(Mutations& mutations, const BlockPlace& place) const; // with the block

private:
    std::vector<std::int64_t> visits_{}; // each once; tens at most
};

// Visits what is over, bounded: calls `expired` for every ready message whose time is over, and
// erases the row. A block that is gone is no error. Errors: io.
Status reap_expired(const Snapshot& snapshot, Mutations& mutations, QueueFacts& facts,
                    std::int64_t wall_ms, TurnBudget& budget,
                    const std::function<Status(const Waiting& message)>& expired);
// Wall time of the next visit; nothing: none. Errors: io, damaged.
Result<std::optional<std::int64_t>> next_expiry_visit(const Snapshot& snapshot);

} // namespace flotilla::queue
