// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/pubsub/filter.hpp>
#include <flotilla/pubsub/topic.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pubsub;
using feed::heartbeat_topic;

namespace {

TopicPattern pattern(std::string_view text) {
    auto parsed = TopicPattern::parse(text);
    REQUIRE(parsed);
    return *parsed;
}

bool matches(std::string_view text, std::string_view topic) {
    return pattern(text).matches(topic);
}

void refuses_pattern(std::string_view text, Errc code, const std::string& says) {
    INFO(text);
    const auto parsed = TopicPattern::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == code);
    INFO(parsed.error().detail);
    CHECK(parsed.error().detail.find(says) != std::string::npos);
}

// What a pattern means, said as plainly as possible.
bool matches_by_definition(const std::vector<std::string>& pattern, std::size_t p,
                           const std::vector<std::string>& topic, std::size_t t) {
    if (p == pattern.size())
        return t == topic.size();
    if (pattern[p] == "#") {
        for (std::size_t taken = t; taken <= topic.size(); ++taken)
            if (matches_by_definition(pattern, p + 1, topic, taken))
                return true;
        return false;
    }
    return t < topic.size() && (pattern[p] == "*" || pattern[p] == topic[t]) &&
           matches_by_definition(pattern, p + 1, topic, t + 1);
}

std::string joined(const std::vector<std::string>& levels) {
    std::string text;
    for (const std::string& level : levels)
        text += (text.empty() ? "" : ".") + level;
    return text;
}

} // namespace

TEST_CASE("topic pattern: a star is exactly one level", "[unit][pubsub]") {
    CHECK(matches("orders.*.eu", "orders.7.eu"));
    CHECK(matches("orders.*", "orders."));
    CHECK(matches("*", ""));
    CHECK(matches("*", "orders"));
    CHECK_FALSE(matches("orders.*.eu", "orders.eu"));
    CHECK_FALSE(matches("orders.*.eu", "orders.7.8.eu"));
    CHECK_FALSE(matches("orders.*", "orders"));
    CHECK_FALSE(matches("orders.*", "orders.7.eu"));
}

TEST_CASE("topic pattern: a hash is zero or more levels", "[unit][pubsub]") {
    CHECK(matches("#", ""));
    CHECK(matches("#", "a.b.c"));
    CHECK(matches("orders.#", "orders"));
    CHECK(matches("orders.#", "orders.7.eu"));
    CHECK(matches("#.eu", "eu"));
    CHECK(matches("orders.#.eu", "orders.eu"));
    CHECK(matches("orders.#.eu", "orders.eu.7.eu"));
    CHECK(matches("#.a.#.b", "a.b.a.c.b"));
    CHECK_FALSE(matches("orders.#", "ordersx"));
    CHECK_FALSE(matches("orders.#.eu", "orders.eu.us"));
    CHECK(matches("#.*", "")); // one empty level is a level
}

TEST_CASE("topic pattern: without wildcards it is one topic", "[unit][pubsub]") {
    CHECK(matches("orders.7", "orders.7"));
    CHECK_FALSE(matches("orders.7", "orders.77"));
    CHECK_FALSE(matches("orders.7", "orders.7.eu"));
    CHECK_FALSE(matches("orders.7", "orders"));
}

TEST_CASE("topic pattern: its native prefix is the longest one without wildcards",
          "[unit][pubsub]") {
    CHECK(pattern("orders.7").native_prefix() == "orders.7");
    CHECK(pattern("orders.*.eu").native_prefix() == "orders.");
    CHECK(pattern("orders.#").native_prefix() == "orders"); // "orders" itself matches
    CHECK(pattern("orders.#.#").native_prefix() == "orders");
    CHECK(pattern("orders.#.eu").native_prefix() == "orders.");
    CHECK(pattern("orders.eu.*").native_prefix() == "orders.eu.");
    CHECK(pattern("*").native_prefix().empty());
    CHECK(pattern("#").native_prefix().empty());
    CHECK(pattern("#.eu").native_prefix().empty());
}

TEST_CASE("topic pattern: matches what its definition says, always below its native prefix",
          "[unit][pubsub]") {
    const auto seed = test::seed(71);
    INFO("seed " << seed);
    Random random(seed);
    const std::vector<std::string> words{"a", "b", "ab", "*", "#"};
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::string> pattern_levels(1 + random.below(5));
        std::vector<std::string> topic_levels(1 + random.below(6));
        for (auto& level : pattern_levels)
            level = words[random.below(words.size())];
        for (auto& level : topic_levels)
            level = words[random.below(3)];
        const TopicPattern tried = pattern(joined(pattern_levels));
        const std::string topic = joined(topic_levels);
        INFO(tried.text() << " and " << topic);
        const bool expected = matches_by_definition(pattern_levels, 0, topic_levels, 0);
        REQUIRE(tried.matches(topic) == expected);
        if (expected)
            REQUIRE(ByteView{topic}.substr(0, tried.native_prefix().size()) ==
                    tried.native_prefix());
    }
}

TEST_CASE("topic pattern: what is not one is refused with the rule it breaks", "[unit][pubsub]") {
    refuses_pattern("", Errc::malformed, "empty level");
    refuses_pattern("orders.", Errc::malformed, "empty level");
    refuses_pattern(".orders", Errc::malformed, "empty level");
    refuses_pattern("orders..eu", Errc::malformed, "empty level");
    refuses_pattern("orders.x*", Errc::malformed, "wildcard inside a level");
    refuses_pattern("orders.##", Errc::malformed, "wildcard inside a level");
    refuses_pattern("orders eu", Errc::malformed, "space or control character");
    refuses_pattern("orders\n", Errc::malformed, "space or control character");
    refuses_pattern(std::string(256, 'a'), Errc::too_large, "256 bytes; the limit is 255");
    CHECK(TopicPattern::parse(std::string(255, 'a')));
    CHECK(TopicPattern::parse("gr\xc3\xbc\xc3\x9f"
                              "e.*"));
}

TEST_CASE("topic: the reserved prefix and overlong topics are refused", "[unit][pubsub]") {
    CHECK(is_reserved(heartbeat_topic));
    CHECK(is_reserved(reserved_prefix));
    CHECK_FALSE(is_reserved(""));
    CHECK_FALSE(is_reserved("flotilla."));
    CHECK_FALSE(is_reserved(ByteView{"\0flotilla", 9}));
    CHECK(check_topic(heartbeat_topic).error().code == Errc::refused);
    CHECK(check_topic(std::string(256, 't')).error().code == Errc::too_large);
    CHECK(check_topic(std::string(255, 't')));
    CHECK(check_topic(ByteView{"\0any\xff", 5}));
}

TEST_CASE("filter: prefixes and patterns match side by side", "[unit][pubsub]") {
    Filter filter(10);
    CHECK_FALSE(filter.matches("anything"));
    REQUIRE(filter.add("ord"));
    CHECK(filter.is_native());
    CHECK(filter.matches("ord"));
    CHECK(filter.matches("orders.7"));
    CHECK_FALSE(filter.matches("or"));
    REQUIRE(filter.add(pattern("news.*")));
    CHECK_FALSE(filter.is_native());
    CHECK(filter.matches("news.7"));
    CHECK_FALSE(filter.matches("news.7.8"));
    REQUIRE(filter.remove(pattern("news.*")));
    CHECK(filter.is_native());
    CHECK_FALSE(filter.matches("news.7"));
    REQUIRE(filter.add(""));
    CHECK(filter.matches(""));
    CHECK(filter.matches(std::string(1000, 'x')));
}

TEST_CASE("filter: knows whether reserved topics can come", "[unit][pubsub]") {
    Filter filter(10);
    CHECK_FALSE(filter.reaches_reserved());
    REQUIRE(filter.add("a"));
    REQUIRE(filter.add(pattern("b.#")));
    CHECK_FALSE(filter.reaches_reserved());
    for (const ByteView reaching :
         {ByteView{}, ByteView{"\0", 1}, reserved_prefix, ByteView{heartbeat_topic}}) {
        REQUIRE(filter.add(reaching));
        CHECK(filter.reaches_reserved());
        REQUIRE(filter.remove(reaching));
        CHECK_FALSE(filter.reaches_reserved());
    }
    REQUIRE(filter.add(pattern("*")));
    CHECK(filter.reaches_reserved());
}

TEST_CASE("filter: what was asked for twice is ended twice", "[unit][pubsub]") {
    Filter filter(3);
    REQUIRE(filter.add("a"));
    REQUIRE(filter.add("a"));
    std::size_t natives = 0;
    filter.each_native_prefix([&](ByteView prefix) {
        CHECK(prefix == "a");
        ++natives;
    });
    CHECK(natives == 2);
    REQUIRE(filter.remove("a"));
    CHECK(filter.matches("a"));
    REQUIRE(filter.remove("a"));
    CHECK_FALSE(filter.matches("a"));
    CHECK(filter.remove("a").error().code == Errc::not_found);
    CHECK(filter.remove(pattern("a")).error().code == Errc::not_found);
}

TEST_CASE("filter: has a limit on count and length", "[unit][pubsub]") {
    Filter filter(2);
    REQUIRE(filter.add("a"));
    REQUIRE(filter.add(pattern("b.#")));
    CHECK(filter.add("c").error().code == Errc::too_many);
    CHECK(filter.add(pattern("c")).error().code == Errc::too_many);
    REQUIRE(filter.remove("a"));
    CHECK(filter.add(std::string(256, 'a')).error().code == Errc::too_large);
    CHECK(filter.add(std::string(255, 'a')));
    CHECK(filter.size() == 2);
}
