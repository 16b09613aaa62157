// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/moving_rate.hpp>

#include <algorithm>
#include <cmath>

namespace flotilla::queue {
namespace {

double seconds(Duration duration) noexcept {
    return std::chrono::duration<double>(duration).count();
}

const double window_seconds = seconds(MovingRate::window);

} // namespace

void MovingRate::add(std::uint64_t events, Instant now) noexcept {
    if (first_ == never) {
        first_ = now;
        last_ = now;
    }
    if (now > last_) {
        sum_ *= std::exp(-seconds(now - last_) / window_seconds);
        last_ = now;
    }
    sum_ += static_cast<double>(events);
}

double MovingRate::per_second(Instant now) const noexcept {
    if (first_ == never)
        return 0;
    const double faded =
        now > last_ ? sum_ * std::exp(-seconds(now - last_) / window_seconds) : sum_;
    // A steady rate r that has run for an age a gives r * window * (1 - e^(-a / window)).
    const double age = std::max(seconds(now - first_), 1.0);
    return faded / (window_seconds * (1 - std::exp(-age / window_seconds)));
}

Duration time_to_drain(std::uint64_t unfinished, double arrival_rate,
                       double service_rate) noexcept {
    if (unfinished == 0)
        return Duration::zero();
    const double shrinks = service_rate - arrival_rate;
    const double needed = static_cast<double>(unfinished) / std::max(shrinks, 1e-9);
    const double limit = seconds(std::chrono::hours{24 * 365 * 10});
    if (shrinks <= 0 || needed > limit)
        return no_limit;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(needed));
}

} // namespace flotilla::queue
