// SPDX-License-Identifier: Apache-2.0
#include "desk.hpp"

#include <flotilla/queue/engine/browse.hpp>
#include <flotilla/queue/engine/jobs.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using desk::Bench;
using desk::body_of;

TEST_CASE("waiting sweep: oldest first over all lanes, with or without breaks", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 5);
    its.put_block(1, 2, 6, 3);
    its.put_block(1, 0, 9, 2);
    its.put_block(1, 1, 11, 4);
    its.put_block(2, 0, 1, 4);  // another queue
    its.put_block(1, 3, 15, 2); // a lane too many
    its.commit();
    its.host.gone = {1, 4, 7, 14};
    const std::vector<Position> all{2, 3, 5, 6, 8, 9, 10, 11, 12, 13};
    CHECK(its.sweep(3, 0, {}) == all);
    CHECK(its.sweep(3, 0, {1, 1}) == all);
    CHECK(its.sweep(3, 0, {7, 100}) == all);
    CHECK(its.sweep(3, 7, {}) == std::vector<Position>{8, 9, 10, 11, 12, 13});
    CHECK(its.sweep(3, 15, {}).empty());
    CHECK(its.sweep(1, 0, {}) == std::vector<Position>{2, 3, 5, 9, 10});
}

TEST_CASE("waiting sweep: a damaged block is told and passed over", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 5);
    its.mutations.put(Table::block, block_key(1, 0, 6), "nonsense");
    its.put_block(1, 0, 9, 1);
    its.commit();
    CHECK(its.sweep(1, 0, {}) == std::vector<Position>{1, 2, 3, 4, 5, 9});
    CHECK(its.host.damaged_blocks > 0);
}

TEST_CASE("purge: what was there goes, in bounded bits, and nothing else", "[unit][queue]") {
    Bench its;
    for (Position first = 1; first < 1000; first += 100)
        its.put_block(1, static_cast<Lane>(first / 100 % 3), first, 100);
    its.put_block(1, 0, 1001, 50); // came later
    its.put_block(2, 0, 1, 50);
    its.commit();
    its.host.gone = {5, 6, 7}; // leased
    its.jobs.purge(1, 3, 1001);
    its.finish({50, 1ULL << 20});
    CHECK(its.turns > 10);
    REQUIRE(its.done.size() == 1);
    CHECK(its.done[0].messages == 997);
    CHECK(its.done[0].status);
    CHECK(its.host.left.size() == 997);
    CHECK(*its.host.left.rbegin() == 1000);
    CHECK(its.host.reasons[Leaving::purged] == 997);
}

TEST_CASE("purge: delayed messages go too, but for those that came later", "[unit][queue]") {
    Bench its;
    for (MessageId id = 1; id <= 30; ++id) {
        its.delay(its.wall + 100 * static_cast<std::int64_t>(id * id), id);
        its.delay(its.wall + 100 * static_cast<std::int64_t>(id * id), id, 2);
    }
    its.delay(its.wall + 5000, 99);
    its.jobs.purge(1, 1, 50);
    its.finish({5, 1ULL << 20});
    CHECK(its.done[0].messages == 30);
    CHECK(its.host.delayed_left.size() == 30);
    CHECK(its.rows(Table::delayed) > 0);
    const auto page = peek_delayed(*its.read(), 1, {"q", true, "", 100});
    REQUIRE(page);
    REQUIRE(page->messages.size() == 1);
    CHECK(page->messages[0].id == 99);
    CHECK(peek_delayed(*its.read(), 2, {"q", true, "", 100})->messages.size() == 30);
}

TEST_CASE("purge: waits for the wheel where a message is just due", "[unit][queue]") {
    Bench its;
    its.delay(its.wall + 4, 7);
    its.wall += 10;
    its.jobs.purge(1, 1, 50);
    its.turn();
    its.turn();
    CHECK_FALSE(its.jobs.empty());
    CHECK(its.jobs.is_purging(1, 7));
    CHECK_FALSE(its.jobs.is_purging(1, 50));
    CHECK_FALSE(its.jobs.is_purging(2, 7));
    // The wheel comes by.
    DelayWheel wheel;
    TurnBudget budget;
    REQUIRE(wheel.advance(
        *its.read(), its.mutations, its.wall, budget,
        [&](const Delayed& message, bool) {
            return its.jobs.is_purging(message.queue, message.record.id) ? DelayWheel::Fate::leaves
                                                                         : DelayWheel::Fate::stays;
        },
        [](const DelayWheel::Damaged&) {}));
    its.finish();
    CHECK(its.rows(Table::delayed) == 0);
}

TEST_CASE("purge: asked for twice at once, each message goes once", "[unit][queue]") {
    Bench its;
    for (MessageId id = 1; id <= 10; ++id)
        its.delay(its.wall + 1000, id);
    its.put_block(1, 0, 11, 10);
    its.commit();
    its.jobs.purge(1, 1, 50);
    its.jobs.purge(1, 1, 50);
    its.finish();
    REQUIRE(its.done.size() == 2);
    CHECK(its.done[0].messages == 20);
    CHECK(its.done[1].messages == 0);
    CHECK(its.host.delayed_left.size() == 10);
}

TEST_CASE("redrive: dead letters go back until it is full, those of no queue stay",
          "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 100);
    its.commit();
    its.host.on_put_back = [](const Waiting& message) -> Status {
        if (message.position() % 10 == 0)
            return fail(Errc::malformed, "no dead letter");
        if (message.position() == 65)
            return fail(Errc::would_block, "full");
        return {};
    };
    SECTION("a few") {
        its.jobs.redrive(1, 1, 101, 20);
        its.finish({7, 1ULL << 20});
        CHECK(its.done[0].messages == 20);
        CHECK(its.done[0].status);
        CHECK(its.host.put_backs.back() == 22);
    }
    SECTION("all there is room for") {
        its.jobs.redrive(1, 1, 101, 0);
        its.finish({7, 1ULL << 20});
        CHECK(its.done[0].messages == 58);
        REQUIRE_FALSE(its.done[0].status);
        CHECK(its.done[0].status.error().code == Errc::would_block);
        CHECK(its.host.left.count(65) == 0);
        CHECK(its.host.left.count(10) == 0);
    }
    SECTION("those that were there") {
        its.jobs.redrive(1, 1, 51, 0);
        its.finish();
        CHECK(its.done[0].messages == 45);
    }
    CHECK(its.host.left.size() == its.host.put_backs.size());
}

TEST_CASE("redrive: nothing that is a dead letter is no reason to stop early", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 20);
    its.commit();
    its.host.on_put_back = [](const Waiting& message) -> Status {
        return message.position() < 10 ? Status{fail(Errc::malformed)} : Status{};
    };
    its.jobs.redrive(1, 1, 21, 0);
    its.finish();
    CHECK(its.done[0].messages == 11);
}

TEST_CASE("kick: one message, where it is or where it has moved to", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 10);
    BlockWriter writer;
    const std::string body = body_of("moved");
    Record record;
    record.id = 3;
    record.body = body;
    writer.add(record);
    its.mutations.put(Table::block, block_key(1, 1, 11), writer.finish({1, 0}));
    its.commit();
    its.host.gone = {3, 4};
    its.jobs.kick(1, 2, 12, 7);
    its.jobs.kick(1, 2, 12, 3);
    its.jobs.kick(1, 2, 12, 4);
    its.finish();
    REQUIRE(its.done.size() == 3);
    CHECK(its.done[0].status);
    CHECK(its.done[1].status);
    CHECK(its.done[1].messages == 1);
    REQUIRE_FALSE(its.done[2].status);
    CHECK(its.done[2].status.error().code == Errc::not_found);
    CHECK(its.host.put_backs == std::vector<MessageId>{7, 3});
    CHECK(its.host.left == std::set<Position>{7, 11});
}

TEST_CASE("kick: a message that cannot go back stays", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 10);
    its.commit();
    its.host.on_put_back = [](const Waiting&) -> Status { return fail(Errc::not_found, "no"); };
    its.jobs.kick(1, 1, 11, 7);
    its.finish();
    REQUIRE_FALSE(its.done[0].status);
    CHECK(its.host.left.empty());
}

TEST_CASE("sweep: what a deleted queue leaves goes, also after a restart", "[unit][queue]") {
    Bench its;
    for (const QueueId queue : {1U, 2U, 3U}) {
        for (Position first = 1; first < 100; first += 10)
            its.put_block(queue, 0, first, 10);
        its.mutations.put(Table::done, block_key(queue, 0, 1), "bits");
        its.mutations.put(Table::attempt, block_key(queue, 0, 1), "2");
        its.mutations.put(Table::duplicate, duplicate_key(queue, "0123456789abcdef"), "x");
        its.mutations.put(Table::duplicate_age, duplicate_age_key({queue, 1}), "y");
    }
    its.jobs.sweep(its.mutations, 2);
    its.commit();
    its.jobs.committed();
    its.turn({8, 100});
    CHECK(its.rows(Table::block) == 28);
    its.jobs = Jobs{};
    REQUIRE(its.jobs.load(*its.read()));
    CHECK_FALSE(its.jobs.empty());
    its.finish({8, 100});
    CHECK(its.rows(Table::block) == 20);
    CHECK(its.rows(Table::done) == 2);
    CHECK(its.rows(Table::attempt) == 2);
    CHECK(its.rows(Table::duplicate) == 2);
    CHECK(its.rows(Table::duplicate_age) == 2);
    CHECK(its.rows(Table::meta) == 0);
}

TEST_CASE("jobs: those of a queue that is deleted end, and all get their turn", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 1000);
    its.put_block(2, 0, 1, 10);
    its.commit();
    const JobNumber big = its.jobs.purge(1, 1, 1001);
    const JobNumber small = its.jobs.redrive(2, 1, 11, 0);
    its.turn({60, 1000});
    its.turn({60, 1000});
    REQUIRE(its.done.size() == 1);
    CHECK(its.done[0].job == small);
    its.jobs.queue_gone(1);
    its.turn();
    REQUIRE(its.done.size() == 2);
    CHECK(its.done[1].job == big);
    CHECK(its.done[1].status.error().code == Errc::not_found);
}

TEST_CASE("overflow: the oldest ready ones leave", "[unit][queue]") {
    Bench its;
    its.put_block(1, 1, 1, 5);
    its.put_block(1, 0, 6, 5);
    its.commit();
    its.host.gone = {2};
    TurnBudget budget;
    CHECK(drop_oldest(*its.read(), its.host, 1, 2, 5, Leaving::dropped, budget).value() == 5);
    CHECK(its.host.left == std::set<Position>{1, 3, 4, 5, 6});
    CHECK(drop_oldest(*its.read(), its.host, 1, 2, 50, Leaving::dropped, budget).value() == 4);
}
