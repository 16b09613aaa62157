// SPDX-License-Identifier: Apache-2.0
//
// Peers whose clocks are not the broker's.
#include "broker_desk.hpp"

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("broker: a worker whose clock is faster than ours is answered, an echo is not") {
    Desk desk; // a heartbeat every 2.5 s
    desk.say("w", Desk::ready("echo"));
    for (int i = 0; i < 9; ++i) {
        desk.wait(100ms);
        desk.say("w", Desk::of_worker(Verb::heartbeat));
    }
    CHECK(desk.heartbeats == 9);
    for (int i = 0; i < 50; ++i) { // each of ours comes back at once
        desk.now += 100us;
        desk.say("w", Desk::of_worker(Verb::heartbeat));
    }
    CHECK(desk.heartbeats <= 10);
}

TEST_CASE("broker: a worker of our own clock is not sent twice as many heartbeats") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    for (int i = 0; i < 20; ++i) {
        desk.wait(1250ms);
        desk.wait(1250ms);
        desk.say("w", Desk::of_worker(Verb::heartbeat));
    }
    CHECK(desk.heartbeats <= 21);
    CHECK(desk.levels().workers == 1);
}
