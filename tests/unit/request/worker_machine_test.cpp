// SPDX-License-Identifier: Apache-2.0
#include "worker_bench.hpp"

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using Words = std::vector<std::string>;
using State = WorkerMachine::State;
using Change = WorkerOutputs::Change;

TEST_CASE("worker machine: it asks what the broker speaks, and registers in that",
          "[unit][request]") {
    WorkerBench bench(std::nullopt);
    CHECK(bench.out.change == Change::open);
    bench.out.clear();
    bench.pass(1h);
    CHECK(bench.machine.next_deadline() == never); // nothing to say to nobody
    CHECK(bench.said().empty());
    bench.connect();
    REQUIRE(bench.out.sends.size() == 1);
    const Message& asked = bench.out.sends[0];
    CHECK(asked.dialect == Dialect::mdp_02);
    CHECK(asked.side == Side::client);
    CHECK(asked.service == ByteView{"mmi.flotilla"});
    CHECK(bench.machine.listens_as_client());
    CHECK_FALSE(bench.machine.is_registered());
    bench.out.clear();

    const auto [answer, dialect] =
        GENERATE(std::pair{"200", Dialect::flotilla}, std::pair{"501", Dialect::mdp_02},
                 std::pair{"404", Dialect::mdp_02}, std::pair{"", Dialect::mdp_02});
    bench.hear_as_client(Verb::final, answer);
    CHECK(bench.machine.dialect() == dialect);
    REQUIRE(bench.out.sends.size() == 1);
    CHECK(bench.out.sends[0].verb == Verb::ready);
    CHECK(bench.out.sends[0].dialect == dialect);
    CHECK(bench.out.sends[0].service == ByteView{"echo"});
    CHECK(bench.out.sends[0].capacity == 2);
    CHECK(bench.machine.is_registered());
    CHECK_FALSE(bench.machine.listens_as_client());
}

TEST_CASE("worker machine: an unanswered question is followed by 0.1, by 0.2, and asked again",
          "[unit][request]") {
    WorkerBench bench(std::nullopt);
    std::vector<std::string> tried;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(bench.out.change == Change::open);
        bench.out.clear();
        bench.connect();
        REQUIRE(bench.out.sends.size() == 1);
        tried.emplace_back(bench.machine.is_registered() ? name(bench.machine.dialect()) : "ask");
        bench.out.clear();
        while (bench.machine.state() != State::closed)
            bench.pass_on(); // silence
        CHECK(bench.out.change == Change::close);
        bench.out.clear();
        bench.pass_on();
    }
    CHECK(tried == Words{"ask", "mdp-0.1", "mdp-0.2", "ask", "mdp-0.1"});
}

TEST_CASE("worker machine: whoever comes behind a lost connection is asked anew",
          "[unit][request]") {
    WorkerBench bench(std::nullopt);
    bench.connect();
    bench.pass_on();
    bench.pass_on();
    bench.connect();
    CHECK(bench.machine.dialect() == Dialect::mdp_01);
    bench.hear(Verb::heartbeat);
    bench.machine.connection_lost(bench.now, bench.out);
    bench.pass_on();
    bench.out.clear();
    bench.connect();
    CHECK(bench.machine.state() == State::asking);
}

TEST_CASE("worker machine: heartbeats go out, and three missing ones end the connection",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    CHECK(bench.said() == Words{"ready"});
    bench.pass(999ms);
    CHECK(bench.said().empty());
    bench.pass(1ms);
    CHECK(bench.said() == Words{"heartbeat"});
    bench.hear(Verb::heartbeat);
    bench.pass(1s);
    bench.pass(1s);
    CHECK(bench.said() == Words{"heartbeat", "heartbeat"});
    bench.pass(1s);
    CHECK(bench.out.change == Change::close);
    // A broker that lives after all must not take us for still there.
    CHECK(bench.said() == Words{"disconnect"});
    CHECK(bench.machine.state() == State::closed);
}

TEST_CASE(
    "worker machine: silence towards a busy worker means something only in Flotilla's dialect",
    "[unit][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    WorkerBench bench(dialect);
    bench.connect();
    const std::uint64_t number = bench.give("t");
    for (int i = 0; i < 10; ++i)
        bench.pass(1s);
    if (dialect == Dialect::flotilla) {
        CHECK(bench.machine.state() != State::ready);
        CHECK(bench.out.released == std::vector<std::uint64_t>{number});
        return;
    }
    CHECK(bench.machine.state() == State::ready);
    CHECK(bench.answer(number)); // now it may be heard again, or not
    bench.pass(2999ms);
    CHECK(bench.machine.state() == State::ready);
    bench.pass(1ms);
    CHECK(bench.machine.state() == State::closed);
}

TEST_CASE("worker machine: a broker that refuses again and again is met ever more rarely",
          "[unit][request]") {
    WorkerBench bench(Dialect::mdp_02);
    std::vector<Duration> pauses;
    for (int i = 0; i < 12; ++i) {
        bench.out.clear();
        bench.connect();
        bench.hear(Verb::disconnect);
        CHECK(bench.out.change == Change::close);
        CHECK(bench.said() == Words{"ready"}); // and nothing in answer
        CHECK(bench.machine.state() == State::closed);
        pauses.push_back(bench.machine.next_deadline() - bench.now);
        bench.pass(pauses.back());
        REQUIRE(bench.machine.state() == State::connecting);
    }
    CHECK(pauses[0] >= 75ms);
    CHECK(pauses[0] <= 125ms);
    CHECK(pauses[4] > pauses[0] * 4);
    CHECK(pauses.back() >= 7500ms);
    CHECK(pauses.back() <= 12500ms);
    // One that keeps us makes the next pause short again.
    bench.connect();
    bench.hear(Verb::heartbeat);
    bench.hear(Verb::disconnect);
    CHECK(bench.machine.next_deadline() - bench.now <= 125ms);
}

TEST_CASE("worker machine: requests are answered under the address that they came with",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    const std::uint64_t first = bench.give("one");
    const std::uint64_t second = bench.give("two");
    CHECK(bench.machine.held() == 2);
    CHECK(WorkerMachine::place(first) != WorkerMachine::place(second));
    bench.out.clear();
    CHECK(bench.answer(second));
    CHECK(bench.machine.partial(first, wire::Frames{"a"}, bench.now, bench.out));
    CHECK(bench.machine.partial(first, wire::Frames{"b"}, bench.now, bench.out));
    CHECK(bench.machine.answer(first, {}, bench.now, bench.out));
    REQUIRE(bench.out.sends.size() == 4);
    CHECK(bench.out.sends[0].address == ByteView{"two"});
    CHECK(bench.out.sends[1].part == 0);
    CHECK(bench.out.sends[2].part == 1);
    CHECK(bench.out.sends[3].address == ByteView{"one"});
    CHECK(bench.out.sends[3].body == wire::Frames{""});
    CHECK(bench.machine.held() == 0);
    // Once each.
    CHECK_FALSE(bench.answer(first));
    CHECK_FALSE(bench.machine.partial(first, {}, bench.now, bench.out));
    CHECK_FALSE(bench.machine.fail(7, ErrorCode::retry, "", bench.now, bench.out));
    CHECK(bench.counters().answered_total == 2);
    CHECK(bench.counters().partials_total == 2);
    CHECK(bench.counters().dropped_total == 2);
    bench.hear(Verb::request, "three", 2);
    CHECK(bench.counters().repeats_total == 1);
}

TEST_CASE("worker machine: what comes beyond the capacity is given back", "[unit][request]") {
    WorkerBench bench(Dialect::flotilla, 1);
    bench.connect();
    (void)bench.give("one");
    bench.out.clear();
    bench.hear(Verb::request, "two");
    CHECK(bench.out.given.empty());
    REQUIRE(bench.out.sends.size() == 1);
    CHECK(bench.out.sends[0].code == ErrorCode::retry);
    CHECK(bench.out.sends[0].address == ByteView{"two"});
    CHECK(bench.counters().excess_total == 1);
    // The broker counts a cancelled request as done; the next one is no excess.
    bench.hear(Verb::cancel, "one");
    (void)bench.give("three");
    CHECK(bench.counters().excess_total == 1);
}

TEST_CASE(
    "worker machine: a broker of an RFC dialect decides how much a worker holds, up to a bound",
    "[unit][request]") {
    WorkerBench bench(Dialect::mdp_02, 1);
    bench.connect();
    for (std::uint32_t i = 0; i < limits::capacity_max; ++i)
        bench.hear(Verb::request, "t");
    CHECK(bench.machine.held() == limits::capacity_max);
    bench.hear(Verb::request, "t");
    CHECK(bench.machine.held() == limits::capacity_max);
    CHECK(bench.counters().excess_total == 1);
}

TEST_CASE("worker machine: a cancelled request is told of, and its answer is dropped",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    const std::uint64_t number = bench.give("one");
    bench.out.clear();
    bench.hear(Verb::cancel, "other");
    CHECK(bench.out.released.empty());
    bench.hear(Verb::cancel, "one");
    bench.hear(Verb::cancel, "one");
    CHECK(bench.out.released == std::vector<std::uint64_t>{number});
    CHECK(bench.counters().cancelled_total == 1);
    CHECK_FALSE(bench.machine.partial(number, {}, bench.now, bench.out));
    CHECK_FALSE(bench.answer(number));
    // The body stays here, but the broker hears that there is room.
    CHECK(bench.out.sends.back().verb == Verb::error);
    CHECK(bench.machine.held() == 0);
    CHECK(bench.counters().dropped_total == 1);
}

TEST_CASE("worker machine: answers to a connection that is gone are dropped and counted",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    const std::uint64_t old = bench.give("one");
    bench.out.clear();
    bench.machine.connection_lost(bench.now, bench.out);
    CHECK(bench.out.released == std::vector<std::uint64_t>{old});
    bench.out.clear();
    bench.pass_on();
    bench.connect();
    // The new conversation uses the same place.
    const std::uint64_t fresh = bench.give("two");
    CHECK(WorkerMachine::place(fresh) == WorkerMachine::place(old));
    bench.out.clear();
    CHECK_FALSE(bench.answer(old));
    CHECK(bench.out.sends.empty());
    CHECK(bench.counters().dropped_total == 1);
    CHECK(bench.answer(fresh));
}

TEST_CASE("worker machine: where failure cannot be said the worker finishes and registers anew",
          "[unit][request]") {
    WorkerBench bench(Dialect::mdp_02);
    bench.connect();
    const std::uint64_t bad = bench.give("one");
    const std::uint64_t good = bench.give("two");
    bench.out.clear();
    CHECK(bench.machine.fail(bad, ErrorCode::worker_failed, "no", bench.now, bench.out));
    CHECK(bench.said().empty());
    CHECK(bench.answer(good));
    CHECK(bench.out.change == Change::close);
    CHECK(bench.said() == Words{"final", "disconnect"});
    CHECK(bench.counters().unsaid_total == 1);
    bench.pass_on();
    CHECK(bench.out.change == Change::open);
    bench.connect();
    CHECK(bench.said() == Words{"ready"});
    // A stop in between is one.
    (void)bench.machine.fail(bench.give("three"), ErrorCode::retry, "", bench.now, bench.out);
    CHECK(bench.machine.state() == State::closed);
    bench.machine.drain(bench.now, bench.out);
    CHECK(bench.machine.state() == State::stopped);
}

TEST_CASE("worker machine: an answer that is kept back counts as sent or as dropped, not as both",
          "[unit][request]") {
    WorkerBench bench(Dialect::mdp_02);
    bench.connect();
    const std::uint64_t answered = bench.give("one");
    (void)bench.give("two");
    bench.machine.drain(bench.now, bench.out);
    CHECK(bench.answer(answered));
    CHECK(bench.counters().answered_total == 0);
    bench.machine.connection_lost(bench.now, bench.out);
    CHECK(bench.counters().answered_total == 0);
    CHECK(bench.counters().dropped_total == 1);
}

TEST_CASE("worker machine: to drain in Flotilla's dialect is to finish what is held and on its way",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla, 5);
    bench.connect();
    const std::uint64_t held = bench.give("one");
    bench.out.clear();
    bench.machine.drain(bench.now, bench.out);
    CHECK(bench.machine.listens_as_client());
    CHECK(bench.said() == Words{"draining", "ping"});
    CHECK(bench.answer(held));
    CHECK(bench.said() == Words{"final"});
    const std::uint64_t crossed = bench.give("two");
    bench.hear_as_client(Verb::pong);
    CHECK(bench.machine.state() == State::draining);
    bench.out.clear();
    CHECK(bench.answer(crossed));
    CHECK(bench.said() == Words{"final", "disconnect"});
    CHECK(bench.machine.state() == State::stopped);
    CHECK(bench.machine.next_deadline() == never);
}

TEST_CASE("worker machine: a broker without pongs cannot keep a draining worker",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    bench.machine.drain(bench.now, bench.out);
    bench.pass(999ms);
    CHECK(bench.machine.state() == State::draining);
    bench.pass(1ms);
    CHECK(bench.machine.state() == State::stopped);
}

TEST_CASE("worker machine: to drain in an RFC dialect is to answer all at once and go",
          "[unit][request]") {
    WorkerBench bench(Dialect::mdp_01);
    bench.connect();
    const std::uint64_t first = bench.give("one");
    const std::uint64_t second = bench.give("two");
    bench.out.clear();
    bench.machine.drain(bench.now, bench.out);
    CHECK(bench.answer(first));
    CHECK(bench.said().empty()); // the broker would give another for it
    CHECK(bench.answer(second));
    CHECK(bench.out.change == Change::close);
    CHECK(bench.said() == Words{"final", "final", "disconnect"});
    CHECK(bench.machine.state() == State::stopped);
}

TEST_CASE("worker machine: to drain without a broker is to stop", "[unit][request]") {
    const int steps = GENERATE(0, 1, 2);
    WorkerBench bench(steps == 0 ? std::optional{Dialect::flotilla} : std::nullopt);
    if (steps > 0)
        bench.connect(); // asking
    if (steps > 1)
        bench.machine.connection_lost(bench.now, bench.out); // closed
    bench.machine.drain(bench.now, bench.out);
    CHECK(bench.machine.state() == State::stopped);
    bench.machine.drain(bench.now, bench.out);
    bench.out.clear();
    bench.pass(1h);
    CHECK(bench.out.change == Change::keep);
    bench.machine.connection_made(bench.now, bench.out);
    bench.hear(Verb::request, "t");
    CHECK(bench.out.given.empty());
    CHECK(bench.out.sends.empty());
}

TEST_CASE("worker machine: a broker that goes while the worker drains ends the drain",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    const std::uint64_t held = bench.give("one");
    bench.machine.drain(bench.now, bench.out);
    bench.hear(Verb::disconnect);
    CHECK(bench.machine.state() == State::stopped);
    CHECK_FALSE(bench.answer(held));
}

TEST_CASE("worker machine: what a broker does not say to a worker is counted and costs nothing",
          "[unit][request]") {
    WorkerBench bench(Dialect::flotilla);
    bench.connect();
    bench.out.clear();
    for (const Verb verb : {Verb::ready, Verb::final, Verb::error, Verb::draining})
        bench.hear(verb);
    bench.hear_as_client(Verb::pong);
    CHECK(bench.counters().unexpected_total == 5);
    CHECK(bench.machine.state() == State::ready);
    CHECK(bench.said().empty());
    bench.machine.receive_malformed();
    CHECK(bench.counters().malformed_total == 1);
}

TEST_CASE("worker machine: where no broker is, it leaves and says who is there",
          "[unit][request]") {
    WorkerBench bench{std::nullopt};
    bench.out.clear();
    bench.connect();
    REQUIRE(bench.said() == WorkerBench::Words{"request"});
    Message message;
    message.side = Side::client;
    message.verb = Verb::final;
    message.body.add(ByteView{"421"});
    message.body.add(ByteView{"this is a store"});
    bench.machine.receive(std::move(message), bench.now, bench.out);
    REQUIRE(bench.out.refused);
    CHECK(bench.out.refused->code == ErrorCode::wrong_peer);
    CHECK(bench.out.refused->text == "this is a store");
    CHECK(bench.machine.state() == WorkerMachine::State::closed);
    CHECK(bench.counters().registered_total == 0);
    bench.out.clear();
    bench.pass_on();
    CHECK(bench.out.change == WorkerOutputs::Change::open); // it is asked again, after a pause
}

TEST_CASE("worker machine: why a broker sends it away is told", "[unit][request]") {
    WorkerBench bench{Dialect::flotilla};
    bench.out.clear();
    bench.connect();
    REQUIRE(bench.said() == WorkerBench::Words{"ready"});
    Message message;
    message.side = Side::worker;
    message.verb = Verb::disconnect;
    message.code = ErrorCode::not_allowed;
    message.text = "a rule said no";
    bench.machine.receive(std::move(message), bench.now, bench.out);
    REQUIRE(bench.out.refused);
    CHECK(bench.out.refused->code == ErrorCode::not_allowed);
    CHECK(bench.out.refused->text == "a rule said no");
    CHECK(bench.machine.state() == WorkerMachine::State::closed);
}
