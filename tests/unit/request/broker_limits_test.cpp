// SPDX-License-Identifier: Apache-2.0
// Limits that change while a broker runs.
#include "broker_desk.hpp"

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("broker machine: a service that gets limits of its own goes by them at once",
          "[unit][request]") {
    Desk desk;
    desk.say("a", Desk::ask_by_id("1"));
    BrokerLimits limits;
    limits.services.emplace_back("echo", ServiceLimits{});
    limits.services.front().second.queue_messages_max = 1;
    desk.limit(limits);
    desk.say("a", Desk::ask_by_id("2"));
    CHECK(desk.counters().refused_total == 1);
    desk.say("a", Desk::ask_by_id("3", "other"));
    CHECK(desk.counters().refused_total == 1);

    // And by everybody's again when its own are gone.
    desk.limit(BrokerLimits{});
    desk.say("a", Desk::ask_by_id("4"));
    CHECK(desk.counters().refused_total == 1);
    CHECK(desk.levels().queued == 3);
}

TEST_CASE("broker machine: a service that only its limits named is forgotten with them",
          "[unit][request]") {
    BrokerLimits limits;
    limits.services.emplace_back("echo", ServiceLimits{});
    Desk desk(limits);
    CHECK(desk.levels().services == 1);
    desk.limit(BrokerLimits{});
    CHECK(desk.levels().services == 0);
    desk.machine.check();
}

TEST_CASE("broker machine: heartbeats agreed with workers stay what they were", "[unit][request]") {
    Desk desk;
    BrokerLimits limits;
    limits.heartbeat = 10ms;
    limits.requests_max = 7;
    desk.limit(limits);
    CHECK(desk.machine.limits().heartbeat == BrokerLimits{}.heartbeat);
    CHECK(desk.machine.limits().requests_max == 7);
}

TEST_CASE("broker machine: another prefetch holds for workers that are there", "[unit][request]") {
    const auto limits = [](std::uint32_t prefetch) {
        BrokerLimits made;
        made.services.emplace_back("echo", ServiceLimits{});
        made.services.front().second.prefetch = prefetch;
        return made;
    };
    Desk desk(limits(4));
    desk.say("w", Desk::ready("echo"));
    desk.say("own", Desk::ready("other", Dialect::flotilla, 2));
    for (int i = 0; i < 6; ++i)
        desk.say("c", Desk::ask("echo"));
    std::deque<Desk::Send> held;
    for (int i = 0; i < 4; ++i)
        held.push_back(desk.next("w", Verb::request));
    CHECK(desk.quiet());

    // Lower: it is given the next one when it holds none any more.
    desk.limit(limits(1));
    for (int i = 0; i < 3; ++i) {
        desk.say("w", Desk::answer(held.front()));
        held.pop_front();
        desk.next("c", Verb::final);
        CHECK(desk.quiet());
    }
    desk.say("w", Desk::answer(held.front()));
    desk.next("c", Verb::final);
    desk.next("w", Verb::request);
    CHECK(desk.quiet());

    // Higher: it is given what waits at once.
    desk.limit(limits(2));
    desk.next("w", Verb::request);
    CHECK(desk.levels().queued == 0);

    // Who says it itself is not concerned.
    for (int i = 0; i < 3; ++i)
        desk.say("c", Desk::ask("other"));
    desk.next("own", Verb::request);
    desk.next("own", Verb::request);
    CHECK(desk.quiet());
}
