// SPDX-License-Identifier: Apache-2.0
//
// OutboxLane: put-records of one queue in memory, numbered in a row, in the form in which a packed
// put holds them: what is put together is copied together. Numbers come in at the end and leave at
// the front; what lies between may be read again and again.
//
// One allocation for many records, none in a steady state. One thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace flotilla::queue {

class OutboxLane {
public:
    static constexpr std::size_t block_bytes = std::size_t{64} << 10;

    // Where the next record goes, `bytes` of room; it counts as number next().
    char* append(std::size_t bytes);
    void start_at(std::uint64_t number); // the first one appended; the lane must be empty
    std::uint64_t first() const noexcept { return first_; }
    std::uint64_t next() const noexcept { return next_; }
    bool empty() const noexcept { return first_ == next_; }
    // Of memory in use, records that have left not yet let go included.
    std::uint64_t bytes() const noexcept { return bytes_; }

    // Records in a row from `number` on, which must be there: as many as fit both limits, one at
    // least.
    struct Cut {
        std::uint64_t messages = 0;
        std::size_t bytes = 0;
    };
    Cut measure(std::uint64_t number, std::uint64_t messages_max, std::size_t bytes_max);
    // The bytes of the last measure().
    void copy(char* to);
    // Everything up to `number` leaves.
    void drop(std::uint64_t number);

private:
    struct Block {
        std::unique_ptr<char[]> data{};
        std::size_t capacity = 0;
        std::size_t size = 0;
        std::uint64_t first = 0;
        std::uint64_t count = 0;
    };
    struct Place {
        std::uint64_t number = 0;
        std::size_t block = 0;
        std::size_t offset = 0;
    };
    Place find(std::uint64_t number) const;
    void add_block(std::size_t bytes);

    std::deque<Block> blocks_{};
    std::vector<Block> spare_{};
    std::uint64_t first_ = 1;
    std::uint64_t next_ = 1;
    std::uint64_t bytes_ = 0;
    Place measured_{}; // from here
    Cut cut_{};
    Place behind_{}; // where the record behind it lies: most reads go on there
};

} // namespace flotilla::queue
