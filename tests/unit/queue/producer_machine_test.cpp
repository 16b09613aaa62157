// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/producer_machine.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

using Code = leased::ErrorCode;

// A machine with one lane, and what it said.
struct Bench {
    explicit Bench(ProducerLimits limits = {}, std::size_t stores = 1)
        : machine(limits, stores, 7), lane(machine.add_lane()) {}

    void connect() {
        machine.tick(now, out);
        REQUIRE(out.connect);
        out.clear();
        machine.heard();
        REQUIRE(machine.state() == ProducerMachine::State::ready);
    }
    void append(int messages) {
        for (int i = 0; i < messages; ++i)
            machine.append(lane, 100);
    }
    // Whatever may leave, leaves.
    std::vector<PutHead> send_all() {
        std::vector<PutHead> sent;
        while (const auto order = machine.next(now, out)) {
            counts.push_back(order->messages_max);
            sent.push_back(
                machine.sent(*order, order->messages_max, order->messages_max * 100, now));
        }
        machine.check();
        return sent;
    }
    void ok(const PutHead& put, std::uint64_t accepted, MessageId first_id,
            std::uint64_t duplicates = 0, PutExceptions but = {}) {
        machine.receive(put.correlation,
                        PutOk{{first_id, accepted, duplicates, 0, std::move(but)}, Acked::unsaid},
                        now, out);
        machine.check();
    }
    void refuse(const PutHead& put, Code code, std::uint64_t sequence, std::uint64_t accepted = 0,
                MessageId first_id = 0) {
        machine.receive(put.correlation,
                        PutRefused{{first_id, accepted, 0, sequence, {}}, code, "why"}, now, out);
        machine.check();
    }

    Instant now{1h};
    ProducerOutputs out;
    ProducerMachine machine;
    ProducerLane lane;
    std::vector<std::uint64_t> counts;
};

} // namespace

TEST_CASE("producer_machine: nothing leaves before the store was heard", "[unit][queue]") {
    Bench bench;
    bench.append(3);
    CHECK(bench.send_all().empty());
    bench.machine.tick(bench.now, bench.out);
    CHECK(bench.out.ping);
    CHECK(bench.send_all().empty());
    bench.machine.heard();
    const auto sent = bench.send_all();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].from.sequence == 1);
    CHECK(sent[0].from.producer.size() == 32);
    CHECK_FALSE(sent[0].from.maybe_duplicate);
    CHECK(bench.out.epochs == std::vector<ProducerLane>{bench.lane});
}

TEST_CASE("producer_machine: a lone message leaves at once, company gathers", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.append(1);
    const auto lone =
        bench.machine.next(bench.lane, ProducerMachine::Leave::alone, bench.now, bench.out);
    REQUIRE(lone);
    bench.machine.sent(*lone, 1, 100, bench.now);
    bench.append(1);
    CHECK_FALSE(
        bench.machine.next(bench.lane, ProducerMachine::Leave::alone, bench.now, bench.out));
    CHECK(bench.machine.next(bench.lane, ProducerMachine::Leave::gathered, bench.now, bench.out));
    bench.append(1000); // a full put leaves whatever is under way
    CHECK(bench.machine.next(bench.lane, ProducerMachine::Leave::alone, bench.now, bench.out));
}

TEST_CASE("producer_machine: the window is never exceeded", "[unit][queue]") {
    ProducerLimits limits;
    limits.window_messages = 10;
    Bench bench(limits);
    bench.connect();
    bench.append(100);
    std::uint64_t answered = 0;
    while (answered < 100) {
        for (const PutHead& put : bench.send_all()) {
            const std::uint64_t count = bench.counts.front();
            bench.counts.erase(bench.counts.begin());
            bench.ok(put, count, answered + 1);
            answered += count;
        }
    }
    CHECK(bench.machine.unsettled() == 0);
}

TEST_CASE("producer_machine: an answer tells every message's fate", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.append(8);
    const auto put = bench.send_all();
    REQUIRE(put.size() == 1);
    // Two were there before, one is refused, one has a known message_id.
    bench.ok(put[0], 4, 50, 3, {{{3, Code::too_large}}, {{5, 17}}});
    using Outcome = Settled::Outcome;
    const std::vector<Settled>& settled = bench.out.settled;
    REQUIRE(settled.size() == 6);
    const auto is = [&](std::size_t i, std::uint64_t first, std::uint64_t count, Outcome outcome,
                        MessageId id) {
        CHECK(settled[i].first == first);
        CHECK(settled[i].count == count);
        CHECK(settled[i].outcome == outcome);
        CHECK(settled[i].id == id);
    };
    is(0, 1, 2, Outcome::stored, 0);
    is(1, 3, 1, Outcome::stored, 50);
    is(2, 4, 1, Outcome::refused, 0);
    is(3, 5, 1, Outcome::stored, 51);
    is(4, 6, 1, Outcome::duplicate, 17);
    CHECK(settled[2].code == Code::too_large);
    is(5, 7, 2, Outcome::stored, 52);
    CHECK(bench.machine.settled(bench.lane) == 8);
}

TEST_CASE("producer_machine: full keeps the numbers and comes back after a pause",
          "[unit][queue]") {
    ProducerLimits limits;
    limits.window_messages = 4; // puts of two
    Bench bench(limits);
    bench.connect();
    bench.append(4);
    const auto put = bench.send_all();
    REQUIRE(put.size() == 2);
    bench.refuse(put[0], Code::full, 1, 1, 30);
    REQUIRE(bench.out.settled.size() == 1);
    CHECK(bench.out.settled[0].id == 30);
    CHECK(bench.machine.trouble() == "full: why");
    CHECK(bench.machine.full_total() == 1);
    // The second was refused for the first one's sake: that is known already.
    bench.refuse(put[1], Code::out_of_order, 1);
    CHECK(bench.send_all().empty());
    CHECK(bench.machine.next_deadline() > bench.now);
    bench.now = bench.machine.next_deadline();
    const auto again = bench.send_all();
    REQUIRE(again.size() == 1); // one at a time asks whether there is room
    CHECK(again[0].from.sequence == 2);
    CHECK(again[0].from.producer == put[0].from.producer);
    CHECK_FALSE(again[0].from.maybe_duplicate);
    bench.ok(again[0], 2, 31);
    CHECK(bench.machine.trouble().empty());
    CHECK(bench.send_all().size() == 1);
    CHECK(bench.machine.resent_total() == 3);
}

TEST_CASE("producer_machine: a new connection sends again what has no answer", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.machine.connection_made();
    bench.append(3);
    const auto put = bench.send_all();
    bench.machine.connection_made(); // another one
    const auto again = bench.send_all();
    REQUIRE(again.size() == 1);
    CHECK(again[0].from.sequence == 1);
    bench.ok(put[0], 3, 1); // an answer of the old connection: too late
    CHECK(bench.machine.unsettled() == 3);
    bench.ok(again[0], 0, 0, 3);
    CHECK(bench.machine.unsettled() == 0);
    CHECK(bench.machine.maybe_duplicate_total() == 0);
}

TEST_CASE("producer_machine: a store that does not answer is left for the next", "[unit][queue]") {
    Bench bench({}, 2);
    bench.connect();
    bench.append(2);
    const auto put = bench.send_all();
    bench.now += 10s;
    bench.machine.tick(bench.now, bench.out);
    CHECK(bench.machine.state() == ProducerMachine::State::closed);
    bench.now = bench.machine.next_deadline();
    bench.out.clear();
    bench.machine.tick(bench.now, bench.out);
    CHECK(bench.out.connect == std::size_t{1});
    bench.machine.heard();
    bench.append(1);
    const auto again = bench.send_all();
    REQUIRE(again.size() == 2);
    // They know nothing of each other: another id, and what may be at the first is marked.
    CHECK(again[0].from.producer != put[0].from.producer);
    CHECK(again[0].from.sequence == 1);
    CHECK(again[0].from.maybe_duplicate);
    CHECK(again[1].from.sequence == 3);
    CHECK_FALSE(again[1].from.maybe_duplicate);
    CHECK(bench.machine.maybe_duplicate_total() == 2);
}

TEST_CASE("producer_machine: forgotten by its store it begins a new epoch", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.append(2);
    auto put = bench.send_all();
    bench.ok(put[0], 2, 1);
    bench.append(2);
    put = bench.send_all();
    bench.out.clear();
    bench.refuse(put[0], Code::unknown_producer, 0);
    const auto again = bench.send_all();
    CHECK(bench.out.epochs.size() == 1);
    REQUIRE(again.size() == 1);
    CHECK(again[0].from.sequence == 1);
    CHECK(again[0].from.producer != put[0].from.producer);
    CHECK(again[0].from.maybe_duplicate);
    CHECK(bench.machine.epoch(bench.lane).base == 2);
}

TEST_CASE("producer_machine: a store that lost what it confirmed gets a new epoch",
          "[unit][queue]") {
    Bench bench; // durability relaxed, killed
    bench.connect();
    bench.append(2);
    auto put = bench.send_all();
    bench.ok(put[0], 2, 1);
    bench.append(1);
    put = bench.send_all();
    bench.refuse(put[0], Code::out_of_order, 1);
    const auto again = bench.send_all();
    REQUIRE(again.size() == 1);
    CHECK(again[0].from.sequence == 1);
    CHECK(again[0].from.producer != put[0].from.producer);
}

TEST_CASE("producer_machine: a final refusal is told and the rest goes on", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.append(2);
    const auto put = bench.send_all();
    bench.append(1);
    const auto behind = bench.send_all();
    bench.machine.receive(put[0].correlation,
                          leased::Event{leased::ErrorReply{Code::no_queue, "create it", 0, 0, 0}},
                          bench.now, bench.out);
    bench.machine.check();
    REQUIRE(bench.out.settled.size() == 1);
    CHECK(bench.out.settled[0].outcome == Settled::Outcome::refused);
    CHECK(bench.out.settled[0].count == 2);
    CHECK(bench.out.settled[0].text == "create it");
    // Nobody said that the numbers are used up, so they start over.
    const auto again = bench.send_all();
    REQUIRE(again.size() == 1);
    CHECK(again[0].from.sequence == 1);
    bench.ok(behind[0], 1, 9); // not asked any more
    CHECK(bench.machine.unsettled() == 1);
    // Where the store says that they are, they go on.
    bench.refuse(again[0], Code::not_allowed, 1);
    bench.append(1);
    const auto next = bench.send_all();
    REQUIRE(next.size() == 1);
    CHECK(next[0].from.sequence == 2);
    CHECK(next[0].from.producer == again[0].from.producer);
}

TEST_CASE("producer_machine: draining and bye send it elsewhere", "[unit][queue]") {
    Bench bench({}, 2);
    bench.connect();
    bench.append(1);
    const auto put = bench.send_all();
    bench.refuse(put[0], Code::draining, 0);
    CHECK(bench.machine.state() == ProducerMachine::State::closed);
    CHECK(bench.machine.unsettled() == 1);
    bench.now = bench.machine.next_deadline();
    bench.connect();
    CHECK(bench.machine.store() == 1);
    bench.machine.receive_bye(bench.now);
    CHECK(bench.machine.state() == ProducerMachine::State::closed);
}

TEST_CASE("producer_machine: an outbox that was there before goes on where it was",
          "[unit][queue]") {
    ProducerMachine machine({}, 1, 3);
    const ProducerLane lane = machine.restore_lane({"feed", 10, 0}, 14, 20, 600);
    CHECK(machine.unsettled() == 6);
    ProducerOutputs out;
    machine.tick(Instant{1h}, out);
    machine.heard();
    const auto order = machine.next(Instant{1h}, out);
    REQUIRE(order);
    CHECK(order->first == 15);
    const PutHead head = machine.sent(*order, 6, 600, Instant{1h});
    CHECK(head.from == ProducerSequence{"feed", 5, false});
    CHECK(machine.epoch(lane).producer == "feed");
    machine.check();
}

TEST_CASE("producer_machine: answers that make no sense break nothing", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.machine.receive(~std::uint64_t{0}, PutOk{}, bench.now, bench.out);
    bench.append(2);
    auto put = bench.send_all();
    bench.ok(put[0], 99, 1, 77, {{{9, Code::full}}, {{1, 1}, {0, 2}}});
    CHECK(bench.machine.unsettled() == 0);
    bench.append(2);
    put = bench.send_all();
    bench.refuse(put[0], Code::full, 1000); // more than was ever sent
    CHECK(bench.machine.unsettled() == 2);
    CHECK(bench.send_all().size() == 1);
}

TEST_CASE("producer_machine: messages of which acked is told are put one by one", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.append(2);
    bench.machine.append(bench.lane, 100, bench.now + 5s);
    bench.machine.append(bench.lane, 100, bench.now + 40s);
    bench.append(3);
    const auto puts = bench.send_all();
    CHECK(bench.counts == std::vector<std::uint64_t>{2, 1, 1, 3});
    REQUIRE(puts.size() == 4);
    CHECK_FALSE(puts[0].tell_acked);
    CHECK(puts[1].tell_acked);
    CHECK(puts[1].acked_max == 5s);
    CHECK(puts[2].tell_acked);
    CHECK_FALSE(puts[3].tell_acked);
    bench.ok(puts[0], 2, 1);
    bench.ok(puts[1], 1, 3);
    const std::uint64_t losses = bench.machine.losses();
    bench.machine.connection_made();
    bench.machine.connection_lost(bench.now);
    CHECK(bench.machine.losses() > losses);
    bench.now += 10s;
    bench.connect();
    bench.counts.clear();
    const auto again = bench.send_all(); // they are told of when they are put again, too
    CHECK(bench.counts == std::vector<std::uint64_t>{1, 3});
    REQUIRE(again.size() == 2);
    CHECK(again[0].tell_acked);
    CHECK(again[0].acked_max == 30s); // what is left
}

TEST_CASE("producer_machine: who waits no longer is put alone, and told nothing", "[unit][queue]") {
    Bench bench;
    bench.connect();
    bench.machine.append(bench.lane, 100, bench.now);
    bench.machine.append(bench.lane, 100, never);
    const auto puts = bench.send_all();
    REQUIRE(puts.size() == 2);
    CHECK_FALSE(puts[0].tell_acked);
    CHECK(puts[1].acked_max == limits::watch_max);
    PutOk full{{1, 1, 0, 1, {}, 0}, Acked::unsaid};
    bench.machine.receive(puts[0].correlation, PutOk{{1, 1, 0, 1, {}}, Acked::unsaid}, bench.now,
                          bench.out);
    bench.machine.receive(puts[1].correlation, full, bench.now, bench.out);
    REQUIRE(bench.out.settled.size() == 2);
    CHECK(bench.out.settled[0].is_watched);
    CHECK_FALSE(bench.out.settled[1].is_watched);
}

TEST_CASE("producer machine: who says that he is no store settles nothing", "[unit][queue]") {
    Bench bench{{}, 2};
    bench.append(3);
    bench.machine.tick(bench.now, bench.out);
    REQUIRE(bench.out.connect == std::optional<std::size_t>{0});
    bench.out.clear();
    bench.machine.wrong_peer("this is a broker", bench.now);
    CHECK(bench.machine.state() == ProducerMachine::State::closed);
    CHECK(bench.machine.stranger() == "this is a broker");
    CHECK_FALSE(bench.machine.has_only_strangers()); // the other one was not asked
    CHECK(bench.machine.unsettled() == 3);

    SECTION("the next one is tried") {
        bench.now = bench.machine.next_deadline();
        bench.connect();
        CHECK(bench.machine.store() == 1);
        CHECK(bench.machine.stranger().empty());
        REQUIRE(bench.send_all().size() == 1);
        SECTION("and may turn into somebody else under way") {
            bench.machine.wrong_peer("", bench.now);
            bench.machine.check();
            CHECK(bench.machine.unsettled() == 3);
            CHECK(bench.machine.has_only_strangers());
            CHECK(bench.machine.stranger() == "no store is there");
        }
    }
    SECTION("none of them is a store, until one is") {
        bench.now = bench.machine.next_deadline();
        bench.machine.tick(bench.now, bench.out);
        bench.machine.wrong_peer("this is a broker", bench.now);
        CHECK(bench.machine.has_only_strangers());
        bench.out.clear();
        bench.now = bench.machine.next_deadline();
        bench.connect();
        CHECK_FALSE(bench.machine.has_only_strangers());
    }
}
