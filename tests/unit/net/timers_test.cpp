// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/timers.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::net;

TEST_CASE("timers: run in order of deadline, once each", "[unit][net]") {
    Timers timers;
    std::string ran;
    timers.add(Instant{3s}, [&] { ran += 'c'; });
    timers.add(Instant{1s}, [&] { ran += 'a'; });
    timers.add(Instant{2s}, [&] { ran += 'b'; });
    CHECK(timers.next() == Instant{1s});
    CHECK(timers.run_due(Instant{2s}) == 2);
    CHECK(ran == "ab");
    CHECK(timers.run_due(Instant{9s}) == 1);
    CHECK(timers.next() == never);
    CHECK(timers.size() == 0);
}

TEST_CASE("timers: a repeating one catches up once after a pause", "[unit][net]") {
    Timers timers;
    int count = 0;
    const TimerId id = timers.repeat(Instant{0s}, 1s, [&] { ++count; });
    timers.run_due(Instant{1s});
    CHECK(count == 1);
    timers.run_due(Instant{10s});
    CHECK(count == 2);
    CHECK(timers.next() == Instant{11s});
    CHECK(timers.cancel(id));
    CHECK_FALSE(timers.cancel(id));
    CHECK(timers.run_due(Instant{20s}) == 0);
}

TEST_CASE("timers: a handler may cancel itself and others, and add", "[unit][net]") {
    Timers timers;
    std::string ran;
    TimerId self{};
    TimerId other{};
    self = timers.repeat(Instant{0s}, 1s, [&] {
        ran += 's';
        timers.cancel(self);
        timers.cancel(other);
        timers.add(Instant{0s}, [&] { ran += 'n'; });
    });
    other = timers.add(Instant{1s}, [&] { ran += 'o'; });
    timers.run_due(Instant{1s});
    CHECK(ran == "s");
    timers.run_due(Instant{1s});
    CHECK(ran == "sn");
    CHECK(timers.size() == 0);
}
