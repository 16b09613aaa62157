// SPDX-License-Identifier: Apache-2.0
#include <flotilla/relay/origin_mark.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::relay;

TEST_CASE("origin mark: a number that libzmq gave is believed with our mark only",
          "[unit][relay]") {
    OriginMark ours(0x0123456789abcdefULL);
    OriginMark others(0x0123456789abcdeeULL);
    const std::string number("\0\x6b\x8b\x45\x67", 5);
    REQUIRE(OriginMark::is_numbered(number));
    const std::string marked(ours.marked(number));
    CHECK(marked.size() == 13);
    CHECK(ours.client(marked) == ByteView{number});
    CHECK_FALSE(others.client(marked));
    CHECK_FALSE(ours.client(number));
    CHECK_FALSE(ours.client(marked + "x"));
    CHECK_FALSE(ours.client(ByteView{marked}.substr(0, 12)));
    CHECK_FALSE(ours.client(ByteView{"\0", 1}));
}

TEST_CASE("origin mark: what a client chose, or is malformed, is left as it is", "[unit][relay]") {
    const OriginMark ours(7);
    for (const char* each : {"", "a", "12345", "a longer routing id"}) {
        CHECK_FALSE(OriginMark::is_numbered(each));
        CHECK(ours.client(each) == ByteView{each});
    }
    CHECK_FALSE(OriginMark::is_numbered(ByteView{"\0", 1}));
}
