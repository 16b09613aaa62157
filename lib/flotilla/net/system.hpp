// SPDX-License-Identifier: Apache-2.0
//
// The only reader of the clocks and of the operating system's entropy. Machines get what these
// return. Safe from every thread.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>

namespace flotilla::net {

Instant now() noexcept;
// The same clock as of its last tick, up to 4 ms old (10 ms on some kernels), at a fifth of the
// price: for hot paths that ask whether something is due.
Instant recent_now() noexcept;
WallTime wall_now() noexcept;
// A fresh seed for a Random, different in every process and call.
std::uint64_t system_seed() noexcept;

} // namespace flotilla::net
