// SPDX-License-Identifier: Apache-2.0
// AsyncClient with real sockets, turn by turn with a broker that the test plays.
#include "puppet_broker.hpp"

#include <flotilla/request/async_client.hpp>

#include <poll.h>
#include <support/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using test::PuppetBroker;

namespace {

ClientOptions speaking(std::optional<Dialect> dialect, std::vector<net::Endpoint> brokers) {
    ClientOptions options = test::client_of(std::move(brokers));
    options.dialect = dialect;
    return options;
}

// What became of the calls of a test.
struct Tally {
    std::map<CallId, Result<Reply>> ended{};
    std::vector<PartialReply> partials{};

    AsyncClient::OnReply on_reply() {
        return [this](CallId call, Result<Reply> reply) {
            const bool first = ended.emplace(call, std::move(reply)).second;
            CHECK(first);
        };
    }
    AsyncClient::OnPartial on_partial() {
        return [this](PartialReply&& piece) { partials.push_back(std::move(piece)); };
    }
};

CallId call(AsyncClient& client, Tally& tally, std::string_view service, ByteView text,
            const CallOptions& options = {}) {
    wire::Frames body{text};
    const auto number = client.call(service, body, options, tally.on_reply(), tally.on_partial());
    REQUIRE(number);
    CHECK(body.empty());
    return *number;
}

// The next request that the broker gets, while the client is processed. Questions and pings are
// answered with `status`.
PuppetBroker::Got next(PuppetBroker& broker, AsyncClient& client, ByteView status = "200") {
    const Instant end = net::now() + 20s;
    while (net::now() < end) {
        REQUIRE(client.process(1ms));
        if (auto got = broker.next(); got && !broker.answer_question(*got, status))
            return std::move(*got);
    }
    FAIL("no request came");
    throw 0;
}

void run(AsyncClient& client, const std::function<bool()>& until) {
    const Instant end = net::now() + 20s;
    while (!until() && net::now() < end)
        REQUIRE(client.process(10ms));
    REQUIRE(until());
}

} // namespace

TEST_CASE("async client: answers in any order find their calls", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto status = GENERATE("200", "501");
    PuppetBroker broker(context);
    AsyncClient client = *AsyncClient::open(context, speaking({}, {broker.at()}));
    Tally tally;
    std::vector<std::pair<CallId, std::string>> asked;
    for (int i = 0; i < 50; ++i) {
        const std::string text = "call " + std::to_string(i);
        asked.emplace_back(call(client, tally, "s", text), text);
    }
    std::vector<PuppetBroker::Got> got;
    std::set<std::string> peers;
    while (got.size() < asked.size()) {
        got.push_back(next(broker, client, status));
        peers.insert(got.back().peer);
    }
    CHECK(peers.size() == (std::string(status) == "200" ? 1 : 50));
    std::reverse(got.begin(), got.end());
    for (const auto& each : got)
        broker.answer(each, each.message.body[0]);
    run(client, [&] { return client.under_way() == 0; });
    for (const auto& [number, text] : asked) {
        REQUIRE(tally.ended.at(number));
        CHECK(tally.ended.at(number)->body == wire::Frames{text});
    }
    CHECK(client.counters().unexpected_total == 0);
}

TEST_CASE("async client: late, doubled and foreign answers change nothing",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto dialect = GENERATE(Dialect::flotilla, Dialect::mdp_02, Dialect::mdp_01);
    PuppetBroker broker(context);
    AsyncClient client = *AsyncClient::open(context, speaking(dialect, {broker.at()}));
    Tally tally;
    for (int i = 0; i < 50; ++i) {
        const CallId number = call(client, tally, "s", std::to_string(i));
        const auto got = next(broker, client);
        auto wrong = PuppetBroker::about(got, Verb::final, "wrong");
        wrong.service = Blob::copy("another service");
        broker.send(got.peer, std::move(wrong));
        wire::Frames garbage{got.peer, "what", "is", "this"};
        broker.send(garbage);
        broker.answer(got, std::to_string(i));
        broker.answer(got, "doubled");
        // All of it has arrived before the next call leaves.
        if (dialect != Dialect::flotilla)
            run(client, [&] {
                return client.counters().unexpected_total == 2U * (static_cast<unsigned>(i) + 1U);
            });
        run(client, [&] { return tally.ended.count(number) == 1; });
        REQUIRE(tally.ended.at(number));
        CHECK(tally.ended.at(number)->body == wire::Frames{std::to_string(i)});
    }
    run(client, [&] { return client.counters().unexpected_total == 100; });
    CHECK(client.counters().malformed_total == 50);
}

TEST_CASE("async client: an RFC call that times out is sent again under another address",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto dialect = GENERATE(Dialect::mdp_02, Dialect::mdp_01);
    PuppetBroker broker(context);
    ClientOptions options = speaking(dialect, {broker.at()});
    options.attempt_max = 20ms;
    AsyncClient client = *AsyncClient::open(context, std::move(options));
    Tally tally;
    const CallId number = call(client, tally, "s", "x");
    const auto first = next(broker, client);
    const auto second = next(broker, client);
    CHECK(first.peer != second.peer);
    broker.answer(first, "to an address that is gone");
    broker.answer(second, "right");
    run(client, [&] { return client.under_way() == 0; });
    REQUIRE(tally.ended.at(number));
    CHECK(tally.ended.at(number)->body == wire::Frames{"right"});
    CHECK(tally.ended.at(number)->attempts == 2);
}

TEST_CASE("async client: a 0.1 broker is found by its silence to 0.2", "[integration][request]") {
    net::Context context = *net::Context::open();
    PuppetBroker broker(context);
    AsyncClient client = *AsyncClient::open(context, speaking({}, {broker.at()}));
    Tally tally;
    const CallId number = call(client, tally, "s", "x");
    const Instant end = net::now() + 20s;
    while (client.under_way() > 0 && net::now() < end) {
        REQUIRE(client.process(1ms));
        const auto got = broker.next();
        if (!got || got->message.dialect != Dialect::mdp_01)
            continue;
        if (!broker.answer_question(*got, "501"))
            broker.answer(*got, "old, but there");
    }
    REQUIRE(tally.ended.at(number));
    CHECK(tally.ended.at(number)->body == wire::Frames{"old, but there"});
    CHECK(client.dialect() == Dialect::mdp_01);
}

TEST_CASE("async client: calls survive a restart of the broker", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto status = GENERATE("200", "501");
    const test::ScratchFolder folder;
    std::optional<PuppetBroker> broker;
    broker.emplace(context, folder.ipc("broker"));
    ClientOptions options = speaking({}, {broker->at()});
    options.attempt_max = 100ms;
    AsyncClient client = *AsyncClient::open(context, std::move(options));
    Tally tally;
    constexpr std::size_t calls = 20;
    for (std::size_t i = 0; i < calls; ++i)
        call(client, tally, "s", std::to_string(i));
    std::set<std::string> ids;
    for (std::size_t i = 0; i < calls; ++i)
        ids.insert(next(*broker, client, status).message.id);
    broker.reset(); // with all of them
    broker.emplace(context, folder.ipc("broker"));
    while (client.under_way() > 0) {
        REQUIRE(client.process(1ms));
        while (auto got = broker->next())
            if (!broker->answer_question(*got, status)) {
                if (got->message.dialect == Dialect::flotilla)
                    CHECK(ids.count(got->message.id) == 1);
                broker->answer(*got, got->message.body[0]);
            }
    }
    CHECK(tally.ended.size() == calls);
    for (const auto& [number, reply] : tally.ended) {
        REQUIRE(reply);
        CHECK(reply->body == wire::Frames{std::to_string(number.value() - 1)});
        CHECK(reply->attempts > 1);
    }
}

TEST_CASE("async client: from a broker that is silent it goes to the next",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto dialect =
        GENERATE(as<std::optional<Dialect>>{}, std::nullopt, Dialect::flotilla, Dialect::mdp_02);
    PuppetBroker silent(context);
    PuppetBroker good(context);
    ClientOptions options = speaking(dialect, {silent.at(), good.at()});
    options.attempt_max = 300ms;
    options.broker_silence_max = 300ms;
    AsyncClient client = *AsyncClient::open(context, std::move(options));
    Tally tally;
    for (int i = 0; i < 10; ++i) {
        const CallId number = call(client, tally, "s", "x");
        const auto got = next(good, client);
        good.answer(got, "good");
        run(client, [&] { return tally.ended.count(number) == 1; });
        CHECK(tally.ended.at(number)->body == wire::Frames{"good"});
    }
    CHECK(client.counters().failovers_total == 1);
}

TEST_CASE("async client: pieces come before the end, in order", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto dialect = GENERATE(Dialect::flotilla, Dialect::mdp_02);
    PuppetBroker broker(context);
    AsyncClient client = *AsyncClient::open(context, speaking(dialect, {broker.at()}));
    Tally tally;
    const CallId number = call(client, tally, "s", "x");
    const auto got = next(broker, client);
    for (std::uint32_t i = 0; i < 10; ++i) {
        auto piece = PuppetBroker::about(got, Verb::partial, std::to_string(i));
        piece.part = i;
        broker.send(got.peer, std::move(piece));
    }
    broker.answer(got, "end");
    run(client, [&] { return client.under_way() == 0; });
    REQUIRE(tally.partials.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
        CHECK(tally.partials[i].call == number);
        CHECK(tally.partials[i].body == wire::Frames{std::to_string(i)});
        CHECK_FALSE(tally.partials[i].restarted);
    }
    CHECK(tally.ended.at(number)->body == wire::Frames{"end"});
}

TEST_CASE("async client: a cancelled call takes nothing with it", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto dialect = GENERATE(Dialect::flotilla, Dialect::mdp_02);
    PuppetBroker broker(context);
    AsyncClient client = *AsyncClient::open(context, speaking(dialect, {broker.at()}));
    Tally tally;
    std::map<std::string, CallId> numbers;
    for (int i = 0; i < 20; ++i)
        numbers[std::to_string(i)] = call(client, tally, "s", std::to_string(i));
    std::vector<PuppetBroker::Got> got;
    while (got.size() < 20)
        got.push_back(next(broker, client));
    for (int i = 0; i < 20; i += 2)
        CHECK(client.cancel(numbers[std::to_string(i)]));
    for (const auto& each : got)
        broker.answer(each, each.message.body[0]);
    run(client, [&] { return client.under_way() == 0; });
    for (int i = 0; i < 20; ++i) {
        const auto& reply = tally.ended.at(numbers[std::to_string(i)]);
        CHECK(reply.has_value() == (i % 2 == 1));
        if (i % 2 == 0)
            CHECK(reply.error() == Error{Errc::refused, "cancelled"});
    }
    if (dialect == Dialect::flotilla)
        CHECK(next(broker, client).message.verb == Verb::cancel);
    CHECK_FALSE(client.cancel(numbers["0"]));
}

TEST_CASE("async client: callbacks may call and cancel", "[integration][request]") {
    net::Context context = *net::Context::open();
    test::BrokerThread broker(context, "200", [](PuppetBroker& at, PuppetBroker::Got& got) {
        if (got.message.verb == Verb::request && got.message.service != ByteView{"silent"})
            at.answer(got, got.message.body[0]);
    });
    AsyncClient client = *AsyncClient::open(context, test::client_of({broker.at()}));
    Tally tally;
    const CallId silent = call(client, tally, "silent", "x");
    int left = 100;
    std::function<void(CallId, Result<Reply>)> again = [&](CallId, const Result<Reply>& reply) {
        REQUIRE(reply);
        wire::Frames body{"again"};
        if (--left > 0)
            REQUIRE(client.call("s", body, {}, again));
        else
            CHECK(client.cancel(silent));
    };
    wire::Frames body{"first"};
    REQUIRE(client.call("s", body, {}, again));
    run(client, [&] { return client.under_way() == 0; });
    CHECK(left == 0);
    CHECK(tally.ended.at(silent).error().code == Errc::refused);
}

TEST_CASE("async client: in a foreign event loop", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto status = GENERATE("200", "501");
    test::BrokerThread broker(context, status, [](PuppetBroker& at, PuppetBroker::Got& got) {
        at.answer(got, got.message.body[0]);
    });
    AsyncClient client = *AsyncClient::open(context, test::client_of({broker.at()}));
    const int descriptor = client.fd();
    constexpr int calls = 3'000;
    int placed = 0;
    Tally tally;
    const Instant end = net::now() + 30s;
    while (tally.ended.size() < calls && net::now() < end) {
        while (placed < calls && client.under_way() < 100)
            call(client, tally, "s", std::to_string(placed++));
        do
            REQUIRE(client.process(0ms));
        while (client.has_input());
        if (placed < calls && client.under_way() < 100)
            continue;
        pollfd ready{client.fd(), POLLIN, 0};
        const auto wait = std::min<Duration>(client.wait_max(), 1s);
        ::poll(&ready, 1,
               static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
    }
    REQUIRE(tally.ended.size() == calls);
    for (const auto& [number, reply] : tally.ended)
        CHECK(reply->body == wire::Frames{std::to_string(number.value() - 1)});
    CHECK(client.fd() == descriptor);
}

TEST_CASE("async client: more calls than fit a queue of the transport all arrive",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    PuppetBroker broker(context);
    AsyncClient client = *AsyncClient::open(context, speaking(Dialect::flotilla, {broker.at()}));
    Tally tally;
    const std::string text(1'000, 'x');
    constexpr std::size_t calls = 10'000;
    for (std::size_t i = 0; i < calls; ++i)
        call(client, tally, "s", text);
    wire::Frames body{"one too many"};
    CHECK(client.call("s", body, {}, tally.on_reply()).error().code == Errc::would_block);
    CHECK(body == wire::Frames{"one too many"});
    const Instant end = net::now() + 30s;
    while (client.under_way() > 0 && net::now() < end) {
        REQUIRE(client.process(1ms));
        while (const auto got = broker.next())
            broker.answer(*got, "ok");
    }
    CHECK(tally.ended.size() == calls);
    CHECK(client.counters().answered_total == calls);
}

TEST_CASE("async client: closing it, or the context, ends every call once",
          "[integration][request]") {
    auto context = std::make_unique<net::Context>(*net::Context::open());
    const auto dialect = GENERATE(Dialect::flotilla, Dialect::mdp_02);
    Tally tally;
    std::future<Result<Reply>> later;
    std::optional<AsyncClient> client;
    PuppetBroker broker(*context);
    client.emplace(*AsyncClient::open(*context, speaking(dialect, {broker.at()})));
    for (int i = 0; i < 100; ++i)
        call(*client, tally, "s", "x");
    wire::Frames body{"x"};
    later = *client->call("s", body);
    REQUIRE(client->process(0ms));
    SECTION("the client") {
        client.reset();
    }
    SECTION("the context") {
        context->shutdown();
        CHECK(client->process(1s).error().code == Errc::stopped);
        CHECK(client->under_way() == 0);
        CHECK(client->call("s", body).error().code == Errc::stopped);
    }
    CHECK(tally.ended.size() == 100);
    for (const auto& [number, reply] : tally.ended)
        CHECK(reply.error().code == Errc::stopped);
    REQUIRE(later.wait_for(std::chrono::seconds{0}) == std::future_status::ready);
    CHECK(later.get().error().code == Errc::stopped);
}

TEST_CASE("async client: options out of their ranges are refused", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto refusal = [&](auto&& change) {
        ClientOptions options = test::client_of({*net::Endpoint::parse("tcp://127.0.0.1:5555")});
        change(options);
        const auto client = AsyncClient::open(context, std::move(options));
        REQUIRE_FALSE(client);
        return client.error().code;
    };
    CHECK(refusal([](auto& o) { o.brokers.clear(); }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.brokers.resize(17, o.brokers[0]); }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.deadline = 0ms; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.attempt_max = 9ms; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.broker_silence_max = 29ms; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.attempts_max = 0; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.reconnect_min = 0ms; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.reconnect_max = 0ms; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.calls_max = 0; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.calls_bytes_max = 0; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.connections_max = 1'001; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.message_bytes_max = 1; }) == Errc::bad_option);
    CHECK(refusal([](auto& o) { o.brokers = {test::any_tcp()}; }) == Errc::bad_endpoint);
    CHECK(refusal([](auto& o) { o.brokers = {*net::Endpoint::parse("tcp://10.0.0.1:1")}; }) ==
          Errc::insecure);
    CHECK(refusal([](auto& o) {
              o.security = net::CurveServer{*net::generate_key_pair(), net::AnyClientKey{}};
          }) == Errc::bad_option);
}
