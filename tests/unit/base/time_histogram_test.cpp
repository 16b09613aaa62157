// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/time_histogram.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace flotilla;

TEST_CASE("time histogram: a time falls into the bucket whose end it does not pass",
          "[unit][base]") {
    TimeHistogram times;
    times.add(Duration::zero());
    times.add(50us);
    times.add(50us + 1ns, 3);
    times.add(10s);
    times.add(10s + 1ns, 2);
    CHECK(times.counts().front() == 2);
    CHECK(times.counts()[1] == 3);
    CHECK(times.counts()[TimeHistogram::bounds.size() - 1] == 1);
    CHECK(times.counts().back() == 2);
    CHECK(times.count() == 8);
    CHECK(std::abs(times.seconds() - 30.0002) < 3e-5);
    CHECK(std::is_sorted(TimeHistogram::bounds.begin(), TimeHistogram::bounds.end()));
}

TEST_CASE("time histogram: what machines that are gone have counted is added", "[unit][base]") {
    TimeHistogram one;
    TimeHistogram other;
    one.add(1ms);
    other.add(1ms);
    other.add(1h);
    one.add(other);
    CHECK(one.count() == 3);
    CHECK(one.counts()[4] == 2);
    CHECK(std::abs(one.seconds() - 3600.002) < 0.04);
}
