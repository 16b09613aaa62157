// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <chrono>
#include <random>

namespace flotilla::net {

Instant now() noexcept {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
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
