// SPDX-License-Identifier: Apache-2.0
// The seed of a randomised test: FLOTILLA_TEST_SEED when set, else the test's own default, so that
// a plain run is repeatable and a failure can be run again. Print it with INFO.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace flotilla::test {

inline std::uint64_t seed(std::uint64_t fallback) {
    const char* given = std::getenv("FLOTILLA_TEST_SEED");
    return given ? std::stoull(given) : fallback;
}

} // namespace flotilla::test
