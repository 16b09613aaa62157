// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/base/random.hpp>

#include <cstring>

namespace flotilla {

std::uint64_t Random::below(std::uint64_t bound) noexcept {
    FLOTILLA_CHECK(bound > 0, "a random number below zero was asked for");
    // The modulo bias is below bound / 2^64: nothing for jitter and tests.
    return next() % bound;
}

Duration Random::jitter(Duration base, double share) noexcept {
    const double unit = double(next() >> 11) * 0x1.0p-53; // [0, 1)
    const double factor = 1.0 + share * (2.0 * unit - 1.0);
    return Duration{static_cast<Duration::rep>(double(base.count()) * factor)};
}

std::array<char, 16> Random::bytes16() noexcept {
    const std::uint64_t words[2] = {next(), next()};
    std::array<char, 16> out{};
    std::memcpy(out.data(), words, sizeof words);
    return out;
}

} // namespace flotilla
