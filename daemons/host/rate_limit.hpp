// SPDX-License-Identifier: Apache-2.0
//
// RateLimit: at most one log line an interval for what can happen ten thousand times a second. Says
// how many were left out. Pure.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace flotilla::host {

class RateLimit {
public:
    explicit RateLimit(Duration interval) noexcept : interval_(interval) {}

    // The number left out since the last line, when it is time for a line; nothing otherwise.
    std::optional<std::uint64_t> pass(Instant now) noexcept {
        if (now < next_) {
            ++left_out_;
            return std::nullopt;
        }
        next_ = deadline_after(now, interval_);
        return std::exchange(left_out_, 0);
    }

private:
    Duration interval_;
    Instant next_{};
    std::uint64_t left_out_ = 0;
};

} // namespace flotilla::host
