// SPDX-License-Identifier: Apache-2.0
//
// Puts that wait for their acknowledgement, or are told of it.
#include "engine_rig.hpp"

#include <flotilla/queue/engine/acked_waits.hpp>

#include <map>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::ErrorCode;

TEST_CASE("a put may wait until its message is acknowledged") {
    EngineRig rig;
    rig.create("orders");
    Put put = EngineRig::one("orders", "one");
    put.wait_acked = true;
    rig.say("producer", std::move(put));
    rig.turns();
    CHECK(rig.out.sends.empty());
    const auto taken = rig.take("worker", "orders");
    REQUIRE(taken.size() == 1);
    rig.nack("worker", taken);
    rig.hello("other", "orders", 1);
    rig.say("other", leased::Command{leased::Ack{EngineRig::leases_of(rig.seen("other"))}});
    rig.turns();
    bool answered = false;
    for (auto& send : rig.out.sends)
        if (const auto* ok = EngineRig::find<PutOk>(send.event)) {
            CHECK(send.peer == "producer");
            CHECK(ok->acked == Acked::yes);
            answered = true;
        }
    CHECK(answered);
}

TEST_CASE("a put may be told of its acknowledgement, after its answer, with its id") {
    EngineRig rig;
    rig.create("orders");
    const auto told_of = [&] { // besides answers
        std::map<MessageId, Acked> all;
        for (auto& send : rig.out.sends)
            if (const auto* ok = EngineRig::find<PutOk>(send.event);
                ok && ok->acked != Acked::unsaid)
                all[ok->first_id] = ok->acked;
        return all;
    };
    Put put = EngineRig::one("orders", "one");
    put.tell_acked = true;
    CHECK(rig.ask<PutOk>("producer", std::move(put)).acked == Acked::unsaid);
    PutPacked many = EngineRig::many("orders", 3, "m");
    many.tell_acked = true;
    CHECK(rig.ask<PutOk>("producer", std::move(many)).accepted == 3);
    rig.hello("worker", "orders", 1);
    rig.say("worker", leased::Command{leased::Ack{EngineRig::leases_of(rig.seen("worker"))}});
    rig.turns();
    CHECK(told_of() == std::map<MessageId, Acked>{{1, Acked::yes}});
    rig.say("operator", Purge{"orders"});
    rig.turns();
    auto purged = told_of();
    rig.say("operator", Delete{"orders"});
    rig.turns();
    purged.merge(told_of());
    CHECK(purged.size() == 3); // the worker holds one until its queue is gone
    for (const auto& [id, acked] : purged)
        CHECK(acked == Acked::no);
}

TEST_CASE("what the store has no room to watch is stored all the same, and that is said") {
    StoreLimits limits;
    limits.acked_waits_max = 8; // 2 for one peer
    EngineRig rig(limits);
    rig.create("orders");
    const auto told = [&](const std::string& peer) {
        PutPacked many = EngineRig::many("orders", 3, "m");
        many.tell_acked = true;
        const PutOk ok = rig.ask<PutOk>(peer, std::move(many));
        CHECK(ok.accepted == 3);
        return ok.told;
    };
    CHECK(told("greedy") == 2);
    CHECK(told("greedy") == 0);
    Put waits = EngineRig::one("orders", "one"); // nothing would be said of it for long
    waits.wait_acked = true;
    CHECK(rig.ask<leased::ErrorReply>("greedy", std::move(waits)).code == ErrorCode::busy);
    Put single = EngineRig::one("orders", "one");
    single.tell_acked = true;
    CHECK(rig.ask<PutOk>("other", std::move(single)).told == std::nullopt);
    for (const char* each : {"third", "fourth"})
        CHECK(told(each) == 2);
    CHECK(told("other") == 1);
    CHECK(told("last") == 0); // the store's room is used up
    CHECK(rig.ask<PutOk>("last", EngineRig::many("orders", 3, "m")).told == std::nullopt);
}

TEST_CASE("a put is watched as long as it says, and then told that nothing is known") {
    StoreLimits limits;
    limits.acked_waits_max = 4; // 1 for one peer
    EngineRig rig(limits);
    rig.create("orders");
    Put waits = EngineRig::one("orders", "one");
    waits.wait_acked = true;
    waits.acked_max = 2s;
    rig.say("patient", std::move(waits));
    Put told = EngineRig::one("orders", "two");
    told.tell_acked = true;
    told.acked_max = 1s;
    CHECK(rig.ask<PutOk>("producer", std::move(told)).first_id == 2);
    const auto only = [&](Duration time) {
        rig.pass(time);
        rig.turns();
        REQUIRE(rig.out.sends.size() == 1);
        const auto* ok = EngineRig::find<PutOk>(rig.out.sends[0].event);
        REQUIRE(ok);
        CHECK(ok->acked == Acked::unknown);
        return *ok;
    };
    CHECK(only(1s).first_id == 2);
    CHECK(only(1s).accepted == 1);                       // the only answer
    PutPacked again = EngineRig::many("orders", 1, "m"); // there is room again
    again.tell_acked = true;
    again.acked_max = limits::put_delay_max;
    CHECK(rig.ask<PutOk>("producer", std::move(again)).told == std::nullopt);
    CHECK(only(limits::watch_max).first_id == 3);
}

TEST_CASE("what waits for an acknowledgement is kept by place, and goes with its connection") {
    AckedWaits waits(100);
    for (MessageId id = 1; id <= 4; ++id)
        waits.add({7, id}, {"peer", {}, {}, id < 3 ? 5 : 6}, Instant{1h});
    waits.add({8, 1}, {"other", {}, {}, -1}, Instant{2h});
    CHECK(waits.has(7, 1));
    CHECK_FALSE(waits.has(7, 5));
    waits.connection_lost(5);
    waits.connection_lost(-1); // nobody's
    CHECK(waits.size() == 3);
    CHECK(waits.first_of(7) == 3);
    CHECK(waits.take(7, 3)->peer == "peer");
    CHECK_FALSE(waits.take(7, 3));
    waits.connection_lost(6);
    CHECK_FALSE(waits.first_of(7));
    CHECK(waits.size() == 1);
    CHECK_FALSE(waits.first_due(Instant{2h} - 1ns));
    CHECK(waits.first_due(Instant{2h}) == AckedWaits::Place{8, 1});
    CHECK(waits.take(8, 1)->peer == "other");
    waits.check();
}
