// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/schedule.hpp>
#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::cli::recording;

namespace {
constexpr Instant play_start{10s};
}

TEST_CASE("replay schedule: due times keep the recorded distances from the first message",
          "[unit][recording]") {
    Schedule schedule(Speed{1.0}, play_start);
    CHECK(schedule.due(5s) == play_start);
    CHECK(schedule.due(5s + 250ms) == play_start + 250ms);
    CHECK(schedule.due(9s) == play_start + 4s);
    CHECK(schedule.due(4s) == play_start); // earlier than the first: at once
}

TEST_CASE("replay schedule: speed stretches time, and lateness does not add up",
          "[unit][recording]") {
    Schedule fast(Speed{2.0}, play_start);
    fast.due(0s);
    CHECK(fast.due(10s) == play_start + 5s);
    fast.sent(play_start + 1s, play_start + 3s);
    CHECK(fast.due(12s) == play_start + 6s); // not moved by having been late
    CHECK(fast.lateness_max() == 2s);
    Schedule slow(Speed{0.001}, play_start);
    slow.due(0s);
    CHECK(slow.due(1s) == play_start + 1000s);
    CHECK(slow.due(Duration::max()) == never);
    Schedule unlimited(Speed{0.0}, play_start);
    unlimited.due(0s);
    CHECK(unlimited.due(100h) == play_start);
    unlimited.sent(play_start, play_start + 1s);
    CHECK(unlimited.lateness_max() == 0s);
}

TEST_CASE("replay schedule: a speed is a factor or max, and nothing else", "[unit][recording]") {
    CHECK(parse_speed("1")->factor == 1.0);
    CHECK(parse_speed("2x")->factor == 2.0);
    CHECK(parse_speed("0.5x")->factor == 0.5);
    CHECK(parse_speed("max")->is_unlimited());
    for (const char* wrong : {"", "x", "0", "-1", "1e9", "2xx", "nan", "inf", "fast", "1001",
                              "0.0001", "1.2.3", " 1"}) {
        INFO(wrong);
        CHECK(parse_speed(wrong).error().code == Errc::bad_option);
    }
}
