// SPDX-License-Identifier: Apache-2.0
// What becomes of what a worker holds when it goes, is silent, and when it comes back.
#include "source_bench.hpp"

using namespace flotilla;
using namespace flotilla::pipeline;
using Bench = flotilla::pipeline::test::SourceBench;
using flotilla::pipeline::test::Ids;
namespace leased = flotilla::wire::leased;

TEST_CASE("source machine: an unreachable worker has a grace to come back in", "[unit][work]") {
    Bench bench;
    bench.hello("a", 5);
    const std::uint64_t session = std::get<leased::Ok>(bench.last()).terms->session;
    bench.submit(2);
    bench.machine.unreachable("a", SourceMachine::Unreachable::gone, bench.now, bench.out);
    bench.submit(1);
    CHECK(bench.given["a"].size() == 2); // nothing new for it
    bench.pass(bench.limits.return_grace - 1ms);
    bench.say("a2", leased::Hello{"", "", 1, true, {}, session, 5});
    CHECK(std::get<leased::Ok>(bench.last()).terms->session == session);
    CHECK(bench.given["a2"] == Ids{3});
    bench.pass(bench.limits.return_grace);
    bench.ack("a2", 1);
    bench.ack("a2", 2);
    CHECK(bench.machine.counters().requeued_total == 0);
    CHECK(bench.machine.counters().finished_total == 2);
    // This time it does not.
    bench.machine.unreachable("a2", SourceMachine::Unreachable::gone, bench.now, bench.out);
    bench.pass(bench.limits.return_grace);
    CHECK(bench.machine.counters().requeued_total == 1);
    CHECK(bench.machine.levels().sessions == 0);
    // And its session is not known any more.
    bench.say("a3", leased::Hello{"", "", 1, true, {}, session, 5});
    CHECK(std::get<leased::Ok>(bench.last()).terms->session != session);
    CHECK(bench.given["a3"] == Ids{3});
}

TEST_CASE("source machine: what did not reach a worker that comes back goes out again at once",
          "[unit][work]") {
    Bench bench;
    bench.hello("a", 3);
    const std::uint64_t session = std::get<leased::Ok>(bench.last()).terms->session;
    bench.submit(5);
    CHECK(bench.given["a"] == Ids{1, 2, 3});
    const leased::Held held{bench.machine.epoch(), {{2, 2}}};
    bench.say("a2", leased::Hello{"", "", 1, true, {}, session, 3, held});
    CHECK(bench.given["a2"] == Ids{1, 3}); // and 4 waits for a window of three
    CHECK(bench.machine.counters().requeued_total == 2);
    bench.ack("a2", 2);
    CHECK(bench.given["a2"] == Ids{1, 3, 4});
    CHECK(bench.machine.counters().lease_lost_total == 0);
    // What it says of another source's leases is none of ours.
    bench.say("a3", leased::Hello{"", "", 1, true, {}, session, 3, leased::Held{1, {}}});
    CHECK(bench.machine.counters().requeued_total == 2);
    CHECK(bench.machine.levels().leased == 3);
}

TEST_CASE("source machine: another user cannot take a session over", "[unit][work]") {
    Bench bench;
    bench.say("a", leased::Hello{"", "", 1, true, {}, 0, 1}, "owner");
    const std::uint64_t session = std::get<leased::Ok>(bench.last()).terms->session;
    bench.submit(1);
    bench.say("b", leased::Hello{"", "", 1, true, {}, session, 1}, "thief");
    CHECK(std::get<leased::Ok>(bench.last()).terms->session != session);
    CHECK(bench.machine.levels().sessions == 2);
    bench.ack("b", 1, "thief");
    CHECK(bench.last_error() == leased::ErrorCode::lease_lost);
    CHECK(bench.machine.levels().leased == 1);
}

TEST_CASE("source machine: a lost connection is a hint, asked about twice", "[unit][work]") {
    Bench bench;
    bench.machine.receive({"a", "", 7}, {}, leased::Hello{"", "", 1, true, {}, 0, 1}, bench.now,
                          bench.out);
    bench.submit(1);
    bench.out.clear();
    bench.machine.connection_lost(9, bench.now, bench.out); // nobody's
    CHECK(bench.out.sends.empty());
    bench.machine.connection_lost(7, bench.now, bench.out);
    REQUIRE(bench.out.sends.size() == 1);
    CHECK(std::holds_alternative<leased::Ping>(bench.last()));
    bench.pass(bench.limits.return_grace);
    CHECK(bench.out.sends.size() == 2);
    bench.pass(bench.limits.return_grace);
    CHECK(bench.out.sends.size() == 2);
    CHECK(bench.machine.levels().leased == 1); // the transport still reaches it
    CHECK(bench.machine.levels().sessions == 1);
}

TEST_CASE("source machine: a silent worker's work goes on", "[unit][work]") {
    SourceLimits limits;
    limits.lease = 10min;
    Bench bench(limits);
    bench.hello("a", 1);
    bench.submit(1);
    bench.pass(limits.silence_max - 1ms);
    CHECK(bench.machine.levels().leased == 1);
    bench.say("a", leased::Pong{}); // any word will do
    bench.pass(limits.silence_max - 1ms);
    CHECK(bench.machine.levels().leased == 1);
    bench.pass(1ms);
    CHECK(bench.machine.levels().leased == 0);
    CHECK(bench.machine.counters().sessions_dropped_total == 1);
    // Who only takes holds its lease without a word, and is forgotten when it holds nothing.
    bench.say("b", leased::Take{});
    CHECK(bench.given["b"] == Ids{1});
    bench.pass(limits.silence_max * 2);
    CHECK(bench.machine.levels().leased == 1);
    bench.pass(limits.lease);
    bench.pass(limits.silence_max);
    CHECK(bench.machine.levels().sessions == 0);
    CHECK(bench.machine.levels().pending == 1);
}

TEST_CASE("source machine: a new hello on the same connection is a new beginning", "[unit][work]") {
    Bench bench;
    bench.hello("a", 2);
    bench.submit(2);
    bench.hello("a", 1);
    CHECK(bench.machine.levels().sessions == 1);
    CHECK(bench.given["a"] == Ids{1, 2, 1});
    CHECK(bench.machine.counters().requeued_total == 2);
}
