// SPDX-License-Identifier: Apache-2.0
// A wait as libzmq counts it. Private to net.
#pragma once

#include <flotilla/base/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace flotilla::net::detail {

// Milliseconds, rounded up so that nothing is asked for too early; -1 without limit.
inline int timeout_ms(Duration wait) {
    if (wait == no_limit)
        return -1;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max()));
}

} // namespace flotilla::net::detail
