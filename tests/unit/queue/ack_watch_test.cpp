// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/ack_watch.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using Outcome = Acknowledgement::Outcome;

namespace {

struct AckBench {
    AckWatch watch;
    Instant now{1h};

    void stored(std::uint64_t ticket, MessageId id, std::uint32_t lane = 0) {
        watch.add(ticket, now + 10s);
        watch.confirmed({ticket, Confirm::Outcome::stored, id, {}}, lane);
    }
    // What became of one, said once.
    Acknowledgement only() {
        const auto all = watch.take();
        REQUIRE(all.size() == 1);
        CHECK_FALSE(watch.has_news());
        return all[0];
    }
};

} // namespace

TEST_CASE("ack_watch: a stored message is acknowledged, or dead, once", "[unit][queue]") {
    AckBench bench;
    bench.stored(1, 7);
    bench.stored(2, 7, 1);              // another queue has ids of its own
    bench.watch.told(0, 8, Acked::yes); // somebody else's
    CHECK_FALSE(bench.watch.has_news());
    bench.watch.told(0, 7, Acked::yes);
    CHECK(bench.only().ticket == 1);
    bench.watch.told(0, 7, Acked::no);
    CHECK_FALSE(bench.watch.has_news());
    bench.watch.told(1, 7, Acked::no);
    const Acknowledgement dead = bench.only();
    CHECK(dead.ticket == 2);
    CHECK(dead.outcome == Outcome::dead);
    CHECK(bench.watch.size() == 0);
    CHECK(bench.watch.next_deadline() == never);
}

TEST_CASE("ack_watch: what did not get into the queue is not waited for", "[unit][queue]") {
    AckBench bench;
    bench.watch.add(1, bench.now + 10s);
    bench.watch.confirmed({1, Confirm::Outcome::refused, 0, {Errc::too_large, "why"}}, 0);
    const Acknowledgement refused = bench.only();
    CHECK(refused.outcome == Outcome::refused);
    CHECK(refused.error.code == Errc::too_large);
    bench.watch.add(2, bench.now + 10s);
    bench.watch.confirmed({2, Confirm::Outcome::duplicate, 5, {}}, 0);
    CHECK(bench.only().error.code == Errc::exists);
    bench.watch.add(3, bench.now + 10s);
    bench.watch.confirmed({3, Confirm::Outcome::stored, 0, {}}, 0); // by an earlier try
    CHECK(bench.only().error.code == Errc::peer_gone);
    bench.watch.confirmed({4, Confirm::Outcome::stored, 9, {}}, 0); // nobody waits for it
    CHECK_FALSE(bench.watch.has_news());
}

TEST_CASE("ack_watch: a store that watches others, or no longer, is not waited for",
          "[unit][queue]") {
    AckBench bench;
    bench.watch.add(1, bench.now + 10s);
    bench.watch.confirmed({1, Confirm::Outcome::stored, 7, {}}, 0, AckWatch::Store::is_full);
    const Acknowledgement unwatched = bench.only();
    CHECK(unwatched.outcome == Outcome::unknown);
    CHECK(unwatched.error.code == Errc::too_many);
    bench.stored(2, 8);
    bench.watch.told(0, 8, Acked::unknown);
    const Acknowledgement late = bench.only();
    CHECK(late.outcome == Outcome::unknown);
    CHECK(late.error.code == Errc::timeout);
}

TEST_CASE("ack_watch: a deadline ends the wait, stored or not", "[unit][queue]") {
    AckBench bench;
    bench.stored(1, 7);
    bench.now += 1s;
    bench.watch.add(2, bench.now + 10s);
    CHECK(bench.watch.next_deadline() == bench.now + 9s);
    bench.watch.tick(bench.now + 9s - 1ns);
    CHECK_FALSE(bench.watch.has_news());
    bench.watch.tick(bench.now + 9s);
    const Acknowledgement late = bench.only();
    CHECK(late.ticket == 1);
    CHECK(late.outcome == Outcome::unknown);
    CHECK(late.error.code == Errc::timeout);
    bench.watch.tick(bench.now + 10s);
    CHECK(bench.only().ticket == 2);
    bench.watch.confirmed({2, Confirm::Outcome::stored, 8, {}}, 0);
    bench.watch.told(0, 8, Acked::yes);
    CHECK_FALSE(bench.watch.has_news());
}

TEST_CASE("ack_watch: with the connection goes the word about what is stored, not the rest",
          "[unit][queue]") {
    AckBench bench;
    bench.stored(1, 7);
    bench.watch.add(2, bench.now + 10s); // will be put again
    bench.watch.lose({Errc::peer_gone, "why"});
    const Acknowledgement lost = bench.only();
    CHECK(lost.ticket == 1);
    CHECK(lost.outcome == Outcome::unknown);
    CHECK(lost.error.code == Errc::peer_gone);
    bench.watch.confirmed({2, Confirm::Outcome::stored, 8, {}}, 0);
    bench.watch.told(0, 8, Acked::yes);
    CHECK(bench.only().outcome == Outcome::acknowledged);
}
