// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <chrono>
#include <ctime>
#include <random>

namespace flotilla::net {

Instant now() noexcept {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

Instant recent_now() noexcept {
#ifdef CLOCK_MONOTONIC_COARSE
    // The clock behind steady_clock on Linux, less the read of the hardware counter.
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return Instant{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
#else
    return now();
#endif
}

WallTime wall_now() noexcept {
    return WallTime{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
}

std::uint64_t system_seed() noexcept {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

} // namespace flotilla::net
