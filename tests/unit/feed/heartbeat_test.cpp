// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/pubsub/heartbeat.hpp>
#include <flotilla/pubsub/numbering.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pubsub;

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

std::vector<std::string> names(const std::vector<Heartbeat::Topic>& topics) {
    std::vector<std::string> found;
    for (const auto& each : topics)
        found.push_back(std::string{each.topic} + "=" + std::to_string(each.last_sequence));
    return found;
}

} // namespace

TEST_CASE("heartbeat: survives the wire, also an empty one", "[unit][pubsub]") {
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

TEST_CASE("heartbeat: the bytes are those of the protocol page", "[unit][pubsub]") {
    const std::string expected{"\xF1"
                               "FH\x01\0\0\0\0\0\0\0\x4d\0\0\x03\xe8"
                               "\x01"
                               "a\0\0\0\0\0\0\0\0\0\0\0\x05",
                               30};
    CHECK(head() + entry("a", 5) == expected);
    CHECK(encode_heartbeats(Heartbeat{77, 1s, {{"a", 0, 5}}}).front() == expected);
}

TEST_CASE("heartbeat: a long one becomes several, none over the limit", "[unit][pubsub]") {
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

TEST_CASE("heartbeat: damaged ones are refused", "[unit][pubsub]") {
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

TEST_CASE("heartbeat: random bytes behind a right head never harm", "[unit][pubsub]") {
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

TEST_CASE("numbering: each topic counts from one", "[unit][pubsub]") {
    Numbering numbering(10);
    CHECK(numbering.next("a").sequence == 1);
    CHECK(numbering.next("a").sequence == 2);
    CHECK(numbering.next("b").sequence == 1);
    CHECK(numbering.next("b").generation == 0);
}

TEST_CASE("numbering: a number given back is given again", "[unit][pubsub]") {
    Numbering numbering(10);
    numbering.next("a");
    numbering.next("a");
    numbering.take_back("a");
    CHECK(numbering.next("a").sequence == 2);
    numbering.next("b");
    numbering.take_back("b");
    CHECK(names(numbering.end_round(Numbering::Which::all)) == std::vector<std::string>{"a=2"});
    CHECK(numbering.next("b").sequence == 1);
}

TEST_CASE("numbering: a forgotten topic comes back in another generation", "[unit][pubsub]") {
    Numbering numbering(2);
    const auto first = numbering.next("a");
    numbering.next("b");
    numbering.next("c"); // forgets a
    CHECK(numbering.forgotten_total() == 1);
    const auto again = numbering.next("a"); // forgets b
    CHECK(again.sequence == 1);
    CHECK(again.generation != first.generation);
    for (int round = 0; round < 50; ++round) {
        const auto before = numbering.next("a").generation;
        numbering.next("x");
        numbering.next("y");
        CHECK(numbering.next("a").generation != before);
    }
}

TEST_CASE("numbering: a heartbeat names what changed lately, newest first", "[unit][pubsub]") {
    using Which = Numbering::Which;
    Numbering numbering(10);
    numbering.next("a");
    numbering.next("b");
    numbering.next("b");
    CHECK(names(numbering.end_round(Which::recent)) == std::vector<std::string>{"b=2", "a=1"});
    numbering.next("a");
    CHECK(names(numbering.end_round(Which::recent)) == std::vector<std::string>{"a=2", "b=2"});
    numbering.end_round(Which::recent);
    numbering.end_round(Which::recent);
    CHECK(names(numbering.end_round(Which::recent)) == std::vector<std::string>{"a=2"});
    CHECK(numbering.end_round(Which::recent).empty());
    CHECK(numbering.end_round(Which::all).size() == 2);
}

TEST_CASE("numbering: every so often a heartbeat names everything", "[unit][pubsub]") {
    Numbering numbering(10);
    numbering.next("a");
    std::vector<std::uint64_t> named;
    for (std::uint64_t round = 1; round <= 2 * Numbering::rounds_between_all; ++round)
        if (!numbering.end_round(Numbering::Which::recent).empty())
            named.push_back(round);
    CHECK(named == std::vector<std::uint64_t>{1, 2, 3, 4, 32, 64});
}
