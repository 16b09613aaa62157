// SPDX-License-Identifier: Apache-2.0
// Whatever the dialect: finding out what it is, what a call is refused for, how it ends.
#include "client_bench.hpp"

using namespace flotilla;
using namespace flotilla::request;
using test::ClientBench;

TEST_CASE("client machine: the first call asks what the broker speaks", "[unit][request]") {
    ClientBench bench{{}};
    CHECK(bench.machine.next_deadline() == never);
    const CallId call = bench.call("echo");
    auto done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    REQUIRE(done.sent.size() == 1);
    CHECK(done.sent[0].message.dialect == Dialect::mdp_02);
    CHECK(done.sent[0].message.service == ByteView{"mmi.flotilla"});
    CHECK(done.sent[0].message.body == wire::Frames{""});
    CHECK(bench.machine.state() == ClientMachine::State::asking);

    SECTION("200: it speaks flotilla") {
        bench.answer(done.sent[0], "200");
        const auto sent = bench.only_sent();
        CHECK(sent.message.dialect == Dialect::flotilla);
        CHECK(sent.message.service == ByteView{"echo"});
        CHECK(sent.link == done.sent[0].link);
        bench.answer(sent, "yes");
        const auto reply = bench.only_ended(call);
        REQUIRE(reply);
        CHECK(reply->body == wire::Frames{"yes"});
    }
    SECTION("501: it speaks 0.2") {
        bench.answer(done.sent[0], "501");
        const auto sent = bench.only_sent();
        CHECK(sent.message.dialect == Dialect::mdp_02);
        CHECK(sent.link == done.sent[0].link);
        CHECK(sent.discard_first);
    }
    SECTION("silence: it is asked in 0.1 as well, and the first answer counts") {
        bench.pass_to_deadline();
        auto more = bench.acts();
        REQUIRE(more.sent.size() == 1);
        CHECK(more.sent[0].message.dialect == Dialect::mdp_01);
        CHECK(more.sent[0].link != done.sent[0].link);
        SECTION("501 in 0.1") {
            bench.answer(more.sent[0], "501");
            auto last = bench.acts();
            CHECK(last.closed == std::vector{done.sent[0].link});
            REQUIRE(last.sent.size() == 1);
            CHECK(last.sent[0].message.dialect == Dialect::mdp_01);
            CHECK(last.sent[0].link == more.sent[0].link);
        }
        SECTION("200 in 0.1") {
            bench.answer(more.sent[0], "200");
            CHECK(bench.only_sent().message.dialect == Dialect::flotilla);
        }
        SECTION("501 in 0.2, late") {
            bench.answer(done.sent[0], "501");
            auto last = bench.acts();
            CHECK(last.closed == std::vector{more.sent[0].link});
            REQUIRE(last.sent.size() == 1);
            CHECK(last.sent[0].message.dialect == Dialect::mdp_02);
        }
        SECTION("silence again: both are left, and the broker is asked again after a pause") {
            bench.pass_to_deadline();
            CHECK(bench.machine.state() == ClientMachine::State::closed);
            CHECK(bench.acts().closed.size() == 2);
            bench.pass_to_deadline();
            CHECK(bench.only_sent().message.service == ByteView{"mmi.flotilla"});
        }
    }
    SECTION("anything else is no answer") {
        auto wrong = ClientBench::about(done.sent[0], Verb::final, "200");
        wrong.service = Blob::copy("echo");
        bench.receive(done.sent[0].link, std::move(wrong));
        bench.receive(done.sent[0].link, ClientBench::about(done.sent[0], Verb::partial, "200"));
        CHECK(bench.machine.state() == ClientMachine::State::asking);
        CHECK(bench.machine.counters().unexpected_total == 2);
    }
    SECTION("a connection made again is asked again") {
        bench.machine.connection_made(done.sent[0].link, bench.now, bench.out);
        bench.take();
        CHECK(bench.acts().sent.empty());
        bench.machine.connection_made(done.sent[0].link, bench.now, bench.out);
        bench.take();
        CHECK(bench.only_sent().message.service == ByteView{"mmi.flotilla"});
    }
}

TEST_CASE("client machine: what a broker speaks is remembered for each", "[unit][request]") {
    ClientBench bench({}, 2);
    bench.call("echo");
    auto ask = bench.acts();
    CHECK(ask.opened[0].broker == 0);
    bench.answer(ask.sent[0], "200");
    auto sent = bench.only_sent();
    bench.refuse(sent, ErrorCode::draining);
    CHECK(bench.machine.dialect() == std::nullopt); // of the next
    bench.pass_to_deadline();
    ask = bench.acts();
    CHECK(ask.opened[0].broker == 1);
    bench.answer(ask.sent[0], "501");
    sent = bench.only_sent();
    CHECK(sent.message.dialect == Dialect::mdp_02);
    CHECK(bench.machine.dialect() == Dialect::mdp_02);
    CHECK(bench.machine.counters().failovers_total == 1);
}

TEST_CASE("client machine: a call that cannot be made leaves its body alone", "[unit][request]") {
    ClientOptions options = ClientBench::speaking(Dialect::flotilla);
    options.calls_max = 2;
    options.calls_bytes_max = 10 + 2 * sizeof(Blob);
    ClientBench bench(options);
    const auto refused = [&](std::string_view service, ByteView text,
                             const CallOptions& with = {}) {
        wire::Frames body{text};
        const auto number = bench.machine.call(service, body, with, bench.now, bench.out);
        REQUIRE_FALSE(number);
        CHECK(body == wire::Frames{text});
        return number.error().code;
    };
    CHECK(refused("", "x") == Errc::bad_option);
    CHECK(refused(std::string(256, 's'), "x") == Errc::bad_option);
    CHECK(refused("s", "x", {.deadline = 0ms}) == Errc::bad_option);
    CHECK(refused("s", "x", {.deadline = 25h}) == Errc::bad_option);
    CHECK(refused("s", "x", {.id = "with blank"}) == Errc::bad_option);
    CHECK(refused("s", "x", {.id = std::string(65, 'i')}) == Errc::bad_option);
    CHECK(refused("s", std::string(11 + sizeof(Blob), 'x')) == Errc::too_large);
    bench.call(std::string(255, '\0'), "123456", {.id = "mine"});
    CHECK(refused("s", "12345") == Errc::would_block);
    CHECK(refused("s", "x", {.id = "mine"}) == Errc::bad_option);
    bench.call("s", "1234");
    CHECK(refused("s", "") == Errc::would_block);
    CHECK(bench.machine.counters().calls_total == 2);

    wire::Frames many;
    for (int i = 0; i < 1001; ++i)
        many.add(ByteView{});
    CHECK(bench.machine.call("s", many, {}, bench.now, bench.out).error().code == Errc::too_many);
}

TEST_CASE("client machine: room comes back when calls end", "[unit][request]") {
    ClientOptions options = ClientBench::speaking(Dialect::flotilla);
    options.calls_max = 1;
    ClientBench bench(options);
    for (int i = 0; i < 10; ++i) {
        bench.call("s", "body");
        bench.answer(bench.only_sent(), "yes");
    }
    CHECK(bench.machine.counters().answered_total == 10);
    CHECK(bench.machine.under_way() == 0);
}

TEST_CASE("client machine: a call nobody answers ends at its deadline", "[unit][request]") {
    const auto dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    ClientBench bench(ClientBench::speaking(dialect));
    const CallId call = bench.call("s", "x", {.deadline = 1s});
    bench.pass(999ms);
    CHECK(bench.ended().empty());
    bench.pass(1ms);
    const auto ended = bench.only_ended(call);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == Errc::timeout);
    CHECK(bench.machine.counters().timeout_total == 1);
}

TEST_CASE("client machine: without a broker it says that there is none", "[unit][request]") {
    ClientBench bench({}, 3);
    const CallId call = bench.call("s", "x", {.deadline = 60s});
    std::vector<std::size_t> tried;
    std::vector<std::pair<CallId, Result<Reply>>> ended;
    while (ended.empty()) {
        bench.pass_to_deadline();
        for (const auto& open : bench.acts().opened)
            if (tried.empty() || tried.back() != open.broker)
                tried.push_back(open.broker);
        ended = bench.ended();
    }
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].first == call);
    CHECK(ended[0].second.error().code == Errc::no_peer);
    REQUIRE(tried.size() > 4);
    for (std::size_t i = 1; i < tried.size(); ++i)
        CHECK(tried[i] == (tried[i - 1] + 1) % 3);
}

TEST_CASE("client machine: when no broker answers it says where it asked, and why as it knows",
          "[unit][request]") {
    ClientBench bench({}, 2);
    bench.call("s", "x", {.deadline = 60s});
    std::vector<std::pair<CallId, Result<Reply>>> ended;
    while (ended.empty()) {
        bench.pass_to_deadline();
        for (const auto& open : bench.acts().opened)
            if (open.broker == 1)
                bench.machine.connection_trouble(open.link, "our key is not wanted");
        ended = bench.ended();
    }
    const std::string said = ended[0].second.error().detail;
    INFO(said);
    CHECK(said.find("before the deadline: ") != std::string::npos);
    CHECK(said.find("; ") != std::string::npos);
    CHECK(said.find(": our key is not wanted") == said.size() - 23);
}

TEST_CASE("client machine: pauses between tries double, with jitter", "[unit][request]") {
    ClientOptions options;
    options.attempt_max = 10ms;
    options.reconnect_min = 100ms;
    options.reconnect_max = 3s;
    ClientBench bench(options);
    bench.call("s", "x", {.deadline = 1h});
    Duration expected = 100ms;
    for (int i = 0; i < 10; ++i) {
        bench.pass(5ms);
        bench.pass(5ms);
        REQUIRE(bench.machine.state() == ClientMachine::State::closed);
        const Duration wait = time_left(bench.now, bench.machine.next_deadline());
        CHECK(wait >= expected * 3 / 4);
        CHECK(wait <= expected * 5 / 4);
        expected = std::min<Duration>(expected * 2, 3s);
        bench.pass(wait);
    }
}

TEST_CASE("client machine: stop ends everything, and later calls", "[unit][request]") {
    ClientBench bench(ClientBench::speaking(Dialect::mdp_02));
    bench.call("s");
    bench.call("s");
    bench.machine.stop({Errc::stopped, "over"}, bench.out);
    bench.take();
    auto ended = bench.ended();
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].second.error() == Error{Errc::stopped, "over"});
    CHECK(bench.acts().closed.size() == 2);
    CHECK(bench.machine.links() == 0);
    CHECK(bench.machine.next_deadline() == never);
    wire::Frames body{"x"};
    CHECK(bench.machine.call("s", body, {}, bench.now, bench.out).error().code == Errc::stopped);
    CHECK(bench.machine.counters().stopped_total == 2);
}

TEST_CASE("client machine: a link that cannot be opened is tried again later", "[unit][request]") {
    const auto dialect = GENERATE(Dialect::mdp_02, Dialect::flotilla);
    ClientBench bench(ClientBench::speaking(dialect));
    const CallId call = bench.call("s");
    for (int i = 0; i < 3; ++i) {
        auto done = bench.acts();
        REQUIRE(done.opened.size() == 1);
        bench.machine.link_failed(done.opened[0].link, bench.now, bench.out);
        bench.take();
        CHECK(bench.acts().opened.empty());
        bench.pass_to_deadline();
    }
    bench.answer(bench.only_sent(), "yes");
    CHECK(bench.only_ended(call)->attempts == 4);
}

// ---- where somebody else is --------------------------------------------------------------------

namespace {

Message misdirected(const ClientBench::Outputs::Send& sent) {
    Message said = ClientBench::about(sent, Verb::final, "421");
    said.body.add(ByteView{"this is a store"});
    return said;
}

} // namespace

TEST_CASE("client machine: where somebody else is, calls end at once with who it is",
          "[unit][request]") {
    ClientBench bench{{}};
    const CallId first = bench.call("echo");
    const CallId second = bench.call("echo");
    const auto asked = bench.only_sent();
    bench.receive(asked.link, misdirected(asked));
    const auto ended = bench.ended();
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].first == first);
    CHECK(ended[1].first == second);
    for (const auto& [number, reply] : ended) {
        REQUIRE_FALSE(reply);
        CHECK(reply.error().code == Errc::refused);
        CHECK(reply.error().detail.find(": this is a store") != std::string::npos);
    }
    CHECK(bench.machine.state() == ClientMachine::State::closed);
    CHECK(bench.machine.links() == 0);
    CHECK(bench.machine.counters().refused_total == 2);

    SECTION("the next call asks again, after a pause, and finds the broker that came") {
        const CallId third = bench.call("echo");
        CHECK(bench.acts().sent.empty());
        bench.pass_to_deadline();
        const auto again = bench.only_sent();
        bench.answer(again, "200");
        bench.answer(bench.only_sent(), "yes");
        CHECK(bench.only_ended(third));
    }
}

TEST_CASE("client machine: with another broker to go to it goes there", "[unit][request]") {
    ClientBench bench{{}, 2};
    const CallId call = bench.call("echo");
    const auto asked = bench.only_sent();
    bench.receive(asked.link, misdirected(asked));
    CHECK(bench.ended().empty());
    bench.pass_to_deadline();
    auto done = bench.acts();
    REQUIRE(done.opened.size() == 1);
    CHECK(done.opened[0].broker == 1);

    SECTION("which answers") {
        bench.answer(done.sent[0], "200");
        bench.answer(bench.only_sent(), "yes");
        CHECK(bench.only_ended(call));
    }
    SECTION("where nobody is either: both are told of") {
        bench.receive(done.sent[0].link, misdirected(done.sent[0]));
        const auto reply = bench.only_ended(call);
        REQUIRE_FALSE(reply);
        CHECK(reply.error().code == Errc::refused);
        CHECK(reply.error().detail.find("; ") != std::string::npos);
    }
    SECTION("which is silent: at the deadline the other one is told of") {
        bench.pass(30s);
        const auto reply = bench.only_ended(call);
        REQUIRE_FALSE(reply);
        CHECK(reply.error().code == Errc::no_peer);
        CHECK(reply.error().detail.find("this is a store") != std::string::npos);
    }
}

TEST_CASE("client machine: who was told the dialect is refused in FLR1", "[unit][request]") {
    ClientBench bench{ClientBench::speaking(Dialect::flotilla)};
    const CallId call = bench.call("echo");
    const auto sent = bench.only_sent();
    Message error = ClientBench::about(sent, Verb::error);
    error.code = ErrorCode::wrong_peer;
    error.text = "this is a store";
    bench.receive(sent.link, std::move(error));
    const auto reply = bench.only_ended(call);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Errc::refused);
    CHECK(bench.machine.links() == 0);
}

TEST_CASE("client machine: nobody is said to listen nowhere where a handshake broke off",
          "[unit][request]") {
    ClientBench bench({}, 1);
    bench.call("s", "x", {.deadline = 60s});
    std::vector<std::pair<CallId, Result<Reply>>> ended;
    const bool ends_refused = GENERATE(false, true);
    while (ended.empty()) {
        bench.pass_to_deadline();
        for (const auto& open : bench.acts().opened) {
            bench.machine.connection_trouble(open.link, "it broke off the handshake");
            bench.machine.connection_ended(open.link);
            bench.machine.connection_refused(open.link, bench.now, bench.out);
            if (ends_refused) { // the next attempt met nobody
                bench.machine.connection_trouble(open.link, {});
                bench.machine.connection_refused(open.link, bench.now, bench.out);
            }
        }
        ended = bench.ended();
    }
    const std::string said = ended[0].second.error().detail;
    INFO(said);
    CHECK((said.find("nobody listens") != std::string::npos) == ends_refused);
    CHECK((said.find("broke off") == std::string::npos) == ends_refused);
}
