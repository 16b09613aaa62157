// SPDX-License-Identifier: Apache-2.0
// ClientMachine in the flotilla dialect: one link, ids, pings, pieces of an answer.
#include "client_bench.hpp"

#include <set>

using namespace flotilla;
using namespace flotilla::request;
using test::ClientBench;

namespace {

ClientBench flotilla_bench(std::size_t brokers = 1, std::uint32_t attempts_max = 10) {
    ClientOptions options = ClientBench::speaking(Dialect::flotilla);
    options.attempts_max = attempts_max;
    return ClientBench(options, brokers);
}

void reconnect(ClientBench& bench, LinkId link) {
    bench.machine.connection_made(link, bench.now, bench.out);
    bench.take();
}

} // namespace

TEST_CASE("client machine: flotilla calls share a link and are told apart by id",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId a = bench.call("s", "a", {.deadline = 7s});
    const CallId b = bench.call("s", "b", {.id = "mine"});
    auto done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    CHECK(done.opened[0].watched);
    REQUIRE(done.sent.size() == 2);
    CHECK(done.sent[0].message.expires == Duration{7s});
    CHECK(done.sent[1].message.id == "mine");
    bench.answer(done.sent[1], "to b");
    CHECK(bench.only_ended(b)->body == wire::Frames{"to b"});
    bench.answer(done.sent[0], "to a");
    CHECK(bench.only_ended(a)->body == wire::Frames{"to a"});
    bench.answer(done.sent[0], "again"); // doubled
    auto other = ClientBench::about(done.sent[0], Verb::final, "x");
    other.id = "nobody's";
    bench.receive(done.sent[0].link, std::move(other));
    CHECK(bench.ended().empty());
    CHECK(bench.machine.counters().unexpected_total == 2);
}

TEST_CASE("client machine: where nobody listens the next broker is asked at once",
          "[unit][request]") {
    request::ClientOptions options;
    options.reconnect_min = 100ms;
    ClientBench bench(options, 2);
    const CallId call = bench.call("s", "a", {.deadline = 1h});
    auto done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    CHECK(done.opened[0].broker == 0);
    bench.machine.connection_refused(done.opened[0].link, bench.now, bench.out);
    bench.take();
    bench.pass(200ms);
    done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    CHECK(done.opened[0].broker == 1);
    bench.machine.connection_refused(LinkId{99}, bench.now, bench.out); // an old one
    REQUIRE(done.sent.size() == 1);
    bench.answer(done.sent[0], "200");
    const auto sent = bench.only_sent();
    // This broker dies as well: what it was asked goes back to the first.
    bench.machine.connection_refused(sent.link, bench.now, bench.out);
    bench.take();
    bench.pass(1s);
    done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    CHECK(done.opened[0].broker == 0);
    REQUIRE(done.sent.size() == 1);
    bench.answer(done.sent[0], "200");
    bench.answer(bench.only_sent(), "at last");
    CHECK(bench.only_ended(call)->body == wire::Frames{"at last"});
}

TEST_CASE("client machine: an answer with the right id and the wrong service is dropped",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    bench.call("s");
    const auto sent = bench.only_sent();
    auto wrong = ClientBench::about(sent, Verb::final, "x");
    wrong.service = Blob::copy("t");
    bench.receive(sent.link, std::move(wrong));
    auto other = ClientBench::about(sent, Verb::final, "x");
    other.dialect = Dialect::mdp_02;
    bench.receive(sent.link, std::move(other));
    bench.receive(LinkId{99}, ClientBench::about(sent, Verb::final, "x"));
    CHECK(bench.ended().empty());
    CHECK(bench.machine.counters().unexpected_total == 3);
}

TEST_CASE("client machine: ids that are made up are different in every client", "[unit][request]") {
    std::set<std::string> ids;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        ClientOptions options = ClientBench::speaking(Dialect::flotilla);
        options.brokers = {*net::Endpoint::parse("inproc://b")};
        ClientMachine machine(options, seed);
        ClientOutputs out;
        for (int i = 0; i < 20; ++i) {
            wire::Frames body{"x"};
            REQUIRE(machine.call("s", body, {}, Instant{}, out));
        }
        for (auto& act : out.acts)
            if (auto* send = std::get_if<ClientOutputs::Send>(&act))
                ids.insert(send->message.id);
    }
    CHECK(ids.size() == 400);
}

TEST_CASE("client machine: errors end a call with the worker's or the broker's word",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId call = bench.call("s");
    const auto sent = bench.only_sent();
    auto error = ClientBench::about(sent, Verb::error);
    SECTION("refused") {
        error.code = ErrorCode::worker_gone;
        error.text = "it died";
        bench.receive(sent.link, std::move(error));
        CHECK(bench.only_ended(call).error() == Error{Errc::refused, "worker_gone: it died"});
        CHECK(bench.machine.counters().refused_total == 1);
    }
    SECTION("expired is a timeout, whoever notices first") {
        error.code = ErrorCode::expired;
        bench.receive(sent.link, std::move(error));
        CHECK(bench.only_ended(call).error() == Error{Errc::timeout, "expired"});
        CHECK(bench.machine.counters().timeout_total == 1);
    }
}

TEST_CASE("client machine: pings go while somebody waits, and only then", "[unit][request]") {
    ClientBench bench = flotilla_bench();
    bench.call("s", "x", {.deadline = 1h});
    const auto sent = bench.only_sent();
    for (int i = 0; i < 20; ++i) {
        bench.pass(2s);
        auto done = bench.acts();
        std::erase_if(done.sent, [](const auto& each) {
            return each.message.verb == Verb::request; // told again, in doubling intervals
        });
        REQUIRE(done.sent.size() == 1);
        CHECK(done.sent[0].message.verb == Verb::ping);
        bench.pass(1ms);
        bench.receive(sent.link, ClientBench::about(done.sent[0], Verb::pong));
    }
    CHECK(bench.machine.counters().unexpected_total == 0);
    bench.answer(sent, "yes");
    (void)bench.acts();
    bench.pass(1h);
    CHECK(bench.acts().sent.empty());
    CHECK(bench.machine.next_deadline() == never);
}

TEST_CASE("client machine: a silent broker is left for the next, with the same id",
          "[unit][request]") {
    ClientBench bench = flotilla_bench(2);
    const CallId once = bench.call("s", "once", {.deadline = 60s, .retry = false});
    const CallId call = bench.call("s", "again", {.deadline = 60s});
    auto first = bench.acts();
    bench.pass(2s);
    bench.pass(2s);
    CHECK(bench.acts().closed.empty());
    bench.pass(2s);
    CHECK(bench.acts().closed == std::vector{first.opened[0].link});
    bench.pass_to_deadline();
    auto second = bench.acts();
    REQUIRE(second.opened.size() == 1);
    CHECK(second.opened[0].broker == 1);
    REQUIRE(second.sent.size() == 1);
    CHECK(second.sent[0].message.id == first.sent[1].message.id);
    CHECK(second.sent[0].message.attempt == 2);
    CHECK(second.sent[0].message.body == wire::Frames{"again"});
    bench.answer(second.sent[0], "yes");
    CHECK(bench.only_ended(call)->attempts == 2);
    bench.pass(60s);
    CHECK(bench.only_ended(once).error().code == Errc::timeout);
}

TEST_CASE("client machine: short deadlines do not hide a silent broker", "[unit][request]") {
    ClientBench bench = flotilla_bench(2);
    for (int i = 0; i < 7; ++i) {
        bench.call("s", "x", {.deadline = 1s});
        bench.pass(1s);
    }
    bench.call("s", "x", {.deadline = 10s});
    bench.pass(2s);
    bench.pass(1s);
    CHECK(bench.machine.broker() == 1);
}

TEST_CASE("client machine: what a draining broker refuses goes to the next, even if once only",
          "[unit][request]") {
    ClientBench bench = flotilla_bench(2);
    const CallId taken = bench.call("s", "taken");
    const CallId refused = bench.call("s", "refused", {.retry = false});
    auto first = bench.acts();
    bench.refuse(first.sent[1], ErrorCode::draining);
    CHECK(bench.ended().empty());
    CHECK(bench.acts().closed.empty());
    bench.pass_to_deadline();
    const auto again = bench.only_sent();
    CHECK(again.message.id == first.sent[1].message.id);
    CHECK(again.link != first.sent[0].link);
    // What it had taken is answered over the old link, which is closed then.
    bench.answer(first.sent[0], "old");
    CHECK(bench.only_ended(taken)->body == wire::Frames{"old"});
    CHECK(bench.acts().closed == std::vector{first.sent[0].link});
    bench.answer(again, "new");
    CHECK(bench.only_ended(refused)->body == wire::Frames{"new"});
}

TEST_CASE("client machine: what a draining broker had taken is not lost with it",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId taken = bench.call("s", "taken");
    bench.call("s", "refused");
    auto first = bench.acts();
    const LinkId old = first.sent[0].link;
    reconnect(bench, old);
    bench.refuse(first.sent[1], ErrorCode::draining);
    bench.pass_to_deadline();
    const auto moved = bench.only_sent();
    SECTION("its connection breaks") {
        reconnect(bench, old);
        auto done = bench.acts();
        CHECK(done.closed == std::vector{old});
        REQUIRE(done.sent.size() == 1);
        CHECK(done.sent[0].link == moved.link);
        CHECK(done.sent[0].message.id == first.sent[0].message.id);
        bench.answer(done.sent[0], "yes");
    }
    SECTION("or nothing is told, though somebody answers pings there") {
        std::optional<ClientOutputs::Send> again;
        for (int i = 0; i < 20 && !again; ++i) {
            bench.pass_to_deadline();
            for (auto& sent : bench.acts().sent)
                if (sent.message.verb == Verb::ping)
                    bench.receive(sent.link, ClientBench::about(sent, Verb::pong));
                else if (sent.message.id == first.sent[0].message.id)
                    again = std::move(sent);
        }
        REQUIRE(again);
        CHECK(again->link == moved.link);
        bench.answer(*again, "yes");
    }
    CHECK(bench.only_ended(taken)->attempts == 2);
}

TEST_CASE("client machine: a call that only a draining broker was asked says so at its end",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId call = bench.call("s", "x", {.deadline = 50ms});
    bench.refuse(bench.only_sent(), ErrorCode::draining);
    bench.pass(50ms);
    CHECK(bench.only_ended(call).error() ==
          Error{Errc::refused, "draining; no other broker took it in time"});
    CHECK(bench.machine.counters().refused_total == 1);
    CHECK(bench.machine.counters().timeout_total == 0);
}

TEST_CASE("client machine: brokers that only ever drain are not asked without end",
          "[unit][request]") {
    ClientBench bench = flotilla_bench(1, 3);
    const CallId call = bench.call("s", "x", {.deadline = 1h});
    for (int i = 0; i < 3; ++i) {
        bench.refuse(bench.only_sent(), ErrorCode::draining);
        if (i < 2)
            bench.pass_to_deadline();
        (void)(i < 2 ? ClientBench::Acts{} : bench.acts());
    }
    CHECK(bench.only_ended(call).error() == Error{Errc::refused, "draining"});
}

TEST_CASE("client machine: a connection made again brings every call again", "[unit][request]") {
    ClientBench bench = flotilla_bench();
    bench.call("s", "a");
    bench.call("s", "b");
    bench.call("s", "once", {.retry = false});
    auto first = bench.acts();
    const LinkId link = first.sent[0].link;
    reconnect(bench, link);
    CHECK(bench.acts().sent.empty());
    reconnect(bench, link);
    auto again = bench.acts();
    REQUIRE(again.sent.size() == 2);
    CHECK(again.sent[0].message.id == first.sent[0].message.id);
    CHECK(again.sent[1].message.id == first.sent[1].message.id);
    CHECK(again.sent[1].message.attempt == 2);
    CHECK(again.opened.empty());
}

TEST_CASE("client machine: the time until a call is told again starts anew with a connection",
          "[unit][request]") {
    ClientBench bench = flotilla_bench(1, 100);
    bench.call("s", "x", {.deadline = 24h});
    const LinkId link = bench.only_sent().link;
    for (int i = 0; i < 4; ++i)
        reconnect(bench, link); // the first is no news
    CHECK(bench.acts().sent.size() == 3);
    const Instant last = bench.now;
    for (bool told = false; !told;) {
        bench.pass_to_deadline();
        for (const auto& sent : bench.acts().sent) {
            if (sent.message.verb == Verb::ping)
                bench.receive(sent.link, ClientBench::about(sent, Verb::pong));
            else
                told = true;
        }
    }
    CHECK(bench.now - last >= 6s * 3 / 4);
    CHECK(bench.now - last <= 6s * 5 / 4);
}

TEST_CASE("client machine: a message that was lost is made good by telling it again",
          "[unit][request]") {
    ClientBench bench = flotilla_bench(1, 4);
    bench.call("s", "x", {.deadline = 24h});
    const auto first = bench.only_sent();
    Instant last = bench.now;
    Duration expected = 6s;
    std::uint32_t repeats = 0;
    while (bench.now - last < 10min) {
        bench.pass_to_deadline();
        for (const auto& sent : bench.acts().sent) {
            if (sent.message.verb == Verb::ping) {
                bench.receive(sent.link, ClientBench::about(sent, Verb::pong));
                continue;
            }
            CHECK(sent.message.attempt == ++repeats + 1);
            CHECK(bench.now - last >= expected * 3 / 4);
            CHECK(bench.now - last <= expected * 5 / 4);
            last = bench.now;
            expected *= 2;
        }
    }
    CHECK(repeats == 3);
    CHECK(bench.machine.under_way() == 1);
    bench.answer(first, "at last");
    CHECK(bench.ended().size() == 1);
}

TEST_CASE("client machine: pieces of an answer come in order, gaps and restarts are told",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId call = bench.call("s");
    const auto sent = bench.only_sent();
    bench.piece(sent, 1, 0);
    bench.piece(sent, 1, 1);
    bench.piece(sent, 1, 1); // doubled
    bench.piece(sent, 1, 4); // two lost
    bench.piece(sent, 2, 0); // another worker
    bench.piece(sent, 1, 5); // the old one, late
    bench.piece(sent, 2, 1);
    auto got = bench.partials();
    REQUIRE(got.size() == 5);
    CHECK((got[0].call == call && !got[0].restarted && got[0].missed == 0));
    CHECK((!got[1].restarted && got[1].missed == 0));
    CHECK((!got[2].restarted && got[2].missed == 2));
    CHECK((got[3].restarted && got[3].missed == 0));
    CHECK((!got[4].restarted && got[4].missed == 0));
    CHECK(bench.machine.counters().partials_total == 5);
    CHECK(bench.machine.counters().unexpected_total == 2);
    auto final = ClientBench::about(sent, Verb::final, "end");
    SECTION("the end of the same attempt") {
        final.attempt = 2;
        final.kept = true;
        bench.receive(sent.link, std::move(final));
        const auto reply = bench.only_ended(call);
        CHECK_FALSE(reply->restarted);
        CHECK(reply->kept);
    }
    SECTION("the end of another") {
        final.attempt = 3;
        bench.receive(sent.link, std::move(final));
        CHECK(bench.only_ended(call)->restarted);
    }
}

TEST_CASE("client machine: a broker that was started anew counts pieces anew", "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId call = bench.call("s");
    const auto sent = bench.only_sent();
    reconnect(bench, sent.link);
    bench.piece(sent, 1, 0);
    bench.piece(sent, 1, 1);
    reconnect(bench, sent.link);
    CHECK(bench.only_sent().message.attempt == 2);
    SECTION("the old attempt goes on") {
        bench.piece(sent, 1, 3);
        auto got = bench.partials();
        REQUIRE(got.size() == 3);
        CHECK((!got[2].restarted && got[2].missed == 1));
    }
    SECTION("another one begins, with the same number") {
        bench.piece(sent, 1, 0);
        bench.piece(sent, 1, 1);
        auto got = bench.partials();
        REQUIRE(got.size() == 4);
        CHECK(got[2].restarted);
        CHECK_FALSE(got[3].restarted);
    }
    SECTION("or only its end is seen") {
        bench.answer(sent, "end");
        CHECK(bench.only_ended(call)->restarted);
    }
}

TEST_CASE("client machine: cancelling tells the broker and leaves the link alone",
          "[unit][request]") {
    ClientBench bench = flotilla_bench();
    const CallId call = bench.call("s");
    const CallId other = bench.call("s");
    auto sent = bench.acts();
    CHECK(bench.machine.cancel(call, bench.now, bench.out));
    bench.take();
    CHECK(bench.only_ended(call).error() == Error{Errc::refused, "cancelled"});
    auto done = bench.acts();
    REQUIRE(done.sent.size() == 1);
    CHECK(done.sent[0].message.verb == Verb::cancel);
    CHECK(done.sent[0].message.id == sent.sent[0].message.id);
    CHECK(done.closed.empty());
    CHECK_FALSE(bench.machine.cancel(call, bench.now, bench.out));
    bench.answer(sent.sent[0], "late");
    CHECK(bench.machine.counters().unexpected_total == 1);
    bench.answer(sent.sent[1], "yes");
    CHECK(bench.only_ended(other));
    CHECK(bench.machine.counters().cancelled_total == 1);
}
