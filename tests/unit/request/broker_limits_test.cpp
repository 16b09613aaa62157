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
    desk.machine.set_limits(limits);
    desk.say("a", Desk::ask_by_id("2"));
    CHECK(desk.counters().refused_total == 1);
    desk.say("a", Desk::ask_by_id("3", "other"));
    CHECK(desk.counters().refused_total == 1);

    // And by everybody's again when its own are gone.
    desk.machine.set_limits(BrokerLimits{});
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
    desk.machine.set_limits(BrokerLimits{});
    CHECK(desk.levels().services == 0);
    desk.machine.check();
}

TEST_CASE("broker machine: heartbeats agreed with workers stay what they were", "[unit][request]") {
    Desk desk;
    BrokerLimits limits;
    limits.heartbeat = 10ms;
    limits.requests_max = 7;
    desk.machine.set_limits(limits);
    CHECK(desk.machine.limits().heartbeat == BrokerLimits{}.heartbeat);
    CHECK(desk.machine.limits().requests_max == 7);
}
