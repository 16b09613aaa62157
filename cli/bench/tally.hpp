// SPDX-License-Identifier: Apache-2.0
//
// Tally: what became of numbered messages: lost, repeated, out of order, and how late. And the
// stamp that each of them carries. Pure.
//
//     stamp = phase u8, number u56, intended send time u64 (nanoseconds, the machine's monotonic
//             clock); the rest of a message is filling
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/time.hpp>

#include <cli/bench/histogram.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace flotilla::cli::bench {

inline constexpr std::size_t stamp_bytes = 16;

enum class Phase : std::uint8_t { warm_up = 1, measured = 2 };
struct Stamp {
    Phase phase = Phase::measured;
    std::uint64_t number = 0; // from 0, for each phase
    Instant intended{};
};
// Writes over the first stamp_bytes of a message.
void write_stamp(char* message, const Stamp& stamp) noexcept;
// Nothing for a message that carries none.
std::optional<Stamp> read_stamp(ByteView message) noexcept;

class Tally {
public:
    // Of the measured messages; a bit each.
    explicit Tally(std::uint64_t expected) : seen_(expected) {}

    // A measured message came. Warm-up ones are not for it.
    void see(const Stamp& stamp, std::size_t bytes, Instant now);
    bool complete() const noexcept { return received_ == seen_.size(); }

    std::uint64_t expected() const noexcept { return seen_.size(); }
    std::uint64_t received() const noexcept { return received_; } // each once
    std::uint64_t lost() const noexcept { return seen_.size() - received_; }
    std::uint64_t duplicated() const noexcept { return duplicated_; }
    std::uint64_t out_of_order() const noexcept { return out_of_order_; }
    std::uint64_t foreign() const noexcept { return foreign_; } // numbers beyond what was expected
    std::uint64_t bytes() const noexcept { return bytes_; }
    // From the first measured message to the last.
    Duration elapsed() const noexcept { return last_ - first_; }
    const Histogram& latency() const noexcept { return latency_; }

private:
    std::vector<bool> seen_;
    std::uint64_t received_ = 0;
    std::uint64_t duplicated_ = 0;
    std::uint64_t out_of_order_ = 0;
    std::uint64_t foreign_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t next_ = 0;
    Instant first_{};
    Instant last_{};
    Histogram latency_;
};

} // namespace flotilla::cli::bench
