// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/subscription.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace std::string_literals;
using flotilla::wire::read_subscription;
using flotilla::wire::Subscription;

TEST_CASE("subscription: what is written is read again, of all bytes", "[unit][wire]") {
    for (const std::string& prefix : {""s, "weather."s, "\0\1\xff"s, std::string(100'000, 'x')})
        for (const bool subscribes : {true, false}) {
            const std::string frame = to_frame(Subscription{subscribes, prefix});
            CHECK(frame == (subscribes ? "\1"s : "\0"s) + prefix);
            const auto read = read_subscription(frame);
            REQUIRE(read);
            CHECK(read->subscribes == subscribes);
            CHECK(read->prefix == prefix);
        }
}

TEST_CASE("subscription: any other frame is a message of the peer's own", "[unit][wire]") {
    CHECK_FALSE(read_subscription(""));
    for (int first = 2; first < 256; ++first)
        CHECK_FALSE(read_subscription(std::string(1, static_cast<char>(first)) + "topic"));
}
