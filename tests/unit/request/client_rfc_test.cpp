// SPDX-License-Identifier: Apache-2.0
// ClientMachine in the RFC dialects: a link for each call, a new one for each attempt.
#include "client_bench.hpp"

using namespace flotilla;
using namespace flotilla::request;
using test::ClientBench;

namespace {

ClientBench rfc(std::size_t brokers = 1, std::uint32_t connections_max = 64,
                std::uint32_t attempts_max = 10) {
    ClientOptions options = ClientBench::speaking(Dialect::mdp_02);
    options.connections_max = connections_max;
    options.attempts_max = attempts_max;
    return ClientBench(options, brokers);
}

} // namespace

TEST_CASE("client machine: in the RFC dialects a link carries one call", "[unit][request]") {
    ClientBench bench = rfc(1, 2);
    const CallId a = bench.call("s", "a");
    const CallId b = bench.call("s", "b");
    const CallId c = bench.call("s", "c");
    const CallId d = bench.call("s", "d");
    auto first = bench.acts();
    CHECK(first.opened.size() == 2);
    REQUIRE(first.sent.size() == 2);
    CHECK_FALSE(first.sent[0].discard_first);
    bench.answer(first.sent[1], "to b");
    CHECK(bench.only_ended(b)->body == wire::Frames{"to b"});
    // The one that waits longest gets the link, which is used again.
    const auto third = bench.only_sent();
    CHECK(third.message.body == wire::Frames{"c"});
    CHECK(third.link == first.sent[1].link);
    CHECK(third.discard_first);
    bench.answer(first.sent[0], "to a");
    CHECK(bench.only_ended(a));
    const auto fourth = bench.only_sent();
    CHECK(fourth.message.body == wire::Frames{"d"});
    bench.answer(third, "to c");
    bench.answer(fourth, "to d");
    auto ended = bench.ended();
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].first == c);
    CHECK(ended[1].first == d);
    CHECK(bench.machine.links() == 2);
    CHECK(bench.machine.next_deadline() == never);
}

TEST_CASE("client machine: an RFC answer of another service or version is dropped",
          "[unit][request]") {
    ClientBench bench = rfc();
    const CallId call = bench.call("s");
    const auto sent = bench.only_sent();
    auto wrong = ClientBench::about(sent, Verb::final, "x");
    wrong.service = Blob::copy("t");
    bench.receive(sent.link, std::move(wrong));
    auto older = ClientBench::about(sent, Verb::final, "x");
    older.dialect = Dialect::mdp_01;
    bench.receive(sent.link, std::move(older));
    CHECK(bench.machine.counters().unexpected_total == 2);
    bench.answer(sent, "yes");
    CHECK(bench.only_ended(call));
}

TEST_CASE("client machine: a link that says too much is not used again", "[unit][request]") {
    ClientBench bench = rfc();
    bench.call("s");
    const auto sent = bench.only_sent();
    bench.answer(sent, "yes");
    bench.answer(sent, "yes, I said");
    CHECK(bench.acts().closed == std::vector{sent.link});
    CHECK(bench.machine.counters().unexpected_total == 1);
    bench.call("s");
    CHECK(bench.only_sent().link != sent.link);
}

TEST_CASE("client machine: a lost request is sent again under a new address", "[unit][request]") {
    ClientBench bench = rfc();
    const CallId call = bench.call("s", "x", {.deadline = 60s});
    const auto first = bench.only_sent();
    bench.pass(5s);
    auto paused = bench.acts();
    CHECK(paused.sent.empty());
    CHECK(paused.closed.empty()); // an answer in the pause counts
    SECTION("after the pause") {
        bench.pass(200ms);
        bench.pass(200ms);
        auto second = bench.acts();
        CHECK(second.closed == std::vector{first.link});
        REQUIRE(second.opened.size() == 1);
        REQUIRE(second.sent.size() == 1);
        CHECK(second.sent[0].link != first.link);
        bench.answer(second.sent[0], "yes");
        CHECK(bench.only_ended(call)->attempts == 2);
        CHECK(bench.machine.counters().retries_total == 1);
    }
    SECTION("unless it is answered in the pause") {
        bench.answer(first, "late, but right");
        const auto reply = bench.only_ended(call);
        CHECK(reply->attempts == 1);
        bench.pass(1h);
        CHECK(bench.acts().sent.empty());
    }
}

TEST_CASE("client machine: a partial reply shows that the worker is at it", "[unit][request]") {
    ClientBench bench = rfc();
    const CallId call = bench.call("s", "x", {.deadline = 60s});
    const auto sent = bench.only_sent();
    for (int i = 0; i < 5; ++i) {
        bench.pass(4s);
        bench.receive(sent.link, ClientBench::about(sent, Verb::partial, "piece"));
    }
    CHECK(bench.acts().sent.empty());
    CHECK(bench.partials().size() == 5);
    SECTION("the end") {
        bench.answer(sent, "end");
        CHECK_FALSE(bench.only_ended(call)->restarted);
    }
    SECTION("another attempt begins anew") {
        bench.pass(5s);
        while (bench.machine.counters().retries_total == 0)
            bench.pass_to_deadline();
        const auto again = bench.only_sent();
        bench.receive(again.link, ClientBench::about(again, Verb::partial, "piece"));
        bench.receive(again.link, ClientBench::about(again, Verb::partial, "piece"));
        auto got = bench.partials();
        REQUIRE(got.size() == 2);
        CHECK(got[0].restarted);
        CHECK_FALSE(got[1].restarted);
        bench.answer(again, "end");
        CHECK_FALSE(bench.only_ended(call)->restarted);
    }
    SECTION("or has nothing but an end") {
        bench.pass(5s);
        while (bench.machine.counters().retries_total == 0)
            bench.pass_to_deadline();
        bench.answer(bench.only_sent(), "end");
        CHECK(bench.only_ended(call)->restarted);
    }
}

TEST_CASE("client machine: attempts are bounded, and the last waits for its deadline",
          "[unit][request]") {
    ClientBench bench = rfc(1, 64, 3);
    const CallId call = bench.call("s", "x", {.deadline = 10min});
    std::size_t sent = 0;
    std::optional<ClientOutputs::Send> last;
    while (bench.now < Instant{1h} + 5min) {
        if (time_left(bench.now, bench.machine.next_deadline()) > 5min)
            break;
        bench.pass_to_deadline();
        for (auto& each : bench.acts().sent) {
            ++sent;
            last = std::move(each);
        }
    }
    CHECK(sent == 3);
    REQUIRE(last);
    bench.answer(*last, "very late");
    CHECK(bench.only_ended(call)->attempts == 3);
}

TEST_CASE("client machine: a call without retry is sent once", "[unit][request]") {
    ClientBench bench = rfc();
    const CallId call = bench.call("s", "x", {.deadline = 60s, .retry = false});
    const auto sent = bench.only_sent();
    bench.pass(30s);
    bench.pass(20s);
    CHECK(bench.acts().sent.empty());
    SECTION("and its answer may be late") {
        bench.answer(sent, "yes");
        CHECK(bench.only_ended(call));
    }
    SECTION("and may never come") {
        bench.pass(10s); // nobody says that it is at work: silence is no sign of the broker's
        CHECK(bench.only_ended(call).error() ==
              Error{Errc::timeout, "no answer before the deadline"});
        CHECK(bench.acts().closed == std::vector{sent.link});
    }
    SECTION("and the broker may not be there") {
        bench.machine.connection_trouble(sent.link, "nobody listens");
        bench.pass(10s);
        CHECK(bench.only_ended(call).error().code == Errc::no_peer);
    }
}

TEST_CASE("client machine: a broker that answers others is not left for one slow call",
          "[unit][request]") {
    ClientBench bench = rfc(2);
    bench.call("slow", "x", {.deadline = 60s});
    auto slow = bench.only_sent();
    for (int i = 0; i < 20; ++i) {
        bench.call("quick");
        bench.pass(500ms);
        for (const auto& sent : bench.acts().sent)
            if (sent.message.service == ByteView{"quick"})
                bench.answer(sent, "yes");
    }
    CHECK(bench.machine.broker() == 0);
    CHECK(bench.machine.counters().failovers_total == 0);
    CHECK(bench.machine.counters().retries_total >= 1);
}

TEST_CASE("client machine: an RFC broker that answers nobody is left for the next",
          "[unit][request]") {
    ClientBench bench = rfc(2);
    SECTION("by a long call") {
        bench.call("s", "x", {.deadline = 60s});
        (void)bench.acts();
        bench.pass(5s);
        while (bench.machine.counters().retries_total == 0)
            bench.pass_to_deadline();
    }
    SECTION("by short ones") {
        for (int i = 0; i < 5; ++i) {
            (void)bench.acts();
            bench.call("s", "x", {.deadline = 1s});
            bench.pass(1s);
        }
        (void)bench.acts();
        bench.call("s", "x", {.deadline = 1s});
        bench.pass_to_deadline();
    }
    const auto done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    CHECK(done.opened[0].broker == 1);
    CHECK(bench.machine.counters().failovers_total == 1);
}

TEST_CASE("client machine: a broker silent twice is asked again what it speaks",
          "[unit][request]") {
    ClientBench bench{{}};
    bench.call("s", "x", {.deadline = 60s});
    bench.answer(bench.only_sent(), "501");
    CHECK(bench.only_sent().message.dialect == Dialect::mdp_02);
    for (int i = 0; i < 20 && bench.machine.state() != ClientMachine::State::asking; ++i)
        bench.pass_to_deadline();
    REQUIRE(bench.machine.state() == ClientMachine::State::asking);
    auto done = bench.acts();
    CHECK(done.sent.back().message.service == ByteView{"mmi.flotilla"});
    bench.answer(done.sent.back(), "200");
    CHECK(bench.only_sent().message.dialect == Dialect::flotilla);
}

TEST_CASE("client machine: cancelling or giving up closes the link of an RFC call",
          "[unit][request]") {
    ClientBench bench = rfc(1, 1);
    const CallId first = bench.call("s", "1", {.deadline = 1s});
    const auto sent = bench.only_sent();
    const CallId second = bench.call("s", "2");
    SECTION("cancel") {
        CHECK(bench.machine.cancel(first, bench.now, bench.out));
        bench.take();
    }
    SECTION("deadline") {
        bench.pass(1s);
    }
    CHECK_FALSE(bench.only_ended(first));
    auto done = bench.acts();
    CHECK(done.closed == std::vector{sent.link});
    REQUIRE(done.sent.size() == 1); // the one that waited
    CHECK(done.sent[0].message.body == wire::Frames{"2"});
    bench.answer(sent, "late");
    CHECK(bench.machine.counters().unexpected_total == 1);
    bench.answer(done.sent[0], "yes");
    CHECK(bench.only_ended(second));
}

TEST_CASE("client machine: a call that waits for a link may end before it gets one",
          "[unit][request]") {
    ClientBench bench = rfc(1, 1);
    bench.call("s", "1");
    const CallId waits = bench.call("s", "2", {.deadline = 1s});
    const CallId given_up = bench.call("s", "3");
    CHECK(bench.machine.cancel(given_up, bench.now, bench.out));
    bench.take();
    (void)bench.ended();
    (void)bench.acts();
    bench.pass(1s);
    CHECK(bench.only_ended(waits).error().code == Errc::timeout);
    CHECK(bench.acts().sent.empty());
}

TEST_CASE("client machine: an RFC connection made again has lost its answer", "[unit][request]") {
    ClientBench bench{{}};
    bench.call("s", "x", {.deadline = 60s});
    const auto ask = bench.only_sent();
    bench.machine.connection_made(ask.link, bench.now, bench.out);
    bench.answer(ask, "501");
    const auto sent = bench.only_sent();
    REQUIRE(sent.link == ask.link);
    bench.machine.connection_made(ask.link, bench.now, bench.out);
    bench.pass(200ms); // far less than attempt_max
    const auto again = bench.only_sent();
    CHECK(again.link != sent.link);
}
