// SPDX-License-Identifier: Apache-2.0
//
// QueueCensus: what those queues hold that nobody has used since the start: they lie in the store,
// and not in the QueueBook. Counted when somebody looks, in the order of names and so much at a
// time: of a queue its rows, and of each lane that may have something the head of one block; a
// queue that is read into the book leaves the sum.
//
// Invariant: the sum is that of the queues up to the last name counted that were not in the book
// then and have not entered it since.
//
// Pure, O(1) in queues.
#pragma once

#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::queue {

struct Queue;

class QueueCensus {
public:
    // By one call of go_on(): queues, and lanes of them; the last queue's may go beyond it.
    static constexpr std::size_t reads_max = 2'000;

    struct Sum {
        std::uint64_t ready = 0;
        std::uint64_t delayed = 0;
        std::uint64_t bytes = 0;
        std::int64_t oldest_ms = 0; // when the oldest ready message was put; 0: there is none
    };
    const Sum& sum() const noexcept { return sum_; }
    // All have been counted.
    bool is_whole() const noexcept { return is_whole_; }

    // `is_known`: it is in the book. Rows that cannot be read are passed over.
    void go_on(const Snapshot& snapshot, const std::function<bool(std::string_view)>& is_known);
    // Was read into the book, and is as it lay in the store.
    void entered(const Queue& queue);

private:
    Sum sum_{};
    std::string counted_to_{};
    bool is_whole_ = false;
};

// As it lies in the store; absent: it is not there, or cannot be read.
std::optional<Queue> read_queue(const Snapshot& snapshot, QueueId id);
// Since when the first ready message of each lane waits, as the head of its block says.
void find_oldest(const Snapshot& snapshot, Queue& queue);

} // namespace flotilla::queue
