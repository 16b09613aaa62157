// SPDX-License-Identifier: Apache-2.0
//
// Schedule: when each message of a recording is due in a replay. Pure.
//
// Due times are computed from the start of the replay, never from the message before, so that
// lateness does not add up: after a pause the replay catches up.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <optional>
#include <string_view>

namespace flotilla::cli::recording {

// How fast recorded time passes. A factor of 0 means as fast as the receiver takes it.
struct Speed {
    double factor = 1.0;
    bool is_unlimited() const noexcept { return factor == 0.0; }
};
// "1", "2x", "0.5x", "max"; 0.001 to 1000. Errors: bad_option.
Result<Speed> parse_speed(std::string_view text);

class Schedule {
public:
    Schedule(Speed speed, Instant start) noexcept : speed_(speed), start_(start) {}

    // The first message is due at once, whatever its offset; offsets that go back are due at once.
    Instant due(Duration offset) noexcept;
    // To be told when it was sent in fact.
    void sent(Instant due, Instant now) noexcept;
    Duration lateness_max() const noexcept { return lateness_max_; }

private:
    Speed speed_;
    Instant start_;
    std::optional<Duration> first_;
    Duration lateness_max_{0};
};

} // namespace flotilla::cli::recording
