// SPDX-License-Identifier: Apache-2.0
#include "desk.hpp"

#include <flotilla/queue/engine/producer_table.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using Verdict = ProducerTable::Verdict;

namespace {

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t day = 24 * 60 * minute;

struct Producers : desk::Desk {
    ProducerTable table;
    std::int64_t wall = 1'000'000 * minute;

    explicit Producers(std::uint32_t entries_max = 1000, Duration age_max = std::chrono::hours{48})
        : table(entries_max, age_max) {}
    ProducerTable::Judgement judge(std::string_view producer, std::uint64_t sequence,
                                   std::uint64_t messages = 1, QueueId queue = 1) {
        const auto judged = table.judge(*read(), queue, producer, sequence, messages);
        REQUIRE(judged);
        return *judged;
    }
    // A whole put that is accepted.
    void put(std::string_view producer, std::uint64_t sequence, std::uint64_t messages = 1,
             QueueId queue = 1) {
        REQUIRE(judge(producer, sequence, messages, queue).verdict == Verdict::fresh);
        table.settle(queue, producer, sequence + messages - 1, wall);
    }
    std::uint64_t turn() {
        const auto crowded = table.reap(*read(), mutations, wall);
        REQUIRE(crowded);
        table.flush(mutations);
        commit();
        table.committed();
        return *crowded;
    }
    // As after a crash, or a failed commit.
    void reopen(std::uint32_t entries_max = 1000) {
        mutations.clear();
        table = ProducerTable(entries_max, std::chrono::hours{48});
    }
};

} // namespace

TEST_CASE("producers: a repeat is known in the same turn, after it, and after a restart",
          "[unit][queue]") {
    Producers its;
    its.put("p", 1, 10);
    CHECK(its.judge("p", 1, 10).repeated == 10);
    CHECK(its.judge("p", 6, 10).repeated == 5);
    CHECK(its.judge("p", 11).repeated == 0);
    its.turn();
    CHECK(its.judge("p", 1, 10).repeated == 10);
    its.reopen();
    CHECK(its.judge("p", 1, 3).repeated == 3);
    CHECK(its.judge("p", 1, 3).settled == 10);
    CHECK(its.judge("p", 8, 6).repeated == 3);
}

TEST_CASE("producers: a gap is refused, and an unknown producer must begin at 1", "[unit][queue]") {
    Producers its;
    CHECK(its.judge("p", 2).verdict == Verdict::unknown_producer);
    CHECK(its.judge("p", 1).verdict == Verdict::fresh);
    its.put("p", 1, 4);
    CHECK(its.judge("p", 6).verdict == Verdict::out_of_order);
    CHECK(its.judge("p", 6).settled == 4);
    CHECK(its.judge("p", 5).verdict == Verdict::fresh);
    CHECK(its.judge("p", ~0ULL, 5).verdict == Verdict::out_of_order);
    // Sequences are a queue's.
    CHECK(its.judge("p", 5, 1, 2).verdict == Verdict::unknown_producer);
    CHECK(its.judge("p", 1, 1, 2).verdict == Verdict::fresh);
}

TEST_CASE("producers: what was not committed is not remembered", "[unit][queue]") {
    Producers its;
    its.put("p", 1, 4);
    its.turn();
    its.put("p", 5, 4);
    its.reopen();
    CHECK(its.judge("p", 5).verdict == Verdict::fresh);
    CHECK(its.judge("p", 5).settled == 4);
    CHECK(its.judge("p", 9).verdict == Verdict::out_of_order);
}

TEST_CASE("producers: the least recently seen are forgotten when there are too many",
          "[unit][queue]") {
    Producers its(10);
    for (int i = 0; i < 10; ++i) {
        its.wall += minute;
        its.put("p" + std::to_string(i), 1);
        its.turn();
    }
    its.wall += minute;
    its.put("p0", 2); // seen again
    its.turn();
    CHECK(its.table.rows() == 10);
    its.put("new", 1);
    CHECK(its.turn() == 1);
    CHECK(its.table.rows() == 10);
    CHECK(its.rows(Table::producer) == 10);
    CHECK(its.rows(Table::producer_age) == 10);
    CHECK(its.judge("p0", 3).verdict == Verdict::fresh);
    CHECK(its.judge("p1", 2).verdict == Verdict::unknown_producer);
    CHECK(its.judge("p2", 2).verdict == Verdict::fresh);
}

TEST_CASE("producers: who is not seen for too long is forgotten, who is, is not", "[unit][queue]") {
    Producers its;
    its.put("old", 1);
    its.put("busy", 1);
    its.turn();
    for (std::uint64_t i = 2; i < 10; ++i) {
        its.wall += day / 2;
        its.put("busy", i);
        its.turn();
    }
    CHECK(its.judge("old", 2).verdict == Verdict::unknown_producer);
    CHECK(its.judge("busy", 10).verdict == Verdict::fresh);
    CHECK(its.rows(Table::producer) == 1);
    CHECK(its.rows(Table::producer_age) == 1);
}

TEST_CASE("producers: rows of before the start are counted once, whatever happens meanwhile",
          "[unit][queue]") {
    Producers its;
    for (int i = 0; i < 900; ++i)
        its.put("p" + std::to_string(i), 1);
    its.turn();
    CHECK(its.rows(Table::producer) == 900);
    its.reopen();
    for (int turn = 0; turn < 10; ++turn) {
        its.wall += minute;
        its.put("p" + std::to_string(turn * 90), 2); // counted or not, its age row moves
        its.put("new" + std::to_string(turn), 1);
        its.turn();
    }
    CHECK(its.table.rows() == 910);
    CHECK(its.rows(Table::producer_age) == 910);
    its.table.set_limits(100, std::chrono::hours{48});
    for (int turn = 0; turn < 20; ++turn)
        its.turn();
    CHECK(its.table.rows() == 100);
    CHECK(its.rows(Table::producer) == 100);
    CHECK(its.rows(Table::producer_age) == 100);
}

TEST_CASE("producers: more of them than the cache holds are all known", "[unit][queue]") {
    Producers its(100'000);
    const int all = static_cast<int>(ProducerTable::cached_max) + 2000;
    for (int i = 0; i < all; ++i)
        its.put("p" + std::to_string(i), 1);
    its.turn();
    for (const int i : {0, 1, all / 2, all - 1})
        CHECK(its.judge("p" + std::to_string(i), 1).repeated == 1);
}

TEST_CASE("producers: a commit put off over several turns keeps what is not committed",
          "[unit][queue]") {
    Producers its;
    its.put("p", 1);
    its.table.flush(its.mutations);
    its.put("p", 2);
    REQUIRE(its.table.reap(*its.read(), its.mutations, its.wall));
    its.table.flush(its.mutations);
    CHECK(its.judge("p", 3).verdict == Verdict::fresh);
    its.commit();
    its.table.committed();
    CHECK(its.table.rows() == 1);
    its.reopen();
    CHECK(its.judge("p", 1, 5).repeated == 2);
}

TEST_CASE("producers: a damaged row makes its producer unknown, not new", "[unit][queue]") {
    Producers its;
    its.put("p", 1, 5);
    its.turn();
    its.reopen();
    its.mutations.put(Table::producer, producer_key({"p", 1}), "nonsense");
    its.commit();
    CHECK(its.judge("p", 6).verdict == Verdict::unknown_producer);
    CHECK(its.judge("p", 1).verdict == Verdict::unknown_producer);
}
