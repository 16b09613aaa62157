// SPDX-License-Identifier: Apache-2.0
//
// What clients and workers in the field do, the known failures of other brokers, and what no peer
// should send: each is a case that this broker passes.
#include "broker_desk.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::request;

// ---- habits ------------------------------------------------------------------------------------

TEST_CASE("duplicates that a client left behind at an old address do not reach a worker") {
    Desk desk;
    desk.say("old", Desk::ask("echo", "1"), 7);
    desk.wait(2500ms);
    desk.connection_lost(7, desk.now);
    desk.say("new", Desk::ask("echo", "1"), 8);
    CHECK(desk.counters().dropped_total == 1);
    desk.say("w", Desk::ready("echo"));
    const auto request = desk.next("w", Verb::request);
    desk.say("w", Desk::answer(request));
    desk.next("new", Verb::final);
    CHECK(desk.quiet());
}

TEST_CASE("a hint about a descriptor in use again spares what may be the newcomer's") {
    Desk desk;
    desk.say("old", Desk::ask("echo", "1"), 7);
    desk.wait(1s);
    const Instant monitor_was_empty = desk.now;
    desk.wait(1s);
    desk.say("new", Desk::ask("echo", "2"), 7);
    desk.connection_lost(7, monitor_was_empty);
    desk.say("w", Desk::ready("echo"));
    CHECK(Desk::body(desk.next("w", Verb::request)) == "2");
}

TEST_CASE("a reply for a connection that is gone is not given to its namesake") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("fixed", Desk::ask("echo", "1"), 7);
    const auto request = desk.next("w", Verb::request);
    desk.wait(1s);
    desk.connection_lost(7, desk.now);
    desk.say("w", Desk::answer(request));
    CHECK(desk.quiet());
    CHECK(desk.counters().replies_undelivered_total == 1);
    CHECK(desk.levels().workers_waiting == 1);
}

TEST_CASE("requests of the flotilla dialect outlive their connection") {
    Desk desk;
    desk.say("old", Desk::ask_by_id("1"), 7);
    desk.wait(1s);
    desk.connection_lost(7, desk.now);
    desk.say("new", Desk::ask_by_id("1"), 8);
    CHECK(desk.counters().joined_total == 1);
    desk.say("w", Desk::ready("echo"));
    desk.say("w", Desk::answer(desk.next("w", Verb::request)));
    CHECK(desk.next("new", Verb::final).message.id == "1");
}

TEST_CASE("a busy worker is not expired by silence on the short clock") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    Message request = Desk::ask("echo");
    desk.say("c", std::move(request));
    const auto given = desk.next("w", Verb::request);
    desk.wait(50s);
    CHECK(desk.levels().workers == 1);
    desk.say("w", Desk::answer(given));
    desk.next("c", Verb::final);
    CHECK(desk.heartbeats == 20); // it was told all the while that the broker is there
}

TEST_CASE("a busy worker that says nothing for busy_max is given up") {
    BrokerLimits limits;
    limits.service.busy_max = 60s;
    limits.service.expiry = 10min;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    desk.next("w", Verb::request);
    desk.wait(59s);
    CHECK(desk.levels().workers == 1);
    desk.wait(4s);
    CHECK(desk.levels().workers == 0);
    CHECK(desk.levels().queued == 1);
    CHECK(desk.counters().workers_expired_total == 1);
}

TEST_CASE("a worker that takes and never answers, heartbeats and all, is given up in the end") {
    BrokerLimits limits;
    limits.service.expiry = 10s;
    limits.service.busy_max = 60s;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    desk.next("w", Verb::request);
    for (int i = 0; i < 29; ++i) {
        desk.wait(2s);
        desk.say("w", Desk::of_worker(Verb::heartbeat));
    }
    CHECK(desk.counters().expired_total == 1);
    CHECK(desk.levels().workers == 1);
    desk.wait(5s);
    CHECK(desk.next("w", Verb::disconnect).message.code == ErrorCode::expired);
    CHECK(desk.levels().workers == 0);
}

TEST_CASE("a busy worker that crashed is found by a heartbeat under mandatory routing") {
    BrokerLimits limits;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.say("w1", Desk::ready("echo"), 7);
    desk.say("w2", Desk::ready("echo"), 8);
    desk.say("c", Desk::ask("echo"));
    desk.next("w1", Verb::request);
    CHECK(desk.heartbeats == 0);
    desk.connection_lost(7, desk.now); // asks with a heartbeat
    CHECK(desk.heartbeats == 1);
    CHECK(desk.levels().workers == 2); // a hint alone ends nobody
    desk.gone("w1");                   // what the heartbeat's send came to
    desk.next("w2", Verb::request);
}

TEST_CASE("after the broker slept, whoever seems silent is given time to say something") {
    Desk desk;
    desk.say("w1", Desk::ready("echo"));
    desk.say("w2", Desk::ready("echo"));
    desk.say("client", Desk::ask("echo", "1"));
    desk.next("w1", Verb::request);
    desk.now += 1h; // nothing ran: heartbeats are still to be read
    desk.machine.resumed(desk.now);
    desk.wait(7s);
    CHECK(desk.levels().workers == 2);
    CHECK(desk.counters().workers_expired_total == 0);
    desk.wait(1s); // three heartbeats: now silence means what it says
    CHECK(desk.levels().workers == 1);
    CHECK(desk.counters().workers_expired_total == 1);
}

TEST_CASE("an idle worker is dead after three silent heartbeats, wherever it stands in the line") {
    Desk desk;
    for (const char* each : {"w1", "w2", "w3"})
        desk.say(each, Desk::ready("echo"));
    for (int i = 0; i < 3; ++i) {
        desk.wait(2400ms);
        desk.say("w1", Desk::of_worker(Verb::heartbeat));
        desk.say("w3", Desk::of_worker(Verb::heartbeat));
    }
    desk.wait(400ms);
    CHECK(desk.next("w2", Verb::disconnect).message.code == ErrorCode::expired);
    CHECK(desk.levels().workers == 2);
    desk.say("c", Desk::ask("echo"));
    desk.next("w1", Verb::request);
    desk.say("c", Desk::ask("echo"));
    desk.next("w3", Verb::request);
}

TEST_CASE("a worker that came back over another connection under its old address is a new one") {
    BrokerLimits limits;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"), 7);
    desk.say("c", Desk::ask("echo"));
    const auto before = desk.next("w", Verb::request);
    desk.say("w", Desk::ready("echo"), 8);
    const auto after = desk.next("w", Verb::request);
    CHECK_FALSE(before.message.address == after.message.address);
    desk.say("w", Desk::answer(before), 8);
    CHECK(desk.counters().replies_late_total == 1);
    desk.say("w", Desk::answer(after), 8);
    desk.next("c", Verb::final);
}

TEST_CASE("a worker that came back may have got the descriptor of the connection that it lost") {
    BrokerLimits limits;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"), 7);
    desk.say("c", Desk::ask("echo"));
    const auto before = desk.next("w", Verb::request);
    desk.wait(10ms);
    desk.connection_lost(7, desk.now);
    SECTION("it is told apart by what the monitor saw") {
        desk.say("w", Desk::ready("echo"), 7);
        const auto after = desk.next("w", Verb::request);
        CHECK_FALSE(before.message.address == after.message.address);
        desk.say("w", Desk::answer(after), 7);
        desk.next("c", Verb::final);
        CHECK(desk.counters().workers_refused_total == 0);
        CHECK(desk.counters().workers_gone_total == 1);
    }
    SECTION("but who goes on after that did not come back") {
        desk.say("w", Desk::of_worker(Verb::heartbeat), 7);
        desk.say("w", Desk::ready("echo"), 7);
        desk.next("w", Verb::disconnect);
        CHECK(desk.counters().workers_refused_total == 1);
    }
}

TEST_CASE("repeated refusals are spaced, so that a loop of READY and DISCONNECT stays slow") {
    Desk desk;
    for (int i = 0; i < 1000; ++i) // every time under a new address
        desk.say("w" + std::to_string(i), Desk::ready("mmi.service"));
    CHECK(desk.next("w0", Verb::disconnect).message.code == ErrorCode::not_allowed);
    CHECK(desk.quiet());
    desk.wait(1s);
    desk.say("again", Desk::ready("mmi.service"));
    desk.next("again", Verb::disconnect);
    CHECK(desk.counters().workers_refused_total == 1001);
}

TEST_CASE("a worker whom a new broker does not know is told to register, once a second") {
    Desk desk;
    for (int i = 0; i < 5; ++i)
        desk.say("w", Desk::of_worker(Verb::heartbeat));
    desk.next("w", Verb::disconnect);
    CHECK(desk.quiet());
    desk.say("w2", Desk::of_worker(Verb::heartbeat, Dialect::mdp_01));
    CHECK(desk.next("w2", Verb::disconnect).message.dialect == Dialect::mdp_01);
    desk.say("w3", Desk::of_worker(Verb::disconnect));
    CHECK(desk.quiet());
}

TEST_CASE("a stray partial with a nonsense address after the final is dropped quietly") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    const auto request = desk.next("w", Verb::request);
    desk.say("w", Desk::answer(request));
    desk.next("c", Verb::final);
    Message stray = Desk::answer(request, "junk", Verb::partial);
    stray.address = Blob::copy("nonsense");
    desk.say("w", std::move(stray));
    CHECK(desk.quiet());
    CHECK(desk.levels().workers == 1);
    CHECK(desk.counters().replies_late_total == 1);
}

TEST_CASE("an empty frame before a header is answered alike, to clients and workers") {
    Desk desk;
    Message ready = Desk::ready("echo");
    ready.delimited = true;
    desk.say("w", std::move(ready));
    Message ask = Desk::ask("echo");
    ask.delimited = true;
    desk.say("c", std::move(ask));
    const auto request = desk.next("w", Verb::request);
    CHECK(request.message.delimited);
    desk.say("w", Desk::answer(request));
    CHECK(desk.next("c", Verb::final).message.delimited);
}

TEST_CASE("addresses and services of any bytes, up to 255 of them, are told apart as a whole") {
    const std::string name("a\0b", 3);
    const std::string prefix = "a";
    const std::string longest(255, 'p');
    Desk desk;
    desk.say(longest, Desk::ready(name));
    desk.say(name, Desk::ask(prefix));
    CHECK(desk.levels().queued == 1);
    desk.say(name, Desk::ask(std::string_view{"a\0", 2}));
    CHECK(desk.levels().queued == 2);
    desk.say(name, Desk::ask(name));
    const auto request = desk.next(longest, Verb::request);
    desk.say(longest, Desk::answer(request));
    const auto reply = desk.next(name, Verb::final);
    CHECK(reply.message.service == ByteView{name});
}

// ---- known failures of other brokers -----------------------------------------------------------

TEST_CASE("a reply from an idle worker is not accepted") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    Message reply = Desk::of_worker(Verb::final);
    reply.address = Blob::copy("c");
    reply.body.add(ByteView{"forged"});
    desk.say("w", std::move(reply));
    CHECK(desk.quiet());
    CHECK(desk.levels().workers_waiting == 1);
    CHECK(desk.counters().replies_late_total == 1);
}

TEST_CASE("a reply with another worker's token is not accepted") {
    Desk desk;
    desk.say("w1", Desk::ready("echo"));
    desk.say("w2", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    const auto request = desk.next("w1", Verb::request);
    desk.say("w2", Desk::answer(request, "forged"));
    CHECK(desk.quiet());
    desk.say("w1", Desk::answer(request, "real"));
    CHECK(Desk::body(desk.next("c", Verb::final)) == "real");
}

TEST_CASE("a doubled reply is passed on once") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    const auto request = desk.next("w", Verb::request);
    desk.say("w", Desk::answer(request));
    desk.say("w", Desk::answer(request));
    desk.next("c", Verb::final);
    CHECK(desk.quiet());
}

TEST_CASE("a token of an earlier run of the broker is not accepted") {
    Desk before;
    before.say("w", Desk::ready("echo"));
    before.say("c", Desk::ask("echo"));
    const auto request = before.next("w", Verb::request);
    BrokerMachine after({}, 8);
    BrokerOutputs out;
    after.receive({"w", {}, -1}, Desk::ready("echo"), before.now, out);
    after.receive({"c", {}, -1}, Desk::ask("echo"), before.now, out);
    out.clear();
    after.receive({"w", {}, -1}, Desk::answer(request), before.now, out);
    CHECK(out.sends.empty());
    CHECK(after.counters().replies_late_total == 1);
}

TEST_CASE("mmi.* cannot be registered by a worker") {
    Desk desk;
    desk.say("w", Desk::ready("mmi.service"));
    desk.next("w", Verb::disconnect);
    CHECK(desk.levels().workers == 0);
    desk.say("c", Desk::ask("mmi.service", "echo"));
    CHECK(Desk::body(desk.next("c", Verb::final)) == "404");
}

TEST_CASE("mmi.service says 404 of a service that has requests and no worker") {
    Desk desk;
    desk.say("c", Desk::ask("echo"));
    desk.say("c", Desk::ask("mmi.service", "echo"));
    CHECK(Desk::body(desk.next("c", Verb::final)) == "404");
}

// ---- bad input ---------------------------------------------------------------------------------

TEST_CASE("READY twice ends the registration: DISCONNECT, then silence") {
    BrokerLimits limits;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    desk.next("w", Verb::request);
    desk.say("w", Desk::ready("other"));
    CHECK(desk.next("w", Verb::disconnect).message.code == ErrorCode::not_allowed);
    CHECK(desk.levels().workers == 0);
    CHECK(desk.levels().queued == 1);
}

TEST_CASE("a reply to a client that is gone is counted, and kept where it can be asked for again") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask_by_id("1"));
    desk.say("w", Desk::answer(desk.next("w", Verb::request), "answer"));
    desk.next("c", Verb::final);
    desk.gone("c", Side::client);
    CHECK(desk.counters().replies_undelivered_total == 1);
    desk.say("c2", Desk::ask_by_id("1"));
    const auto kept = desk.next("c2", Verb::final);
    CHECK(kept.message.kept);
    CHECK(Desk::body(kept) == "answer");
}

TEST_CASE("whatever is malformed is counted, told where that can be said, and ends a worker") {
    Desk desk;
    desk.malformed("x", std::nullopt, Errc::unsupported);
    Message origin = Desk::ask("echo");
    desk.malformed("x", std::move(origin), Errc::malformed);
    CHECK(desk.quiet()); // an RFC client has no word for it
    desk.malformed("x", Desk::ask_by_id("1"), Errc::malformed);
    const auto told = desk.next("x", Verb::error);
    CHECK(told.message.code == ErrorCode::malformed);
    CHECK(told.message.id == "1");
    desk.malformed("x", Desk::of_worker(Verb::final), Errc::malformed);
    desk.next("x", Verb::disconnect);
    desk.say("w", Desk::ready("echo"));
    desk.malformed("w", std::nullopt, Errc::malformed);
    desk.next("w", Verb::disconnect);
    CHECK(desk.levels().workers == 0);
    CHECK(desk.counters().malformed_total == 5);
}

TEST_CASE("a worker that changes its dialect on the way is sent away") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("w", Desk::of_worker(Verb::heartbeat, Dialect::mdp_01));
    desk.next("w", Verb::disconnect);
    CHECK(desk.levels().workers == 0);
    CHECK(desk.counters().unexpected_total == 1);
}

TEST_CASE("a million services: the table holds, old services work, and expiry makes room") {
    BrokerLimits limits;
    limits.services_max = 100;
    limits.workers_max = 200;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"));
    for (int i = 0; i < 1000; ++i) {
        desk.say("c", Desk::ask("s" + std::to_string(i)));
        desk.say("p" + std::to_string(i), Desk::ready("t" + std::to_string(i)));
    }
    CHECK(desk.levels().services == 100);
    CHECK(desk.counters().refused_total > 0);
    desk.sent.clear();
    desk.say("c", Desk::ask("echo"));
    desk.next("w", Verb::request);
    desk.wait(61s);
    CHECK(desk.levels().services <= 1);
}

TEST_CASE("a worker that does not read loses its registration") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.machine.unreachable("w", Side::worker, BrokerMachine::Unreachable::too_slow, desk.now,
                             desk.out);
    desk.machine.settle(desk.now, desk.out);
    desk.collect();
    CHECK(desk.levels().workers == 0);
}
