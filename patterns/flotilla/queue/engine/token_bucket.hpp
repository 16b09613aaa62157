// SPDX-License-Identifier: Apache-2.0
//
// TokenBucket: at most so many messages a second, in bursts of at most a tenth of a second's worth
// (at least one). Pure; one a consumer.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>

namespace flotilla::queue {

class TokenBucket {
public:
    // 0: no limit. A changed rate keeps what is there, up to the new burst; the first starts full.
    void set_rate(std::uint32_t per_second, Instant now) noexcept;
    // How many may go now; ~0 without a limit.
    std::uint32_t available(Instant now) noexcept;
    void take(std::uint32_t messages) noexcept; // at most what was available
    // When at least one may go: `now` if one may, never in the past.
    Instant next(Instant now) noexcept;

private:
    void refill(Instant now) noexcept;

    std::uint32_t rate_ = 0;
    std::uint32_t burst_ = 0;
    Duration saved_{0}; // time not yet spent: a message costs 1 s / rate
    Instant refilled_{};
};

} // namespace flotilla::queue
