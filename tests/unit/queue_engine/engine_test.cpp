// SPDX-License-Identifier: Apache-2.0
#include "engine_rig.hpp"

#include <cmath>
#include <set>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::ErrorCode;
using leased::Redelivered;

TEST_CASE("a message that was put is taken once, and is gone when it is acknowledged") {
    EngineRig rig;
    rig.create("orders");
    const PutOk put = rig.put("orders", "one");
    CHECK(put.accepted == 1);
    CHECK(put.first_id == 1);
    const auto taken = rig.take("worker", "orders");
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].body == "one");
    CHECK(taken[0].id == 1);
    CHECK(taken[0].attempt == 1);
    CHECK(taken[0].redelivered == Redelivered::no);
    CHECK(rig.take("other", "orders").empty());
    CHECK(rig.ack("worker", taken).done == 1);
    CHECK(rig.ask<leased::ErrorReply>("worker",
                                      leased::Command{leased::Ack{EngineRig::leases_of(taken)}})
              .code == ErrorCode::lease_lost);
    const QueueStat stat = rig.stat("orders");
    CHECK(stat.counters.finished_total == 1);
    CHECK(stat.levels.unfinished() == 0);
    CHECK(stat.levels.bytes == 0);
}

TEST_CASE("nothing is said about a put before its commit") {
    EngineRig rig;
    rig.create("orders");
    const std::uint64_t commits = rig.disk->commits;
    rig.say("producer", EngineRig::one("orders", "one"));
    CHECK(rig.out.sends.size() == 1); // of create
    rig.turn();
    CHECK(rig.disk->commits == commits + 1);
    CHECK(rig.out.sends.size() == 1);
}

TEST_CASE("credit is a window: no more is delivered than it says, and acks open it") {
    EngineRig rig;
    rig.create("orders");
    const PutOk put = rig.ask<PutOk>("producer", EngineRig::many("orders", 5'000, "m"));
    CHECK(put.accepted == 5'000);
    rig.hello("worker", "orders", 1'000, true);
    auto held = rig.seen("worker");
    CHECK(held.size() == 1'000);
    std::uint64_t next = 0;
    while (!held.empty()) {
        for (const Seen& message : held) {
            CHECK(message.id == next + 1);
            CHECK(message.body == "m" + std::to_string(next));
            ++next;
        }
        rig.ack("worker", held);
        held = rig.seen("worker");
    }
    CHECK(next == 5'000);
    CHECK(rig.stat("orders").counters.finished_total == 5'000);
    // No block, bitmap or attempt is left.
    const auto snapshot = rig.disk->rows.read();
    CHECK(!(*(*snapshot)->at_or_after(Table::block, "")).has_value());
    CHECK(!(*(*snapshot)->at_or_after(Table::done, "")).has_value());
    CHECK(!(*(*snapshot)->at_or_after(Table::attempt, "")).has_value());
}

TEST_CASE("two consumers share a queue") {
    EngineRig rig;
    rig.create("orders");
    rig.hello("one", "orders", 100);
    rig.hello("two", "orders", 100);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 20, "m"));
    CHECK(rig.seen("one").size() == 10);
    CHECK(rig.seen("two").size() == 10);
}

TEST_CASE("what is not acknowledged within its lease is delivered again, and says so") {
    EngineRig rig;
    QueueProperties properties;
    properties.lease = 1s;
    rig.create("orders", properties);
    rig.put("orders", "one");
    const auto first = rig.take("slow", "orders");
    REQUIRE(first.size() == 1);
    rig.pass(999ms);
    CHECK(rig.take("other", "orders").empty());
    CHECK(rig.engine->next_deadline() <= rig.times.now + 1ms);
    rig.pass(2ms);
    const auto again = rig.take("other", "orders");
    REQUIRE(again.size() == 1);
    CHECK(again[0].id == first[0].id);
    CHECK(again[0].attempt == 2);
    CHECK(again[0].redelivered == Redelivered::yes);
    CHECK(rig.stat("orders").counters.lease_expired_total == 1);
    // Too late: somebody else has it.
    CHECK(rig.ask<leased::ErrorReply>("slow",
                                      leased::Command{leased::Ack{EngineRig::leases_of(first)}})
              .lost == 1);
    rig.ack("other", again);
}

TEST_CASE("an acknowledgement that comes late counts while nobody else has the message") {
    EngineRig rig;
    QueueProperties properties;
    properties.lease = 1s;
    rig.create("orders", properties);
    rig.put("orders", "one");
    const auto first = rig.take("slow", "orders");
    rig.pass(2s);
    rig.turns();
    CHECK(rig.stat("orders").levels.ready == 1);
    const leased::Ok late = rig.ack("slow", first);
    CHECK(late.done == 1);
    CHECK(late.late == 1);
    CHECK(rig.take("other", "orders").empty());
}

TEST_CASE("who lets a lease run out in silence gets nothing until it speaks") {
    const Order order = GENERATE(Order::plain, Order::strict);
    EngineRig rig;
    QueueProperties properties;
    properties.lease = 1s;
    properties.order = order;
    rig.create("orders", properties);
    rig.hello("hung", "orders", 4);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 2, "m"));
    CHECK(rig.seen("hung").size() == 2);
    rig.hello("well", "orders", 4);
    rig.pass(900ms);
    rig.say("well", leased::Command{leased::Ping{}});
    rig.pass(200ms);
    rig.turns();
    const auto again = rig.seen("well");
    REQUIRE(again.size() == 2);
    CHECK(again[0].attempt == 2);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 1, "n"));
    rig.turns();
    CHECK(rig.seen("hung").empty());
    CHECK(rig.stat("orders").levels.ready == 0);
}

TEST_CASE("touch lets a lease run anew") {
    EngineRig rig;
    QueueProperties properties;
    properties.lease = 1s;
    rig.create("orders", properties);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 2, "m"));
    rig.hello("worker", "orders", 2);
    const auto held = rig.seen("worker");
    REQUIRE(held.size() == 2);
    rig.pass(900ms);
    rig.ask<leased::Ok>("worker", leased::Command{leased::Touch{EngineRig::leases_of({held[0]})}});
    rig.pass(200ms);
    rig.turns();
    CHECK(rig.stat("orders").counters.lease_expired_total == 1);
    CHECK(rig.stat("orders").levels.leased == 2); // one of them again
    CHECK(rig.ack("worker", {held[0]}).late == 0);
}

TEST_CASE("what a consumer refuses comes in front, and after its attempts is dead") {
    EngineRig rig;
    QueueProperties properties;
    properties.attempts_max = 3;
    properties.dead_letter_queue = "dead";
    rig.create("orders", properties);
    rig.put("orders", "poison");
    rig.put("orders", "good");
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        const auto taken = rig.take("worker", "orders");
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].body == "poison");
        CHECK(taken[0].attempt == attempt);
        CHECK(rig.nack("worker", taken).done == 1);
    }
    CHECK(rig.take("worker", "orders")[0].body == "good");
    const QueueStat stat = rig.stat("orders");
    CHECK(stat.counters.dead_total == 1);
    CHECK(stat.counters.nacked_total == 3);
    const auto dead = rig.take("undertaker", "dead");
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].body == "poison");
    const PeekReply none = rig.ask<PeekReply>("operator", Peek{"dead", false, "", 10});
    CHECK(none.messages.empty()); // it is leased
}

TEST_CASE("a dead letter says where it came from, and is kicked back") {
    EngineRig rig;
    QueueProperties properties;
    properties.attempts_max = 1;
    properties.dead_letter_queue = "dead";
    rig.create("orders", properties);
    rig.put("orders", "poison");
    rig.nack("worker", rig.take("worker", "orders"));
    const PeekReply page = rig.ask<PeekReply>("operator", Peek{"dead", false, "", 10});
    REQUIRE(page.messages.size() == 1);
    CHECK(page.messages[0].info.find("origin=orders") != std::string::npos);
    CHECK(page.messages[0].info.find("reason=nacked") != std::string::npos);
    CHECK(rig.ask<Done>("operator", Kick{"dead", page.messages[0].id}).done == 1);
    const auto again = rig.take("worker", "orders");
    REQUIRE(again.size() == 1);
    CHECK(again[0].body == "poison");
    CHECK(again[0].attempt == 1);
    CHECK(again[0].redelivered == leased::Redelivered::maybe);
    CHECK(rig.stat("dead").levels.unfinished() == 0);
}

TEST_CASE("a refusal with a delay, and the queue's retry delays, keep a message back") {
    EngineRig rig;
    QueueProperties properties;
    properties.retry_delays = {100ms, 1s};
    rig.create("orders", properties);
    rig.put("orders", "one");
    rig.nack("worker", rig.take("worker", "orders"));
    CHECK(rig.stat("orders").levels.delayed == 1);
    CHECK(rig.take("worker", "orders").empty());
    rig.pass(120ms);
    rig.turns();
    auto again = rig.take("worker", "orders");
    REQUIRE(again.size() == 1);
    CHECK(again[0].attempt == 2);
    CHECK(again[0].id == 1);
    CHECK(again[0].redelivered == Redelivered::yes);
    rig.nack("worker", again, 5s);
    rig.pass(4s);
    rig.turns();
    CHECK(rig.take("worker", "orders").empty());
    rig.pass(1100ms);
    rig.turns();
    CHECK(rig.take("worker", "orders").size() == 1);
}

TEST_CASE("after a crash what may have been delivered is marked maybe, and the rest is not") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 3, "m"));
    const auto held = rig.take("worker", "orders");
    rig.start();
    rig.put("orders", "new");
    rig.hello("worker", "orders", 10);
    const auto again = rig.seen("worker");
    REQUIRE(again.size() == 4);
    CHECK(again[0].redelivered == Redelivered::maybe);
    CHECK(again[3].body == "new");
    CHECK(again[3].redelivered == Redelivered::no);
    CHECK(again[0].lease.epoch != held[0].lease.epoch);
    CHECK(rig.ask<leased::ErrorReply>("worker",
                                      leased::Command{leased::Ack{EngineRig::leases_of(held)}})
              .lost == 1);
    rig.ack("worker", again);
    CHECK(rig.stat("orders").levels.unfinished() == 0);
}

TEST_CASE("after an end in order only what was delivered is marked, with its attempts") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 3, "m"));
    rig.take("worker", "orders");
    rig.stop();
    rig.start();
    rig.hello("worker", "orders", 10);
    const auto again = rig.seen("worker");
    REQUIRE(again.size() == 3);
    CHECK(again[0].redelivered == Redelivered::yes);
    CHECK(again[0].attempt == 2);
    CHECK(again[1].redelivered == Redelivered::no);
    CHECK(again[1].attempt == 1);
}

TEST_CASE("acknowledgements survive a crash, whatever their order") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 200, "m"));
    rig.hello("worker", "orders", 150, true);
    const auto held = rig.seen("worker");
    REQUIRE(held.size() == 150);
    std::vector<Seen> some;
    std::set<std::uint64_t> left;
    for (std::uint64_t id = 1; id <= 200; ++id)
        left.insert(id);
    for (std::size_t i = 0; i < held.size(); i += 3) {
        some.push_back(held[i]);
        left.erase(held[i].id);
    }
    rig.say("worker", leased::Command{leased::Credit{0}});
    rig.ack("worker", some);
    rig.start();
    rig.hello("worker", "orders", 1'000, true);
    std::set<std::uint64_t> again;
    for (const Seen& message : rig.seen("worker"))
        CHECK(again.insert(message.id).second);
    CHECK(again == left);
}

TEST_CASE("a commit that fails says nothing, and peers begin again") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    rig.hello("worker", "orders", 10);
    CHECK(rig.seen("worker").size() == 1);
    rig.disk->next_commit_fails = Errc::io;
    rig.say("producer", EngineRig::one("orders", "two"));
    rig.turn();
    CHECK(rig.out.sends.empty());
    CHECK(rig.noticed("commit_failed"));
    CHECK(rig.engine->counters().reloads_total == 1);
    CHECK(rig.ask<leased::ErrorReply>("worker", leased::Command{leased::Ping{}}).code ==
          ErrorCode::no_session);
    CHECK(rig.engine->counters().refused_total == 0); // who asks is no fault to look for
    rig.hello("worker", "orders", 10);
    const auto again = rig.seen("worker");
    REQUIRE(again.size() == 1);
    CHECK(again[0].redelivered == Redelivered::maybe);
}

TEST_CASE("what all queues count together begins with the process, and outlives its queues") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    rig.put("orders", "two");
    CHECK(rig.engine->counters().queues.accepted_total == 2);
    rig.stop();
    rig.start();
    rig.put("orders", "three");
    CHECK(rig.stat("orders").counters.accepted_total == 3);
    CHECK(rig.engine->counters().queues.accepted_total == 1);
    rig.ask<Done>("admin", Delete{"orders", false});
    CHECK(rig.engine->counters().queues.accepted_total == 1);
}

TEST_CASE("a first delivery is timed from when its message was accepted, a second one is not") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    rig.pass(40ms);
    const auto taken = rig.take("worker", "orders");
    REQUIRE(taken.size() == 1);
    const TimeHistogram once = rig.engine->counters().delivery_times;
    CHECK(once.count() == 1);
    CHECK(std::abs(once.seconds() - 0.04) < 0.002);
    rig.nack("worker", taken);
    REQUIRE(rig.take("worker", "orders").size() == 1);
    CHECK(rig.engine->counters().delivery_times == once);
}

TEST_CASE("queues are shown a page at a time, and summed over all") {
    EngineRig rig;
    for (const char* name : {"b2", "a", "b1", "b3"}) {
        rig.create(name);
        rig.put(name, "one");
    }
    rig.pass(40ms);
    rig.turn();
    const QueuePage page = rig.engine->queues(QueuePageWish{"b", "b1", 1});
    REQUIRE(page.queues.size() == 1);
    CHECK(page.queues[0].name == "b2");
    CHECK(page.left_out == 1);
    CHECK(page.all.ready == 4);
    CHECK(page.all.lag >= 40ms);
    CHECK(rig.engine->queues(QueuePageWish{{}, {}, 0}).queues.empty());
    CHECK(rig.engine->queues(QueuePageWish{{}, {}, 10}).queues.front().name == "a");
}

TEST_CASE("a store without room refuses puts and still takes acknowledgements") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    const auto taken = rig.take("worker", "orders");
    rig.disk->room = 0;
    CHECK(rig.ask<leased::ErrorReply>("producer", EngineRig::one("orders", "two")).code ==
          ErrorCode::full);
    CHECK(rig.ack("worker", taken).done == 1);
    rig.disk->room = 1 << 20;
    CHECK(rig.put("orders", "two").accepted == 1);
}

TEST_CASE("a store at the edge of its room is full until it had some for a second") {
    EngineRig rig;
    rig.create("orders");
    rig.disk->room = 0;
    rig.ask<leased::ErrorReply>("producer", EngineRig::one("orders", "one"));
    CHECK(rig.noticed("full"));
    rig.disk->room = 1 << 20;
    rig.put("orders", "one");
    CHECK_FALSE(rig.noticed("room_again"));
    rig.disk->room = 0;
    rig.pass(500ms);
    rig.ask<leased::ErrorReply>("producer", EngineRig::one("orders", "two"));
    CHECK_FALSE(rig.noticed("full"));
    rig.disk->room = 1 << 20;
    rig.pass(900ms);
    rig.turns();
    CHECK(rig.engine->levels().is_full);
    rig.pass(100ms);
    rig.turns(); // nobody has to put for that
    CHECK(rig.noticed("room_again"));
    CHECK_FALSE(rig.engine->levels().is_full);
}

TEST_CASE("a store that starts before the time that it has seen says so") {
    EngineRig rig;
    rig.stop();
    rig.times.wall -= 1h;
    rig.start();
    rig.turns();
    CHECK(rig.noticed("clock_set_back"));
}
