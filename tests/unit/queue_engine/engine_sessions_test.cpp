// SPDX-License-Identifier: Apache-2.0
// What becomes of what a consumer holds when it goes, and when it comes back.
#include "engine_rig.hpp"

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::Redelivered;

TEST_CASE("a consumer that goes gives everything back") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "m"));
    rig.hello("worker", "orders", 10, true);
    CHECK(rig.stat("orders").levels.leased == 10);
    rig.say("worker", leased::Command{leased::Bye{}});
    rig.turns();
    CHECK(rig.stat("orders").levels.leased == 0);
    CHECK(rig.stat("orders").levels.ready == 10);
    rig.hello("other", "orders", 100, true);
    const auto again = rig.seen("other");
    REQUIRE(again.size() == 10);
    CHECK(again[0].body == "m0");
    CHECK(again[9].attempt == 2);
}

TEST_CASE("a consumer that comes back in time goes on with what it holds") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "m"));
    const auto terms = rig.hello("worker", "orders", 10, true);
    const auto held = rig.seen("worker");
    rig.engine->unreachable("worker", QueueEngine::Unreachable::gone, rig.times);
    rig.pass(100ms);
    rig.turns();
    leased::Hello hello;
    hello.queue = "orders";
    hello.credit = 10;
    hello.packed = true;
    hello.resume = terms.session;
    rig.ask<leased::Ok>("worker2", leased::Command{hello});
    CHECK(rig.ack("worker2", held).done == 10);
}

TEST_CASE("what did not reach a consumer that comes back goes out again at once") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 5, "m"));
    const auto terms = rig.hello("worker", "orders", 3, true);
    const auto held = rig.seen("worker");
    REQUIRE(held.size() == 3);
    leased::Hello hello;
    hello.queue = "orders";
    hello.credit = 3;
    hello.packed = true;
    hello.resume = terms.session;
    hello.held = leased::held_of(terms.epoch, {held[1].lease.number});
    rig.ask<leased::Ok>("worker2", leased::Command{hello});
    const auto again = rig.seen("worker2");
    REQUIRE(again.size() == 2);
    CHECK(again[0].body == "m0");
    CHECK(again[0].attempt == 2);
    CHECK(again[0].redelivered == Redelivered::yes);
    CHECK(again[1].body == "m2");
    CHECK(rig.stat("orders").levels.leased == 3);
    CHECK(rig.ack("worker2", {held[1]}).done == 1);
    CHECK(rig.seen("worker2").size() == 1); // the window is open for the rest
    CHECK(rig.ack("worker2", again).done == 2);
}

TEST_CASE("a message that breaks each connection that it is sent over is dead in the end") {
    EngineRig rig;
    QueueProperties properties;
    properties.attempts_max = 3;
    rig.create("orders", properties);
    rig.put("orders", "too large for whoever takes it");
    leased::Hello hello;
    hello.queue = "orders";
    hello.credit = 1;
    hello.held = leased::Held{};
    for (int i = 0; i < 3; ++i) {
        const std::string peer = "worker" + std::to_string(i);
        const auto ok = rig.ask<leased::Ok>(peer, leased::Command{hello});
        CHECK(rig.seen(peer).size() == 1);
        hello.resume = ok.terms->session;
        hello.held = leased::Held{ok.terms->epoch, {}};
    }
    rig.ask<leased::Ok>("worker3", leased::Command{hello});
    CHECK(rig.seen("worker3").empty());
    CHECK(rig.stat("orders").counters.dead_total == 1);
}

TEST_CASE("a taker whose connection ended is gone, and is not shown over the next one") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    const auto says = [&](std::string_view peer, int descriptor, Command command) {
        rig.engine->apply(Peer{peer, {}, descriptor}, {false, "c"}, std::move(command), rig.times);
        rig.turns();
    };
    const auto shown = [&] {
        const auto all = rig.engine->sessions(rig.times.now);
        REQUIRE(all.size() == 1);
        return all[0];
    };
    says("taker", 7, Take{"orders", Duration::zero()});
    const auto taken = rig.seen("taker");
    REQUIRE(taken.size() == 1);
    CHECK(shown().descriptor == 7);
    CHECK_FALSE(shown().is_gone);
    rig.engine->connection_lost(7, rig.times);
    rig.turns();
    CHECK(shown().descriptor == -1);
    CHECK(shown().is_gone);
    CHECK(shown().leased == 1); // until the lease is over,
    says("taker", 8, leased::Command{leased::Ack{EngineRig::leases_of(taken)}}); // or it says so
    CHECK(shown().descriptor == 8);
    CHECK_FALSE(shown().is_gone);
}
