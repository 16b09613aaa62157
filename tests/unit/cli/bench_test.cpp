// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>

#include <cli/bench/histogram.hpp>
#include <cli/bench/report.hpp>
#include <cli/bench/tally.hpp>
#include <support/catch.hpp>
#include <support/seed.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::cli::bench;

TEST_CASE("bench histogram: quantiles are at most a 64th above the truth", "[unit][bench]") {
    const auto seed = flotilla::test::seed(11);
    INFO("seed " << seed);
    Random random(seed);
    Histogram histogram;
    std::vector<std::int64_t> all;
    for (int i = 0; i < 20'000; ++i) {
        const auto value =
            static_cast<std::int64_t>(random.below(std::uint64_t{1} << (1 + random.below(40))));
        all.push_back(value);
        histogram.add(Duration{value});
    }
    std::sort(all.begin(), all.end());
    for (const double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = static_cast<std::size_t>(std::ceil(share * 20'000)) - 1;
        const std::int64_t truth = all[rank];
        const std::int64_t told = histogram.quantile(share).count();
        INFO(share << " of all: " << truth << ", told " << told);
        CHECK(told >= truth);
        CHECK(told <= truth + truth / 64 + 1);
    }
    CHECK(histogram.max().count() == all.back());
    CHECK(histogram.count() == 20'000);
}

TEST_CASE("bench histogram: nothing, negative and endless latencies are kept in bounds",
          "[unit][bench]") {
    Histogram histogram;
    CHECK(histogram.quantile(0.5) == 0ns);
    histogram.add(-5ns);
    CHECK(histogram.quantile(1.0) == 0ns);
    histogram.add(1000h);
    CHECK(histogram.max() == 1000h);
    CHECK(histogram.quantile(1.0) <= 1000h);
}

TEST_CASE("bench stamp: comes back, and other messages carry none", "[unit][bench]") {
    std::string message(20, 'x');
    write_stamp(message.data(), {Phase::measured, 123'456, Instant{77s}});
    const auto stamp = read_stamp(message);
    REQUIRE(stamp);
    CHECK(stamp->phase == Phase::measured);
    CHECK(stamp->number == 123'456);
    CHECK(stamp->intended == Instant{77s});
    CHECK_FALSE(read_stamp("short"));
    CHECK_FALSE(read_stamp(std::string(20, 'x')));
}

TEST_CASE("bench tally: lost, repeated, disordered and foreign messages are told apart",
          "[unit][bench]") {
    Tally tally(5);
    const auto see = [&tally](std::uint64_t number, Duration at) {
        tally.see({Phase::measured, number, Instant{at - 1us}}, 10, Instant{at});
    };
    see(0, 1s);
    see(2, 2s);
    see(1, 3s);
    see(2, 4s);
    see(7, 5s);
    CHECK(tally.received() == 3);
    CHECK(tally.lost() == 2);
    CHECK(tally.duplicated() == 1);
    CHECK(tally.out_of_order() == 1);
    CHECK(tally.foreign() == 1);
    CHECK(tally.bytes() == 30);
    CHECK(tally.elapsed() == 2s);
    CHECK_FALSE(tally.complete());
    see(3, 6s);
    see(4, 7s);
    CHECK(tally.complete());
    CHECK(tally.lost() == 0);
    CHECK(tally.latency().max() == 1us);
}

TEST_CASE("bench report: says what was measured and leaves out what was not", "[unit][bench]") {
    Tally tally(2);
    tally.see({Phase::measured, 0, Instant{1s}}, 100, Instant{1s});
    Measured measured{"pipeline", "tcp://127.0.0.1:1", {}, std::nullopt, &tally};
    measured.load.count = 2;
    const std::string text = text_report(measured);
    CHECK(text.find("lost         1\n") != std::string::npos);
    CHECK(text.find("latency") == std::string::npos); // of a flood it would be its queues' length
    measured.load.rate = 1000;
    CHECK(text_report(measured).find("from the intended send time") != std::string::npos);
    CHECK(json_report(measured).find(R"("lost":1)") != std::string::npos);
    CHECK(json_report(measured).find(R"("sent")") == std::string::npos);
    measured.received = nullptr;
    CHECK(text_report(measured).find("lost") == std::string::npos);
}
