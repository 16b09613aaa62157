// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/feed/loss.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <map>
#include <string>

using namespace flotilla;
using namespace flotilla::feed;

namespace {

Number number(std::uint64_t sequence, std::uint64_t epoch = 1, std::uint32_t generation = 0) {
    return Number{epoch, generation, sequence};
}

} // namespace

TEST_CASE("loss: the first message of a topic is its base line", "[unit][feed]") {
    LossAccount account(10);
    CHECK(account.message("a", number(1'000)).lost == 0);
    CHECK(account.message("a", number(1'001)).lost == 0);
    CHECK(account.report().lost == 0);
    CHECK_FALSE(account.report().unknown);
    CHECK(account.report().topics == 1);
}

TEST_CASE("loss: a gap is counted once, topic by topic", "[unit][feed]") {
    LossAccount account(10);
    account.message("a", number(1));
    account.message("b", number(1));
    CHECK(account.message("a", number(5)).lost == 3);
    CHECK(account.message("a", number(6)).lost == 0);
    CHECK(account.message("b", number(2)).lost == 0);
    CHECK(account.report().lost == 3);
}

TEST_CASE("loss: a repeat is counted as one and loses nothing", "[unit][feed]") {
    LossAccount account(10);
    account.message("a", number(1));
    account.message("a", number(4));
    CHECK(account.message("a", number(3)).repeat);
    CHECK(account.message("a", number(4)).repeat);
    CHECK_FALSE(account.message("a", number(5)).repeat);
    CHECK(account.report().repeats == 2);
    CHECK(account.report().lost == 2);
}

TEST_CASE("loss: a heartbeat shows what was lost at the end", "[unit][feed]") {
    LossAccount account(10);
    account.message("a", number(1));
    CHECK(account.last_sent("a", number(4)) == 3);
    CHECK(account.last_sent("a", number(4)) == 0);
    CHECK(account.message("a", number(5)).lost == 0);
    CHECK(account.last_sent("a", number(3)) == 0); // an old one
    CHECK(account.report().lost == 3);
}

TEST_CASE("loss: a heartbeat is no base line", "[unit][feed]") {
    LossAccount account(10);
    CHECK(account.last_sent("a", number(100)) == 0);
    CHECK(account.message("a", number(105)).lost == 0);
    CHECK(account.report().lost == 0);
}

TEST_CASE("loss: a restarted publisher is another one", "[unit][feed]") {
    LossAccount account(10);
    account.message("a", number(500, 1));
    CHECK(account.message("a", number(7, 2)).lost == 0);
    CHECK(account.message("a", number(8, 2)).lost == 0);
    CHECK_FALSE(account.report().unknown);
    CHECK(account.report().topics == 2);
}

TEST_CASE("loss: a snapshot is neither gap nor repeat", "[unit][feed]") {
    using Snapshot = LossAccount::Snapshot;
    LossAccount account(10);
    CHECK(account.snapshot("a", number(9)) == Snapshot::news);
    CHECK(account.message("a", number(10)).lost == 0);
    CHECK(account.snapshot("a", number(10)) == Snapshot::old);
    CHECK(account.snapshot("a", number(12)) == Snapshot::news);
    CHECK(account.report().repeats == 0);
    CHECK(account.report().lost == 0);
    // Its value came, but 11 and 12 as live messages did not.
    CHECK(account.message("a", number(13)).lost == 2);
}

TEST_CASE("loss: what is lost right after a snapshot counts", "[unit][feed]") {
    LossAccount account(10);
    account.snapshot("a", number(9));
    CHECK(account.message("a", number(12)).lost == 2);
}

TEST_CASE("loss: a forgotten topic makes the count unknown, not zero", "[unit][feed]") {
    LossAccount account(2);
    account.message("a", number(1));
    account.message("b", number(1));
    account.message("a", number(2));
    CHECK_FALSE(account.report().unknown);
    account.message("c", number(1)); // forgets b
    CHECK(account.report().unknown);
    CHECK(account.report().topics_forgotten_total == 1);
    CHECK(account.message("b", number(9)).lost == 0); // a new base line, forgets a
    CHECK(account.message("c", number(3)).lost == 1);
    CHECK(account.report().lost == 1);
    CHECK(account.report().topics == 2);
}

TEST_CASE("loss: a publisher that forgot its numbers makes the count unknown", "[unit][feed]") {
    LossAccount account(10);
    account.message("a", number(50, 1, 0));
    CHECK(account.message("a", number(3, 1, 7)).lost == 0);
    CHECK(account.report().unknown);
    CHECK(account.report().repeats == 0);
    CHECK(account.message("a", number(5, 1, 7)).lost == 1);
    CHECK(account.last_sent("a", number(1, 1, 8)) == 0);
    CHECK(account.message("a", number(2, 1, 8)).lost == 0);
}

TEST_CASE("loss: what was not asked for in between is not lost", "[unit][feed]") {
    LossAccount account(10);
    account.message("a.1", number(1));
    account.message("b.1", number(1));
    account.stop_unless([](ByteView topic) { return topic.front() == 'b'; });
    CHECK(account.last_sent("a.1", number(5)) == 0);
    CHECK(account.message("a.1", number(2)).lost == 0); // still queued from before
    CHECK_FALSE(account.report().unknown);
    CHECK(account.message("a.1", number(9)).lost == 0); // asked for again
    CHECK(account.report().unknown);                    // part of it may have been lost after all
    CHECK(account.message("a.1", number(11)).lost == 1);
    CHECK(account.message("b.1", number(3)).lost == 1);
    CHECK(account.report().lost == 2);
}

TEST_CASE("loss: forgetting the base lines keeps the counts", "[unit][feed]") {
    LossAccount account(10);
    account.message("a", number(1));
    account.message("a", number(3));
    account.forget_base_lines();
    CHECK(account.message("a", number(100)).lost == 0);
    CHECK(account.report().lost == 1);
    CHECK_FALSE(account.report().unknown);
}

TEST_CASE("loss: forged numbers cannot make the count wrap", "[unit][feed]") {
    LossAccount account(10);
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
        account.message("a", number(1, epoch));
        account.message("a", number(UINT64_MAX - 1, epoch));
    }
    CHECK(account.report().lost == UINT64_MAX);
}

TEST_CASE("loss: equals the true loss whatever is lost", "[unit][feed]") {
    const auto seed = test::seed(311);
    INFO("seed " << seed);
    Random random(seed);
    for (int run = 0; run < 200; ++run) {
        LossAccount account(100);
        std::map<std::string, std::uint64_t> sent;
        std::map<std::string, bool> started;
        std::uint64_t lost = 0;
        const std::uint64_t one_in = 1 + random.below(5);
        for (int message = 0; message < 300; ++message) {
            const std::string topic = "t" + std::to_string(random.below(5));
            const std::uint64_t sequence = ++sent[topic];
            if (random.one_in(one_in)) {
                lost += started[topic] ? 1 : 0;
            } else {
                started[topic] = true;
                account.message(topic, number(sequence));
            }
            if (random.one_in(20)) // a heartbeat, itself sometimes lost
                for (const auto& [each, last] : sent)
                    if (!random.one_in(3))
                        account.last_sent(each, number(last));
        }
        for (const auto& [topic, last] : sent)
            account.last_sent(topic, number(last));
        REQUIRE(account.report().lost == lost);
        REQUIRE(account.report().repeats == 0);
        REQUIRE_FALSE(account.report().unknown);
    }
}
