// SPDX-License-Identifier: Apache-2.0
//
// Random: the one generator for ids, jitter and simulated faults. The seed comes from outside (the
// operating system in a program, a number in a test), so that every run can be repeated. Not for
// keys.
#pragma once

#include <flotilla/base/time.hpp>

#include <array>
#include <cstdint>
#include <random>

namespace flotilla {

class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : engine_(seed) {}

    std::uint64_t next() noexcept { return engine_(); }
    // Uniform in [0, bound); bound is at least 1.
    std::uint64_t below(std::uint64_t bound) noexcept;
    // True once in `n` calls on average.
    bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }
    // Uniform in [base - share * base, base + share * base]; share in [0, 1].
    Duration jitter(Duration base, double share) noexcept;
    std::array<char, 16> bytes16() noexcept;

private:
    std::mt19937_64 engine_;
};

} // namespace flotilla
