// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/token_bucket.hpp>

#include <algorithm>

namespace flotilla::queue {
namespace {

constexpr std::uint32_t unlimited = ~std::uint32_t{0};

Duration cost(std::uint64_t messages, std::uint32_t rate) noexcept {
    // Rounded up, so that the average is never above the rate.
    const std::uint64_t second = 1'000'000'000;
    return Duration{static_cast<Duration::rep>((messages * second + rate - 1) / rate)};
}

} // namespace

void TokenBucket::set_rate(std::uint32_t per_second, Instant now) noexcept {
    const bool is_first = rate_ == 0;
    if (!is_first)
        refill(now);
    const std::uint32_t before = is_first ? 0 : available(now);
    rate_ = per_second;
    burst_ = std::max<std::uint32_t>(1, per_second / 10);
    refilled_ = now;
    if (rate_ > 0)
        saved_ = cost(is_first ? burst_ : std::min(before, burst_), rate_);
}

void TokenBucket::refill(Instant now) noexcept {
    if (now <= refilled_)
        return;
    saved_ = std::min(saved_ + std::min<Duration>(now - refilled_, 1s), cost(burst_, rate_));
    refilled_ = now;
}

std::uint32_t TokenBucket::available(Instant now) noexcept {
    if (rate_ == 0)
        return unlimited;
    refill(now);
    const auto saved = static_cast<std::uint64_t>(saved_.count());
    return static_cast<std::uint32_t>(saved * rate_ / 1'000'000'000);
}

void TokenBucket::take(std::uint32_t messages) noexcept {
    if (rate_ > 0)
        saved_ = std::max(saved_ - cost(messages, rate_), Duration::zero());
}

Instant TokenBucket::next(Instant now) noexcept {
    if (available(now) > 0)
        return now;
    return now + (cost(1, rate_) - saved_);
}

} // namespace flotilla::queue
