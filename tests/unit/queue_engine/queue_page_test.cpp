// SPDX-License-Identifier: Apache-2.0
// What a store shows of its queues, also of those that nobody used since a start.
#include "engine_rig.hpp"

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::queue::test::EngineRig;

namespace {

std::vector<std::string> names(const QueuePage& page) {
    std::vector<std::string> all;
    for (const QueueStat& each : page.queues)
        all.push_back(each.name);
    return all;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("after a restart queues are shown though nobody has used them", "[unit][queue_engine]") {
    EngineRig rig;
    for (const char* queue : {"a", "b", "c"})
        rig.create(queue);
    rig.put("a", "one");
    rig.put("c", "one");
    rig.put("c", "two");
    rig.pass(10s);
    rig.start();
    rig.turns();
    CHECK(rig.engine->queues().empty());

    const QueuePage page = rig.engine->queues({});
    REQUIRE(names(page) == Names{"a", "b", "c"});
    CHECK(page.queues[2].levels.ready == 2);
    CHECK(page.queues[2].counters.accepted_total == 2);
    CHECK(page.queues[2].levels.lag == 10s);
    CHECK(page.queues[1].levels.lag == 0s);
    CHECK(page.all.ready == 3);
    CHECK(page.all.lag == 10s);
    CHECK(page.left_out == 0);
    CHECK(rig.engine->queues().empty()); // looking has not read them into memory
}

TEST_CASE("the sums stay what they are while queues are used one after the other",
          "[unit][queue_engine]") {
    EngineRig rig;
    for (const char* queue : {"a", "b", "c"}) {
        rig.create(queue);
        rig.put(queue, "one");
        rig.pass(1s);
    }
    rig.start();
    rig.turns();
    CHECK(rig.engine->queues({}).all.ready == 3);
    CHECK(rig.engine->queues({}).all.lag == 3s);
    rig.put("a", "two"); // the oldest goes on lying there
    CHECK(rig.engine->queues({}).all.ready == 4);
    CHECK(rig.engine->queues({}).all.lag == 3s);
    REQUIRE(rig.take("worker", "a").size() == 1);
    REQUIRE(rig.take("worker", "a").size() == 1);
    CHECK(rig.engine->queues({}).all.ready == 2);
    CHECK(rig.engine->queues({}).all.lag == 2s); // counted anew: of b, which is in the store alone
    rig.put("c", "two");
    rig.put("b", "two");
    const QueuePage page = rig.engine->queues({});
    CHECK(page.all.ready == 4);
    CHECK(page.all.leased == 2);
    CHECK(page.all.lag == 2s);
    CHECK(names(page) == Names{"a", "b", "c"});
}

TEST_CASE("pages go by name, whether a queue is in memory or not", "[unit][queue_engine]") {
    EngineRig rig;
    for (const char* queue : {"a.1", "a.2", "a.3", "b.1", "b.2"})
        rig.create(queue);
    rig.start();
    rig.put("a.2", "x");
    rig.put("b.1", "x");
    CHECK(rig.engine->queues().size() == 2);

    const QueuePage first = rig.engine->queues({{}, {}, 2});
    CHECK(names(first) == Names{"a.1", "a.2"});
    CHECK(first.left_out == 3);
    const QueuePage second = rig.engine->queues({{}, "a.2", 2});
    CHECK(names(second) == Names{"a.3", "b.1"});
    CHECK(second.left_out == 1);
    const QueuePage last = rig.engine->queues({{}, "b.1", 2});
    CHECK(names(last) == Names{"b.2"});
    CHECK(last.left_out == 0);
    const QueuePage some = rig.engine->queues({"a.", "a.1", 100});
    CHECK(names(some) == Names{"a.2", "a.3"});
    const QueuePage sums = rig.engine->queues({{}, {}, 0});
    CHECK(sums.queues.empty());
    CHECK(sums.all.ready == 2);
}

TEST_CASE("many unused queues are counted so many at a call, each once", "[unit][queue_engine]") {
    EngineRig rig;
    const std::size_t count = 2'500;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = "q" + std::to_string(10'000 + i);
        rig.say("operator", Create{name, {}, false});
        rig.say("producer", EngineRig::one(name, "x"));
        if (rig.engine->is_turn_full())
            rig.turns();
    }
    rig.turns();
    rig.start();
    rig.put("q10000", "x"); // in memory before anything was counted
    CHECK(rig.engine->queues({{}, {}, 0}).all.ready == 1'000 + 2);
    CHECK(rig.engine->queues({{}, {}, 0}).all.ready == 2'000 + 2);
    CHECK(rig.engine->queues({{}, {}, 0}).all.ready == count + 1);
    CHECK(rig.engine->queues({{}, {}, 0}).all.ready == count + 1);
    const QueuePage page = rig.engine->queues({{}, {}, 100});
    CHECK(page.queues.size() == 100);
    CHECK(page.left_out == count - 100);
}

TEST_CASE("a queue whose row is damaged is passed over, and the others are shown",
          "[unit][queue_engine]") {
    EngineRig rig;
    for (const char* queue : {"a", "b"}) {
        rig.create(queue);
        rig.put(queue, "one");
    }
    rig.stop();
    rig.is_damaged = true;
    {
        const auto snapshot = *rig.disk->rows.read();
        const auto row = *snapshot->at_or_after(Table::queue, std::string_view{});
        Mutations mutations;
        mutations.put(Table::queue, std::string(row->key), "nonsense");
        REQUIRE(rig.disk->rows.commit(mutations));
    }
    rig.start();
    const QueuePage page = rig.engine->queues({});
    CHECK(page.queues.size() == 1);
    CHECK(page.all.ready == 1);
}

TEST_CASE("who has a session is shown with what it holds", "[unit][queue_engine]") {
    EngineRig rig;
    rig.create("mail");
    rig.put("mail", "one");
    rig.hello("worker", "mail", 5);
    rig.pass(3s);
    const auto sessions = rig.engine->sessions(rig.times.now);
    REQUIRE(sessions.size() == 1);
    CHECK(sessions[0].peer == "776f726b6572"); // "worker"
    CHECK(sessions[0].queue == "mail");
    CHECK(sessions[0].credit == 5);
    CHECK(sessions[0].leased == 1);
    CHECK(sessions[0].silent == 3s);
    CHECK_FALSE(sessions[0].is_gone);
}

TEST_CASE("an engine that cannot read its store again says so, until it can",
          "[unit][queue_engine]") {
    EngineRig rig;
    rig.create("mail");
    rig.disk->next_commit_fails = Errc::io;
    rig.say("producer", EngineRig::one("mail", "x"));
    rig.disk->reads_fail = true; // after the turn has begun
    REQUIRE(rig.engine->finish_turn(rig.times, rig.out));
    CHECK(rig.engine->levels().is_reloading);
    CHECK(rig.engine->queues({}).queues.empty());
    rig.disk->reads_fail = false;
    rig.pass(1min);
    rig.turns();
    CHECK_FALSE(rig.engine->levels().is_reloading);
    CHECK(rig.engine->queues({}).queues.size() == 1);
}

TEST_CASE("what was counted before a start is in no rate after it", "[unit][queue_engine]") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 1000, "old "));
    for (int i = 0; i < 10; ++i)
        rig.ack("worker", rig.take("worker", "orders"));
    rig.pass(1h);
    rig.start();
    rig.ask<StatReply>("operator", Stat{"orders"}); // reads it into memory
    QueueStat stat = rig.stat("orders");
    CHECK(stat.counters.accepted_total == 1000);
    CHECK(stat.levels.arrival_rate == 0);
    CHECK(stat.levels.service_rate == 0);
    CHECK(stat.levels.time_to_drain == no_limit);
    // What comes now is in it.
    rig.put("orders", "new");
    stat = rig.stat("orders");
    CHECK(stat.levels.arrival_rate > 0);
    CHECK(stat.levels.arrival_rate < 2);
}

TEST_CASE("a first look after a long time finds rates of now", "[unit][queue_engine]") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 1000, "old "));
    rig.ack("worker", rig.take("worker", "orders"));
    rig.pass(1h);
    rig.turns();
    const QueueStat stat = rig.stat("orders");
    CHECK(stat.counters.finished_total == 1);
    CHECK(stat.levels.arrival_rate < 0.001);
    CHECK(stat.levels.service_rate < 0.001);
}
