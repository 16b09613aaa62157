// SPDX-License-Identifier: Apache-2.0
#include <cli/bench/histogram.hpp>

#include <algorithm>
#include <cmath>

namespace flotilla::cli::bench {

// Values below 64 have a place each; from there every doubling is cut into 64 equal steps.
std::size_t Histogram::index_of(std::uint64_t value) noexcept {
    std::size_t octave = 0;
    std::uint64_t scaled = value;
    while (scaled >= 2 * steps) {
        scaled >>= 1;
        ++octave;
    }
    const std::size_t index = value < steps
                                  ? static_cast<std::size_t>(value)
                                  : (octave + 1) * steps + static_cast<std::size_t>(scaled - steps);
    return std::min(index, steps * octaves - 1);
}

std::uint64_t Histogram::upper_bound_of(std::size_t index) noexcept {
    if (index < steps)
        return index;
    const std::size_t octave = index / steps - 1;
    return ((std::uint64_t{index % steps} + steps + 1) << octave) - 1;
}

void Histogram::add(Duration latency) noexcept {
    latency = std::max(latency, Duration::zero());
    ++counts_[index_of(static_cast<std::uint64_t>(latency.count()))];
    ++count_;
    max_ = std::max(max_, latency);
}

Duration Histogram::quantile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        below += counts_[i];
        if (below >= wanted && below > 0)
            return std::min(max_, Duration{static_cast<Duration::rep>(upper_bound_of(i))});
    }
    return max_;
}

} // namespace flotilla::cli::bench
