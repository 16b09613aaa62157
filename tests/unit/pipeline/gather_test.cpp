// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/gather.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using flotilla::pipeline::Gather;

namespace {
constexpr Instant at(Duration time) {
    return Instant{time};
}
} // namespace

TEST_CASE("gather: messages leave at once while the transport has room", "[unit][pipeline]") {
    Gather gather({.busy_frames = 2});
    CHECK(gather.has_room({0, 0}));
    CHECK(gather.has_room({1, 0}));
    CHECK_FALSE(gather.has_room({2, 0}));
    CHECK_FALSE(gather.has_room({16, 0}));
    CHECK(gather.has_room({1'000'001, 1'000'000}));
}

TEST_CASE("gather: frames that move are never judged stalled, however slow they are",
          "[unit][pipeline]") {
    Gather gather({.busy_frames = 1, .stall_max = 1ms});
    gather.opened(at(0ms), {4, 0}, 100);
    CHECK_FALSE(gather.is_stalled(at(999us), {4, 0}));
    CHECK_FALSE(gather.is_stalled(at(5ms), {4, 1}));
    CHECK(gather.next_look() == at(6ms));
    CHECK_FALSE(gather.has_room({4, 1}));
}

TEST_CASE("gather: frames that do not move stop counting, so a lone message leaves again",
          "[unit][pipeline]") {
    Gather gather({.busy_frames = 2, .stall_max = 1ms});
    gather.opened(at(0ms), {10, 3}, 100);
    CHECK_FALSE(gather.has_room({10, 3}));
    CHECK(gather.is_stalled(at(1ms), {10, 3}));
    CHECK(gather.busy_at() == 9);
    // A frame to the other consumer goes and leaves; the seven stay.
    CHECK(gather.has_room({11, 3}));
    CHECK_FALSE(gather.has_room({12, 3}));
    CHECK(gather.has_room({12, 5}));
}

TEST_CASE("gather: when stalled frames move, they count again", "[unit][pipeline]") {
    Gather gather({.busy_frames = 2, .stall_max = 1ms});
    gather.opened(at(0ms), {10, 3}, 100);
    REQUIRE(gather.is_stalled(at(1ms), {10, 3}));
    CHECK(gather.has_room({10, 8})); // 2 are left of the 7
    CHECK(gather.busy_at() == 4);
    CHECK_FALSE(gather.has_room({12, 8}));
    CHECK(gather.has_room({12, 12}));
    CHECK(gather.busy_at() == 2);
}

TEST_CASE("gather: the judgement ends after so many other frames, and is made anew",
          "[unit][pipeline]") {
    Gather gather({.busy_frames = 2, .stall_max = 1ms});
    gather.opened(at(0ms), {16, 0}, 100);
    REQUIRE(gather.is_stalled(at(1ms), {16, 0}));
    const std::uint64_t left = Gather::judgement_frames;
    CHECK(gather.has_room({16 + left - 1, left - 1}));
    CHECK_FALSE(gather.has_room({16 + left, left}));
    gather.opened(at(2ms), {16 + left, left}, 100);
    CHECK(gather.is_stalled(at(3ms), {16 + left, left}));
    CHECK(gather.has_room({16 + left, left}));
}

TEST_CASE("gather: the clock is read often while few wait and seldom in a flood",
          "[unit][pipeline]") {
    Gather gather({.busy_frames = 2, .stall_max = 1ms});
    gather.opened(at(0ms), {2, 0}, 30);
    std::uint32_t looks = 0;
    for (std::size_t bytes = 50; bytes <= 65'536; bytes += 20)
        looks += gather.looks_at_clock(bytes) ? 1U : 0U;
    CHECK(looks == 10);
    gather.opened(at(0ms), {4, 2}, 30); // another batch
    CHECK(gather.next_look_bytes() == 60);
    CHECK_FALSE(gather.looks_at_clock(59));
    CHECK(gather.looks_at_clock(75));
    CHECK(gather.next_look_bytes() == 150);
}
