// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/id.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <support/catch.hpp>

using namespace flotilla;

TEST_CASE("time: deadlines do not overflow and never is never", "[unit][base]") {
    const Instant now{5s};
    CHECK(deadline_after(now, 1s) == Instant{6s});
    CHECK(deadline_after(now, no_limit) == never);
    CHECK(time_left(now, never) == no_limit);
    CHECK(time_left(now, Instant{7s}) == 2s);
    CHECK(time_left(now, Instant{1s}) == 0s);
}

TEST_CASE("random: the same seed gives the same numbers, jitter stays in its share",
          "[unit][base]") {
    Random a(7);
    Random b(7);
    for (int i = 0; i < 1000; ++i) {
        CHECK(a.below(10) == b.below(10));
        const Duration j = a.jitter(100ms, 0.25);
        CHECK(j == b.jitter(100ms, 0.25));
        CHECK(j >= 75ms);
        CHECK(j <= 125ms);
    }
    CHECK(a.bytes16() == b.bytes16());
}

TEST_CASE("result: an error carries its code, its sentence and its exit code", "[unit][base]") {
    const Result<int> wrong = fail(Errc::bad_endpoint, "'x' has no transport");
    REQUIRE_FALSE(wrong);
    CHECK(to_string(wrong.error()) == "bad_endpoint: 'x' has no transport");
    CHECK(exit_code(Errc::timeout) == ExitCode::nothing);
    CHECK(exit_code(Errc::bad_endpoint) == ExitCode::usage);
    CHECK(exit_code(Errc::io) == ExitCode::runtime_error);
    CHECK(exit_code(Errc::refused) == ExitCode::refused);
}

TEST_CASE("id: ids of different things are different types", "[unit][base]") {
    using MessageId = Id<struct MessageTag>;
    using LeaseId = Id<struct LeaseTag>;
    static_assert(!std::is_convertible_v<MessageId, LeaseId>);
    static_assert(!std::is_convertible_v<std::uint64_t, MessageId>);
    CHECK(MessageId{1} < MessageId{2});
}
