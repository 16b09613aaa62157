// SPDX-License-Identifier: Apache-2.0
//
// Time values. Nothing here can read a clock: a machine is told the time, and only net/clock tells
// it.
#pragma once

#include <chrono>
#include <cstdint>

namespace flotilla {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

namespace detail {
// Tags that make the two kinds of instant different types; neither has now().
struct Monotonic {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    static constexpr bool is_steady = true;
};
struct Wall {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    static constexpr bool is_steady = false;
};
} // namespace detail

// A point on a clock that only moves forward; its origin means nothing. Deadlines, leases,
// back-off.
using Instant = std::chrono::time_point<detail::Monotonic, Duration>;

// A point in civil time, from the Unix epoch. Timestamps and expiry that travel between machines.
using WallTime = std::chrono::time_point<detail::Wall, Duration>;

// As a wait: no limit. As a deadline: never. The caller has to write it; it is nobody's default.
inline constexpr Duration no_limit = Duration::max();
inline constexpr Instant never = Instant::max();

// now + wait, without overflow.
constexpr Instant deadline_after(Instant now, Duration wait) noexcept {
    return wait >= never - now ? never : now + wait;
}

// What is left until the deadline, never negative.
constexpr Duration time_left(Instant now, Instant deadline) noexcept {
    if (deadline == never)
        return no_limit;
    return deadline > now ? deadline - now : Duration::zero();
}

// Whole ones, cut off towards zero.
constexpr std::int64_t whole_ms(Duration duration) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

} // namespace flotilla
