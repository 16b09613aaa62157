// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/relay/pump.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <set>
#include <string>

using namespace flotilla;
using namespace flotilla::relay;

namespace {

constexpr Instant start{10s};
using State = Pump::State;

} // namespace

TEST_CASE("pump: a held message stops its side and no other", "[unit][relay]") {
    Pump pump(Kind::queue, {});
    CHECK(pump.may_read(Side::frontend));
    pump.held(Side::frontend, start);
    CHECK_FALSE(pump.may_read(Side::frontend));
    CHECK(pump.may_read(Side::backend));
    CHECK(pump.traffic(Direction::in).held == 1);
    pump.passed(Side::frontend, 12);
    CHECK(pump.may_read(Side::frontend));
    CHECK(pump.traffic(Direction::in).messages_total == 1);
    CHECK(pump.traffic(Direction::in).bytes_total == 12);
    CHECK(pump.traffic(Direction::out).messages_total == 0);
}

TEST_CASE("pump: a message without a policy to block waits for ever", "[unit][relay]") {
    Pump pump(Kind::streamer, {});
    pump.held(Side::frontend, start);
    CHECK(pump.next_deadline() == never);
    pump.tick(start + 1h);
    CHECK(pump.holds(Side::frontend));
}

TEST_CASE("pump: a blocked message is dropped and counted at its deadline, not before",
          "[unit][relay]") {
    Pump pump(Kind::forwarder, Overflow{Overflow::Policy::block, 100ms});
    pump.held(Side::frontend, start);
    pump.held(Side::frontend, start + 50ms); // tried again: the deadline stays
    CHECK(pump.next_deadline() == start + 100ms);
    pump.tick(start + 99ms);
    CHECK(pump.holds(Side::frontend));
    pump.tick(start + 100ms);
    CHECK_FALSE(pump.holds(Side::frontend));
    CHECK(pump.traffic(Direction::in).dropped(Drop::overflow) == 1);
    CHECK(pump.next_deadline() == never);

    pump.held(Side::frontend, start + 1s); // the next one has its own time
    CHECK(pump.next_deadline() == start + 1100ms);
    pump.passed(Side::frontend, 1);
    CHECK(pump.next_deadline() == never);
}

TEST_CASE("pump: a pause stops messages and lets subscriptions pass", "[unit][relay]") {
    Pump forwarder(Kind::forwarder, {});
    forwarder.pause();
    CHECK(forwarder.state() == State::paused);
    CHECK_FALSE(forwarder.may_read(Side::frontend));
    CHECK(forwarder.may_read(Side::backend));
    forwarder.resume();
    CHECK(forwarder.may_read(Side::frontend));

    Pump queue(Kind::queue, {});
    queue.pause();
    CHECK_FALSE(queue.may_read(Side::frontend));
    CHECK_FALSE(queue.may_read(Side::backend));
}

TEST_CASE("pump: a drain reads what has arrived and ends when nothing is held", "[unit][relay]") {
    Pump pump(Kind::streamer, {});
    pump.drain(start, 4s);
    CHECK(pump.state() == State::draining);
    CHECK(pump.may_read(Side::frontend));
    pump.held(Side::frontend, start);
    CHECK_FALSE(pump.may_read(Side::frontend));
    pump.passed(Side::frontend, 1);
    pump.found_empty(Side::frontend);
    CHECK(pump.state() == State::drained);
    CHECK_FALSE(pump.may_read(Side::frontend));
    CHECK_FALSE(pump.may_read(Side::backend));
    CHECK(pump.next_deadline() == never);
}

TEST_CASE("pump: a drain gives moving half of its time", "[unit][relay]") {
    Pump pump(Kind::streamer, {});
    pump.held(Side::frontend, start);
    pump.drain(start, 4s);
    CHECK(pump.next_deadline() == start + 2s);
    pump.tick(start + 1999ms);
    CHECK(pump.state() == State::draining);
    pump.tick(start + 2s);
    CHECK(pump.state() == State::drained);
    CHECK(pump.traffic(Direction::in).dropped(Drop::not_drained) == 1);
    CHECK(pump.traffic(Direction::in).held == 0);
}

TEST_CASE("pump: a draining queue waits for the replies to what it passed", "[unit][relay]") {
    Pump pump(Kind::queue, {});
    pump.passed(Side::frontend, 1);
    pump.passed(Side::frontend, 1);
    pump.passed(Side::backend, 1);
    pump.drain(start, 10s);
    pump.found_empty(Side::frontend);
    CHECK(pump.state() == State::settling);
    CHECK_FALSE(pump.may_read(Side::frontend));
    CHECK(pump.may_read(Side::backend));

    SECTION("the reply comes") {
        pump.passed(Side::backend, 1);
        pump.tick(start + 1s);
        CHECK(pump.state() == State::drained);
    }
    SECTION("the reply comes and its client does not read") {
        pump.backlog(1);
        pump.passed(Side::backend, 1);
        pump.tick(start + 1s);
        CHECK(pump.state() == State::settling);
        pump.backlog(0);
        pump.tick(start + 2s);
        CHECK(pump.state() == State::drained);
    }
    SECTION("the reply comes for a client that is gone") {
        pump.dropped(Side::backend, Drop::unroutable);
        pump.tick(start + 1s);
        CHECK(pump.state() == State::drained);
    }
    SECTION("the reply does not come") {
        pump.tick(start + 5s);
        CHECK(pump.state() == State::drained);
    }
}

TEST_CASE("pump: a paused relay drains; a drained one stays so", "[unit][relay]") {
    Pump pump(Kind::streamer, {});
    pump.pause();
    pump.drain(start, 1s);
    CHECK(pump.may_read(Side::frontend));
    pump.found_empty(Side::frontend);
    REQUIRE(pump.state() == State::drained);
    pump.pause();
    pump.resume();
    pump.drain(start, 1s);
    pump.tick(start + 1h);
    CHECK(pump.state() == State::drained);
}

TEST_CASE("pump: whatever happens, every message read is counted once", "[unit][relay]") {
    const std::uint64_t seed = test::seed(7);
    INFO("seed " << seed);
    Random random(seed);
    for (int round = 0; round < 200; ++round) {
        const auto kind = static_cast<Kind>(random.below(3));
        const Overflow overflow{kind == Kind::forwarder
                                    ? static_cast<Overflow::Policy>(random.below(3))
                                    : Overflow::Policy::lossy,
                                5ms};
        Pump pump(kind, overflow);
        std::uint64_t read[2] = {0, 0};
        Instant now = start;
        for (int step = 0; step < 200; ++step) {
            const auto side = static_cast<Side>(random.below(2));
            const auto place = static_cast<std::size_t>(side);
            now += Duration{static_cast<Duration::rep>(random.below(3'000'000))};
            if (pump.holds(side) || pump.may_read(side)) {
                read[place] += pump.holds(side) ? 0 : 1;
                switch (random.below(3)) {
                case 0:
                    pump.passed(side, 10);
                    break;
                case 1:
                    pump.dropped(side, static_cast<Drop>(random.below(drop_reasons)));
                    break;
                default:
                    pump.held(side, now);
                }
            }
            if (random.one_in(20))
                pump.found_empty(side);
            if (random.one_in(40))
                random.one_in(2) ? pump.pause() : pump.resume();
            if (random.one_in(150))
                pump.drain(now, 50ms);
            pump.tick(now);
            for (const Side each : {Side::frontend, Side::backend}) {
                const Traffic& traffic = pump.traffic(from(each));
                REQUIRE(traffic.messages_total + traffic.dropped_sum() + traffic.held ==
                        read[static_cast<std::size_t>(each)]);
                REQUIRE(traffic.held <= 1);
            }
        }
    }
}

TEST_CASE("drop: every reason has a name of its own", "[unit][relay]") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < drop_reasons; ++i)
        names.insert(name(static_cast<Drop>(i)));
    CHECK(names.size() == drop_reasons);
    CHECK(names.count("") == 0);
}
