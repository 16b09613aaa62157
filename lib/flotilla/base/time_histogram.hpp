// SPDX-License-Identifier: Apache-2.0
//
// TimeHistogram: how often something took how long, for whoever watches: plain integers in a fixed
// table, from 50 us to 10 s. Pure. One thread at a time.
#pragma once

#include <flotilla/base/time.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flotilla {

class TimeHistogram {
public:
    // Upper ends, each part of its bucket; one more bucket has what took longer.
    static constexpr std::array<Duration, 17> bounds{50us,  100us, 250us,  500us, 1ms,   2500us,
                                                     5ms,   10ms,  25ms,   50ms,  100ms, 250ms,
                                                     500ms, 1s,    2500ms, 5s,    10s};
    using Counts = std::array<std::uint64_t, bounds.size() + 1>;

    // The same time for `count` of them.
    void add(Duration time, std::uint64_t count = 1) noexcept {
        const auto* bound = std::lower_bound(bounds.begin(), bounds.end(), time);
        counts_[static_cast<std::size_t>(bound - bounds.begin())] += count;
        seconds_ += std::chrono::duration<double>(time).count() * static_cast<double>(count);
    }
    void add(const TimeHistogram& other) noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        seconds_ += other.seconds_;
    }

    const Counts& counts() const noexcept { return counts_; }
    std::uint64_t count() const noexcept {
        std::uint64_t all = 0;
        for (const std::uint64_t each : counts_)
            all += each;
        return all;
    }
    double seconds() const noexcept { return seconds_; } // of all together
    friend bool operator==(const TimeHistogram&, const TimeHistogram&) = default;

private:
    Counts counts_{};
    double seconds_ = 0;
};

} // namespace flotilla
