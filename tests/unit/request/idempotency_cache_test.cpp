// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/request/idempotency_cache.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <map>
#include <string>

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("idempotency cache: a repeated id gets the answer that was kept", "[unit][request]") {
    IdempotencyCache cache;
    const Instant now{};
    CHECK_FALSE(cache.find("a", now));
    const wire::Frames answer{"one", std::string(1'000, 'x')};
    CHECK(cache.keep("a", answer, now));
    for (int i = 0; i < 2; ++i) {
        const auto kept = cache.find("a", now);
        REQUIRE(kept);
        CHECK(*kept == answer);
    }
    CHECK(cache.found_total() == 2);
    CHECK_FALSE(cache.find("b", now));
    CHECK(cache.keep("a", wire::Frames{"two"}, now));
    CHECK(*cache.find("a", now) == wire::Frames{"two"});
    CHECK(cache.size() == 1);
    CHECK(cache.bytes() == 4 + sizeof(Blob));
    cache.clear();
    CHECK_FALSE(cache.find("a", now));
    CHECK(cache.bytes() == 0);
}

TEST_CASE("idempotency cache: requests without an id are not told apart, so not kept",
          "[unit][request]") {
    IdempotencyCache cache;
    CHECK_FALSE(cache.keep("", wire::Frames{"x"}, Instant{}));
    CHECK_FALSE(cache.find("", Instant{}));
    CHECK(cache.size() == 0);
}

TEST_CASE("idempotency cache: an answer is forgotten when its time is over", "[unit][request]") {
    IdempotencyCache cache({10, 1'000, 10s});
    Instant now{};
    cache.keep("a", wire::Frames{"1"}, now);
    cache.keep("b", wire::Frames{"2"}, now + 5s);
    CHECK(cache.find("a", now + 9999ms));
    CHECK_FALSE(cache.find("a", now + 10s));
    CHECK(cache.find("b", now + 10s));
    CHECK_FALSE(cache.find("b", now + 15s));
    CHECK(cache.bytes() == 0);
    CHECK(cache.forgotten_total() == 0);
}

TEST_CASE("idempotency cache: count and bytes are bounded, the oldest make room",
          "[unit][request]") {
    IdempotencyCache cache({3, 3 * (sizeof(Blob) + 2), 1h});
    const Instant now{};
    for (const std::string id : {"a", "b", "c", "d"})
        CHECK(cache.keep(id, wire::Frames{id}, now));
    CHECK_FALSE(cache.find("a", now));
    CHECK(cache.find("d", now));
    CHECK(cache.size() == 3);
    CHECK(cache.keep("e", wire::Frames{std::string(2 * sizeof(Blob) + 5, 'x')}, now));
    CHECK(cache.size() == 1);
    CHECK(cache.forgotten_total() == 4);
    // What cannot fit pushes nothing out.
    CHECK_FALSE(cache.keep("f", wire::Frames{std::string(2 * sizeof(Blob) + 6, 'x')}, now));
    CHECK_FALSE(cache.keep("f", wire::Frames{"", "", "", ""}, now)); // frames are not free
    CHECK(cache.find("e", now));
}

TEST_CASE("idempotency cache: whatever happens, bounds and sums hold", "[unit][request]") {
    const std::uint64_t seed = test::seed(7);
    INFO("seed " << seed);
    Random random(seed);
    IdempotencyCache cache({20, 1'500, 1s});
    std::map<std::string, std::string> last;
    Instant now{};
    for (int i = 0; i < 20'000; ++i) {
        const std::string id = std::to_string(random.below(60));
        if (random.one_in(2)) {
            const std::string body(random.below(80), 'x');
            cache.keep(id, wire::Frames{body}, now);
            last[id] = body;
        } else if (const auto kept = cache.find(id, now)) {
            CHECK((*kept)[0] == ByteView{last[id]});
        }
        now += Duration{10ms} * static_cast<std::int64_t>(random.below(5));
        REQUIRE(cache.size() <= 20);
        REQUIRE(cache.bytes() <= 1'500);
    }
    CHECK(cache.found_total() > 0);
    cache.find("", now + 1h);
    CHECK(cache.bytes() == 0);
}
