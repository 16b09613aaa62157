// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/moving_rate.hpp>
#include <flotilla/queue/engine/retry_backoff.hpp>
#include <flotilla/queue/engine/token_bucket.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::queue;

namespace {
const Instant start = Instant{} + 1h;
} // namespace

TEST_CASE("retry back-off: none, fixed, a list whose last entry repeats", "[unit][queue]") {
    QueueProperties properties;
    CHECK(retry_delay(properties, 1) == 0ms);
    properties.retry_delays = {5ms};
    CHECK(retry_delay(properties, 1) == 5ms);
    CHECK(retry_delay(properties, 1'000'000) == 5ms);
    properties.retry_delays = {1ms, 10ms, 100ms};
    CHECK(retry_delay(properties, 1) == 1ms);
    CHECK(retry_delay(properties, 2) == 10ms);
    CHECK(retry_delay(properties, 3) == 100ms);
    CHECK(retry_delay(properties, 4) == 100ms);
}

TEST_CASE("retry back-off: exponential doubles up to its ceiling, however often", "[unit][queue]") {
    QueueProperties properties;
    properties.retry_delays = {100ms, 1s};
    properties.retry_exponential = true;
    CHECK(retry_delay(properties, 1) == 100ms);
    CHECK(retry_delay(properties, 2) == 200ms);
    CHECK(retry_delay(properties, 4) == 800ms);
    CHECK(retry_delay(properties, 5) == 1s);
    CHECK(retry_delay(properties, ~std::uint32_t{0}) == 1s);
}

TEST_CASE("token bucket: never more than the rate and one burst", "[unit][queue]") {
    TokenBucket bucket;
    CHECK(bucket.available(start) == ~std::uint32_t{0});
    bucket.set_rate(100, start);
    std::uint32_t taken = 0;
    Instant now = start;
    for (; now < start + 10s; now += 7ms) {
        const std::uint32_t some = bucket.available(now);
        CHECK(some <= 10);
        bucket.take(some);
        taken += some;
    }
    CHECK(taken <= 1010);
    CHECK(taken >= 990);
}

TEST_CASE("token bucket: the next one is due when it says", "[unit][queue]") {
    TokenBucket bucket;
    bucket.set_rate(3, start);
    CHECK(bucket.next(start) == start);
    bucket.take(bucket.available(start));
    const Instant next = bucket.next(start);
    CHECK(next > start + 330ms);
    CHECK(next < start + 340ms);
    CHECK(bucket.available(next - 1ms) == 0);
    CHECK(bucket.available(next) == 1);
    bucket.take(1);
    // A long pause saves one burst and no more.
    CHECK(bucket.available(next + 1h) == 1);
    bucket.set_rate(0, next + 1h);
    CHECK(bucket.available(next + 1h) == ~std::uint32_t{0});
}

TEST_CASE("moving rate: a steady rate is right from its first seconds and fades", "[unit][queue]") {
    MovingRate rate;
    CHECK(rate.per_second(start) == 0);
    for (int i = 0; i < 400; ++i)
        rate.add(5, start + i * 10ms);
    CHECK(rate.per_second(start + 4s) > 480);
    CHECK(rate.per_second(start + 4s) < 520);
    for (int i = 400; i < 10'000; ++i)
        rate.add(5, start + i * 10ms);
    CHECK(rate.per_second(start + 100s) > 480);
    CHECK(rate.per_second(start + 100s) < 520);
    CHECK(rate.per_second(start + 200s) < 1);
}

TEST_CASE("time to drain: by what leaves more than comes", "[unit][queue]") {
    CHECK(time_to_drain(0, 5, 0) == 0s);
    CHECK(time_to_drain(100, 0, 10) == 10s);
    CHECK(time_to_drain(100, 5, 10) == 20s);
    CHECK(time_to_drain(100, 10, 10) == no_limit);
    CHECK(time_to_drain(100, 10, 0) == no_limit);
    CHECK(time_to_drain(~0ULL, 0, 1e-12) == no_limit);
}
