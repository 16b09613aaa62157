// SPDX-License-Identifier: Apache-2.0
#include <cli/trace/way.hpp>
#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/hops.hpp>

using namespace flotilla;
using namespace flotilla::cli::trace;
using wire::Frames;

namespace {

constexpr WallTime asked_at{1'764'000'000s};

std::string with_hops(std::optional<WallTime> sent, const std::vector<wire::Hop>& hops) {
    wire::Envelope envelope;
    envelope.traceparent = flotilla::test::traceparent;
    envelope.timestamp = sent;
    std::string frame = wire::encode(envelope).value();
    for (const wire::Hop& hop : hops) {
        std::string out;
        REQUIRE(wire::HopStamp(hop.kind, hop.instance).stamp(frame, hop.came, hop.left, out) ==
                wire::HopStamp::Edit::stamped);
        frame = out;
    }
    return frame;
}

// Sent at 0, in the relay from 1 ms to 1.5 ms, in the store from 2 ms to 3 s, here at 3.001 s.
Way usual() {
    const std::string envelope =
        with_hops(asked_at, {{asked_at + 1ms, asked_at + 1500us, "relay", "feed"},
                             {asked_at + 2ms, asked_at + 3s, "store", "orders"}});
    return way_of(Frames{"body", envelope}, asked_at + 3001ms).value();
}

} // namespace

TEST_CASE("a way has a step for each instance, with the time to it and there", "[unit][cli]") {
    const auto steps = steps_of(usual());
    REQUIRE(steps.size() == 4);
    CHECK(steps[0].kind == "sent");
    CHECK_FALSE(steps[0].way);
    CHECK(steps[1].instance == "feed");
    CHECK(steps[1].way == Duration{1ms});
    CHECK(steps[1].held == Duration{500us});
    CHECK(steps[2].way == Duration{500us});
    CHECK(steps[2].held == Duration{2998ms});
    CHECK(steps[2].at == Duration{2ms});
    CHECK(steps[3].kind == "here");
    CHECK(steps[3].way == Duration{1ms});
    CHECK_FALSE(steps[3].held);
    CHECK(steps[3].at == Duration{3001ms});
}

TEST_CASE("a way is told to people and to programs", "[unit][cli]") {
    const std::string text = way_text(usual());
    INFO(text);
    CHECK(text.find(flotilla::test::traceparent + "  sent 2025-11-24T16:00:00.000000Z") == 0);
    CHECK(text.find("  STEP   INSTANCE    WAY   HELD   AT\n") != std::string::npos);
    CHECK(text.find("  relay  feed        1ms  500us  1ms\n") != std::string::npos);
    CHECK(text.find("clock") == std::string::npos);
    const auto json = nlohmann::json::parse(way_json(usual()));
    CHECK(json.at("total_us") == 3'001'000);
    CHECK(json.at("skew_us") == 0);
    CHECK(json.at("steps").at(2).at("held_us") == 2'998'000);
    CHECK(json.at("steps").at(0).at("way_us").is_null());
    CHECK(json.at("id").is_null());
}

TEST_CASE("a message that came before it was sent tells of the clocks", "[unit][cli]") {
    const std::string envelope =
        with_hops(asked_at, {{asked_at - 30ms, asked_at - 29ms, "store", "orders"}});
    const Way way = way_of(Frames{"body", envelope}, asked_at + 1ms).value();
    CHECK(way_text(way).find("the clock of store orders is behind that of sent by at least 30ms") !=
          std::string::npos);
    CHECK(nlohmann::json::parse(way_json(way)).at("skew_us") == 30'000);
}

TEST_CASE("messages without a readable envelope have no way", "[unit][cli]") {
    CHECK_FALSE(way_of(Frames{}, asked_at));
    CHECK_FALSE(way_of(Frames{"body"}, asked_at));
    CHECK_FALSE(way_of(Frames{"body", "\xF1"
                                      "FM and no more"},
                       asked_at));
    const auto bare = way_of(Frames{"body", with_hops({}, {})}, asked_at);
    REQUIRE(bare);
    CHECK(steps_of(*bare).size() == 1);
    CHECK_FALSE(way_text(*bare).empty());
    std::vector<wire::Hop> many(wire::Hop::hops_max, {asked_at, asked_at, "relay", "a"});
    const auto full = way_of(Frames{"body", with_hops({}, many)}, asked_at);
    REQUIRE(full);
    CHECK(way_text(*full).find("there may have been more") != std::string::npos);
}

TEST_CASE("a trace is named by its traceparent, its id, or how one begins", "[unit][cli]") {
    const Way way = usual();
    CHECK(is_of_trace(way, flotilla::test::traceparent));
    CHECK(is_of_trace(way, "0af7651916cd43dd8448eb211c80319c"));
    CHECK(is_of_trace(way, "0af7"));
    CHECK(is_of_trace(way, "00-0af7"));
    CHECK_FALSE(is_of_trace(way, "7651"));
    CHECK_FALSE(is_of_trace(Way{}, ""));
}

TEST_CASE("totals say what each step took on average and at most", "[unit][cli]") {
    WayTotals totals;
    CHECK(totals.text() == "no messages with an envelope\n");
    totals.add(usual());
    const std::string envelope =
        with_hops(asked_at, {{asked_at + 4ms, asked_at + 5s, "store", "orders"}});
    totals.add(way_of(Frames{"body", envelope}, asked_at + 5s).value());
    const std::string text = totals.text();
    INFO(text);
    CHECK(text.find("STEP          MESSAGES  WAY MEAN  WAY MOST  HELD MEAN  HELD MOST\n") == 0);
    CHECK(text.find("sent                 2         -         -          -          -\n") !=
          std::string::npos);
    CHECK(text.find("store orders         2    2.25ms       4ms         4s         5s\n") !=
          std::string::npos);
    CHECK(text.rfind("here") > text.rfind("store"));
    CHECK(totals.json().find(R"({"step":"relay feed","messages":1,"way_mean_us":1000.0)") !=
          std::string::npos);
    for (std::size_t i = 0; i < WayTotals::steps_max + 10; ++i)
        totals.add(
            way_of(Frames{"b", with_hops({}, {{asked_at, asked_at, "relay", std::to_string(i)}})},
                   asked_at)
                .value());
    CHECK(totals.json().size() < 1'000'000);
}
