// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/frames.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using flotilla::wire::Frames;

TEST_CASE("frames: keep order across the inner and the outer store", "[unit][wire]") {
    Frames frames;
    for (int i = 0; i < 10; ++i)
        frames.add(std::to_string(i));
    REQUIRE(frames.size() == 10);
    for (std::size_t i = 0; i < 10; ++i)
        CHECK(frames[i] == ByteView{std::to_string(i)});
    CHECK(frames.bytes() == 10);
    CHECK(frames.held_bytes() == 10 + 10 * sizeof(Blob));
    Frames same = frames.share();
    CHECK(same == frames);
    for (std::size_t left = 9; left > 2; --left) {
        frames.pop_back();
        CHECK(frames.back() == ByteView{std::to_string(left - 1)});
    }
    frames.add("new");
    CHECK(frames.back() == ByteView{"new"});
    Frames moved = std::move(same);
    CHECK(moved.size() == 10);
    CHECK(same.empty());
    moved.clear();
    CHECK(moved.empty());
}

TEST_CASE("frames: one is filled where it stands, and is empty where one was before",
          "[unit][wire]") {
    Frames frames;
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 6; ++i) {
            Blob& frame = frames.add();
            CHECK(frame.empty());
            frame.assign(std::to_string(i));
        }
        REQUIRE(frames.size() == 6);
        for (std::size_t i = 0; i < 6; ++i)
            CHECK(frames[i] == ByteView{std::to_string(i)});
        frames.clear();
    }
}

TEST_CASE("frames: a frame of the same message can be added again", "[unit][wire]") {
    Frames frames{"first"};
    for (int i = 0; i < 30; ++i)
        frames.add(frames.back().view());
    for (std::size_t i = 0; i < frames.size(); ++i)
        CHECK(frames[i] == ByteView{"first"});
}
