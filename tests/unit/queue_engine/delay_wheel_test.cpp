// SPDX-License-Identifier: Apache-2.0
#include "desk.hpp"

#include <flotilla/base/random.hpp>
#include <flotilla/queue/engine/delay_wheel.hpp>

#include <support/seed.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using Fate = DelayWheel::Fate;

namespace {

struct Wheel : desk::Desk {
    DelayWheel wheel{};
    std::int64_t wall = 1'700'000'000'000;
    std::map<MessageId, std::int64_t> due{};      // of what is in it
    std::map<MessageId, std::int64_t> promoted{}; // when
    std::vector<MessageId> order{};
    MessageId last = 0;
    int damaged = 0;

    MessageId put(std::int64_t delay_ms, QueueId queue = 1, std::size_t bytes = 10) {
        const std::string body = desk::body_of(std::string(bytes, 'x'));
        Delayed message{queue, 3, wall + delay_ms, wall, {}};
        message.record.id = ++last;
        message.record.key = "key";
        message.record.note = "note=1\n";
        message.record.attempts = 7;
        message.record.expiry_ms = 99;
        message.record.body = body;
        wheel.add(message, wall);
        due[last] = wall + delay_ms;
        return last;
    }
    void advance(TurnBudget budget = {}) {
        const auto snapshot = read();
        REQUIRE(wheel.advance(
            *snapshot, mutations, wall, budget,
            [&](const Delayed& message, bool is_due) {
                const MessageId id = message.record.id;
                CHECK(due.at(id) == message.due_ms);
                CHECK(is_due == (message.due_ms <= wall));
                CHECK(message.lane == 3);
                CHECK(message.record.key == "key");
                CHECK(message.record.note == "note=1\n");
                CHECK(message.record.attempts == 7);
                CHECK(message.record.expiry_ms == 99);
                if (!is_due)
                    return Fate::stays;
                CHECK(promoted.emplace(id, wall).second);
                order.push_back(id);
                return Fate::leaves;
            },
            [&](const DelayWheel::Damaged&) { ++damaged; }));
    }
    void turn(TurnBudget budget = {}) {
        advance(budget);
        wheel.flush(mutations, wall);
        commit();
        wheel.committed();
    }
    std::optional<std::int64_t> next() const {
        const auto at = DelayWheel::next_visit(*read());
        REQUIRE(at);
        return *at;
    }
    // Turns at exactly the times the wheel asks for, until nothing waits.
    void run() {
        turn();
        while (const auto at = next()) {
            REQUIRE(*at > wall);
            wall = *at;
            turn();
        }
    }
};

} // namespace

TEST_CASE("delay wheel: a visit is after now, and of the finest after due by less than 4 ms",
          "[unit][queue]") {
    const std::int64_t now = 1'700'000'000'123;
    for (const std::int64_t left : {-1'000'000L, -1L, 0L, 1L, 3L, 4L, 511L}) {
        const std::int64_t visit = visit_ms(now + left, now);
        CHECK(visit > now);
        CHECK(visit >= now + left);
        CHECK(visit <= std::max(now + 1, now + left) + 3);
    }
    for (std::int64_t left = 512; left < 400'000'000'000; left = left * 3 / 2) {
        const std::int64_t visit = visit_ms(now + left, now);
        CHECK(visit > now + left / 2);
        CHECK(visit <= now + left);
        // It gets finer: what is left then is a small part of what was left.
        CHECK(now + left - visit <= left / 16);
    }
}

TEST_CASE("delay wheel: nothing is early, nothing more than 4 ms late, whatever the delays",
          "[unit][queue]") {
    const std::uint64_t seed = flotilla::test::seed(1);
    INFO("seed " << seed);
    Random random(seed);
    Wheel its;
    for (int i = 0; i < 2000; ++i) {
        const std::int64_t most = std::int64_t{1} << random.below(36);
        its.put(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most)) + 1),
                static_cast<QueueId>(1 + random.below(3)));
        if (random.one_in(50))
            its.turn();
    }
    its.run();
    REQUIRE(its.promoted.size() == its.due.size());
    for (const auto& [id, due] : its.due) {
        CHECK(its.promoted[id] >= due);
        CHECK(its.promoted[id] <= due + 60 * 50 + 4); // put up to 60 turns before the run began
    }
    CHECK(its.rows(Table::delayed) == 0);
}

TEST_CASE("delay wheel: a lone delay is on time to 4 ms", "[unit][queue]") {
    for (const std::int64_t delay :
         {1L, 5L, 100L, 1'000L, 60'000L, 86'400'000L, 315'360'000'000L}) {
        Wheel its;
        const MessageId id = its.put(delay);
        its.run();
        CHECK(its.promoted.at(id) >= its.due.at(id));
        CHECK(its.promoted.at(id) < its.due.at(id) + 4);
    }
}

TEST_CASE("delay wheel: many due at once go in bounded bits and in order", "[unit][queue]") {
    Wheel its;
    for (int i = 0; i < 10'000; ++i)
        its.put(5'000);
    its.turn();
    CHECK(its.rows(Table::delayed) < 20);
    its.wall += 5'004;
    int turns = 0;
    while (its.promoted.size() < its.due.size() && turns < 1000) {
        const std::size_t before = its.promoted.size();
        its.turn({500, 1ULL << 20});
        ++turns;
        CHECK(its.promoted.size() - before <= 500 + block_messages_max);
    }
    CHECK(turns >= 3);
    CHECK(std::is_sorted(its.order.begin(), its.order.end()));
    CHECK(its.rows(Table::delayed) == 0);
}

TEST_CASE("delay wheel: rows are few when delays are spread and many", "[unit][queue]") {
    const std::uint64_t seed = flotilla::test::seed(1);
    INFO("seed " << seed);
    Random random(seed);
    Wheel its;
    for (int i = 0; i < 10'000; ++i)
        its.put(static_cast<std::int64_t>(3'600'000 + random.below(3'600'000)));
    its.turn();
    CHECK(its.rows(Table::delayed) <= 64 + 1);
}

TEST_CASE("delay wheel: one large message and many small ones fit", "[unit][queue]") {
    Wheel its;
    its.put(100, 1, 1 << 20);
    for (int i = 0; i < 100; ++i)
        its.put(100, 1, 2000);
    its.run();
    CHECK(its.promoted.size() == 101);
}

TEST_CASE("delay wheel: what finds no room is tried again", "[unit][queue]") {
    Wheel its;
    its.put(10);
    its.turn();
    its.wall += 20;
    TurnBudget budget;
    REQUIRE(its.wheel.advance(
        *its.read(), its.mutations, its.wall, budget,
        [](const Delayed&, bool) { return Fate::later; }, [](const DelayWheel::Damaged&) {}));
    its.wheel.flush(its.mutations, its.wall);
    its.commit();
    its.wheel.committed();
    REQUIRE(its.next());
    CHECK(*its.next() > its.wall);
    CHECK(*its.next() <= its.wall + 60);
    its.run();
    CHECK(its.promoted.size() == 1);
}

TEST_CASE("delay wheel: a commit put off does not promote twice", "[unit][queue]") {
    Wheel its;
    its.put(10);
    its.turn();
    its.wall += 20;
    its.advance();
    its.wheel.flush(its.mutations, its.wall);
    its.advance(); // the snapshot still shows the row
    its.wheel.flush(its.mutations, its.wall);
    CHECK(its.promoted.size() == 1);
    its.commit();
    its.wheel.committed();
    its.put(1);
    its.run();
    CHECK(its.promoted.size() == 2);
}

TEST_CASE("delay wheel: a damaged row is told and does not stop the others", "[unit][queue]") {
    Wheel its;
    its.put(10);
    its.put(30);
    its.turn();
    const auto snapshot = its.read();
    const auto row = snapshot->at_or_after(Table::delayed, {});
    std::string value((*row)->value);
    SECTION("in its head") {
        value[5] = static_cast<char>(value[5] ^ 1);
    }
    SECTION("in its block") {
        value[value.size() - 12] ^= 1;
    }
    SECTION("cut short") {
        value.resize(value.size() / 2);
    }
    SECTION("empty") {
        value.clear();
    }
    its.mutations.put(Table::delayed, std::string((*row)->key), value);
    its.commit();
    its.run();
    CHECK(its.damaged == 1);
    CHECK(its.promoted.count(2) == 1);
    CHECK(its.promoted.count(1) == 0);
}
