// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::feed;

namespace {

void refuses(const std::string& body, Errc code, const std::string& says) {
    INFO(says);
    const auto decoded = decode_heartbeat(body);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == code);
    INFO(decoded.error().detail);
    CHECK(decoded.error().detail.find(says) != std::string::npos);
}

std::string head(std::uint32_t interval_ms = 1'000, std::uint8_t version = 1) {
    wire::Writer out;
    out.bytes("\xF1"
              "FH")
        .u8(version)
        .u64(77)
        .u32(interval_ms);
    return out.take();
}

std::string entry(std::string_view topic, std::uint64_t last) {
    wire::Writer out;
    out.short_bytes(topic).u32(0).u64(last);
    return out.take();
}

} // namespace

TEST_CASE("heartbeat: survives the wire, also an empty one", "[unit][feed]") {
    Heartbeat sent{42, 250ms, {{"a", 0, 7}, {std::string_view{"\0b", 2}, 9, 8}}};
    const auto bodies = encode_heartbeats(sent);
    REQUIRE(bodies.size() == 1);
    const auto received = decode_heartbeat(bodies[0]);
    REQUIRE(received);
    CHECK(received->epoch == 42);
    CHECK(received->interval == 250ms);
    CHECK(received->topics == sent.topics);

    const auto empty = encode_heartbeats(Heartbeat{42, 1s, {}});
    REQUIRE(empty.size() == 1);
    CHECK(decode_heartbeat(empty[0])->topics.empty());
}

TEST_CASE("heartbeat: the bytes are those of the protocol page", "[unit][feed]") {
    const std::string expected{"\xF1"
                               "FH\x01\0\0\0\0\0\0\0\x4d\0\0\x03\xe8"
                               "\x01"
                               "a\0\0\0\0\0\0\0\0\0\0\0\x05",
                               30};
    CHECK(head() + entry("a", 5) == expected);
    CHECK(encode_heartbeats(Heartbeat{77, 1s, {{"a", 0, 5}}}).front() == expected);
}

TEST_CASE("heartbeat: a long one becomes several, none over the limit", "[unit][feed]") {
    std::vector<std::string> topics;
    for (int i = 0; i < 1'000; ++i)
        topics.push_back(std::string(240, 't') + std::to_string(i));
    Heartbeat sent{42, 1s, {}};
    for (std::size_t i = 0; i < topics.size(); ++i)
        sent.topics.push_back({topics[i], 0, i + 1});
    const auto bodies = encode_heartbeats(sent);
    CHECK(bodies.size() > 1);
    std::vector<Heartbeat::Topic> received;
    for (const std::string& body : bodies) {
        CHECK(body.size() <= Heartbeat::body_bytes_max);
        const auto decoded = decode_heartbeat(body);
        REQUIRE(decoded);
        CHECK(decoded->epoch == 42);
        received.insert(received.end(), decoded->topics.begin(), decoded->topics.end());
    }
    CHECK(received == sent.topics);
}

TEST_CASE("heartbeat: damaged ones are refused", "[unit][feed]") {
    refuses("", Errc::malformed, "magic number");
    refuses("hello", Errc::malformed, "magic number");
    refuses(head(1'000, 2), Errc::unsupported, "version 2");
    refuses(head().substr(0, 10), Errc::malformed, "cut off");
    refuses(head(0), Errc::malformed, "interval");
    refuses(head(3'600'001), Errc::malformed, "interval");
    refuses(head() + "\x05", Errc::malformed, "cut off");
    refuses(head() + entry("a", 1).substr(0, 8), Errc::malformed, "cut off");
    refuses(head() + entry("a", 0), Errc::malformed, "sequence");
    refuses(head() + entry("a", UINT64_MAX), Errc::malformed, "sequence");
    refuses(head() + std::string(Heartbeat::body_bytes_max, 'x'), Errc::too_large, "bytes");
}

TEST_CASE("heartbeat: random bytes behind a right head never harm", "[unit][feed]") {
    const auto seed = test::seed(5);
    INFO("seed " << seed);
    Random random(seed);
    for (int round = 0; round < 20'000; ++round) {
        std::string body = head() + entry("topic", 1 + random.below(9)) + entry("b", 2);
        for (std::uint64_t change = 0; change <= random.below(4); ++change)
            body[random.below(body.size())] = static_cast<char>(random.next());
        body.resize(random.below(body.size() + 1));
        if (const auto decoded = decode_heartbeat(body)) {
            for (const auto& each : decoded->topics)
                REQUIRE(each.last_sequence > 0);
            REQUIRE(encode_heartbeats(*decoded).front() == body);
        }
    }
}
