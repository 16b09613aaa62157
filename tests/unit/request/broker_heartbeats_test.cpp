// SPDX-License-Identifier: Apache-2.0
//
// Heartbeats: peers whose clocks are not the broker's, and connections that end.
#include "broker_desk.hpp"

#include <utility>

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

TEST_CASE("a worker that goes on over another connection is asked when that one ends") {
    Desk desk;
    int asked = 0;
    std::pair<int, int*> connection{7, &asked}; // its descriptor, and how often that was asked
    const auto say = [&](Message message) {
        const BrokerPeer peer{"w",
                              {},
                              -1,
                              [](const void* from) {
                                  const auto& it = *static_cast<const std::pair<int, int*>*>(from);
                                  ++*it.second;
                                  return it.first;
                              },
                              &connection};
        desk.machine.receive(peer, std::move(message), desk.now, desk.out);
        desk.collect();
    };
    const auto descriptor = [&desk] { return desk.machine.workers(desk.now)[0].descriptor; };
    say(Desk::ready("echo"));
    CHECK(descriptor() == 7);
    for (int i = 0; i < 3; ++i) {
        desk.wait(2s);
        say(Desk::of_worker(Verb::heartbeat));
    }
    CHECK(asked == 1); // it costs the transport something, and nothing has ended
    connection.first = 9;
    desk.wait(10ms);
    desk.connection_lost(7, desk.now);
    say(Desk::of_worker(Verb::heartbeat));
    CHECK(descriptor() == 9);
    const std::uint64_t before = desk.heartbeats;
    desk.wait(10ms);
    desk.connection_lost(9, desk.now);
    CHECK(desk.heartbeats == before + 1);
    desk.gone("w");
    CHECK(desk.levels().workers == 0);
}
