// SPDX-License-Identifier: Apache-2.0
// What a broker shows of its workers.
#include "broker_desk.hpp"

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("workers are shown with what they hold, and since when", "[unit][request]") {
    Desk desk;
    desk.say("w2", Desk::ready("echo", Dialect::flotilla, 4), 12, "bob");
    desk.say("w1", Desk::ready("sum"), 11);
    desk.say("c", Desk::ask("echo"));
    const auto request = desk.next("w2", Verb::request);
    desk.wait(1s);
    desk.say("w1", Desk::of_worker(Verb::heartbeat), 11);

    const auto workers = desk.machine.workers(desk.now);
    REQUIRE(workers.size() == 2);
    CHECK(workers[0].peer == "7731"); // "w1"
    CHECK(workers[0].service == "sum");
    CHECK(workers[0].dialect == Dialect::mdp_02);
    CHECK(workers[0].descriptor == 11);
    CHECK(workers[0].capacity == 1);
    CHECK(workers[0].held == 0);
    CHECK(workers[0].busy == 0s);
    CHECK(workers[0].silent == 0s);
    CHECK(workers[1].peer == "7732");
    CHECK(workers[1].user == "bob");
    CHECK(workers[1].capacity == 4);
    CHECK(workers[1].held == 1);
    CHECK(workers[1].running == 1);
    CHECK(workers[1].busy == 1s);
    CHECK(workers[1].silent == 1s);

    desk.say("w2", Desk::answer(request), 12, "bob");
    CHECK(desk.machine.workers(desk.now)[1].held == 0);
    desk.say("w1", Desk::of_worker(Verb::disconnect), 11);
    CHECK(desk.machine.workers(desk.now).size() == 1);
}
