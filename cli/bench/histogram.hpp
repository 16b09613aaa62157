// SPDX-License-Identifier: Apache-2.0
//
// Histogram: latencies from a nanosecond to an hour, kept to 1/64 of their value in a fixed table.
// Pure.
#pragma once

#include <flotilla/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace flotilla::cli::bench {

class Histogram {
public:
    void add(Duration latency) noexcept;
    std::uint64_t count() const noexcept { return count_; }
    // The smallest kept value that `share` of all are not above, share in (0, 1]; zero when empty.
    // Never below the truth, and above it by at most 1/64.
    Duration quantile(double share) const noexcept;
    Duration max() const noexcept { return max_; }

private:
    static constexpr std::size_t steps = 64; // a power of two
    static constexpr std::size_t octaves = 37;
    static std::size_t index_of(std::uint64_t value) noexcept;
    static std::uint64_t upper_bound_of(std::size_t index) noexcept;

    std::array<std::uint64_t, steps * octaves> counts_{};
    std::uint64_t count_ = 0;
    Duration max_{0};
};

} // namespace flotilla::cli::bench
