// SPDX-License-Identifier: Apache-2.0
//
// MovingRate: events a second, an exponentially weighted average over about ten seconds. Right from
// the first second on: a young rate is divided by its own age. Pure, 24 bytes.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>

namespace flotilla::queue {

class MovingRate {
public:
    static constexpr Duration window = 10s;

    void add(std::uint64_t events, Instant now) noexcept;
    double per_second(Instant now) const noexcept;

private:
    double sum_ = 0; // of events, each faded by its age
    Instant first_ = never;
    Instant last_{};
};

// How long `unfinished` messages last at these rates; no_limit when they do not get fewer.
Duration time_to_drain(std::uint64_t unfinished, double arrival_rate, double service_rate) noexcept;

} // namespace flotilla::queue
