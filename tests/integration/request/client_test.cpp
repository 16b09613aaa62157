// SPDX-License-Identifier: Apache-2.0
#include "puppet_broker.hpp"

#include <flotilla/request/client.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::request;

using test::BrokerThread;
using test::PuppetBroker;

TEST_CASE("client: it finds out what a broker speaks, and asks in it", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto [status, dialect] = GENERATE(
        table<const char*, Dialect>({{"200", Dialect::flotilla}, {"501", Dialect::mdp_02}}));
    BrokerThread broker(context, status, [](PuppetBroker& at, PuppetBroker::Got& got) {
        at.answer(got, std::string("you said ") + std::string(got.message.body[0].view()));
    });
    Client client = *Client::open(context, test::client_of({broker.at()}));
    CHECK_FALSE(client.dialect());
    for (int i = 0; i < 100; ++i) {
        const auto reply = client.call("echo", std::to_string(i));
        REQUIRE(reply);
        CHECK(reply->body[0] == ByteView{"you said " + std::to_string(i)});
        CHECK(reply->attempts == 1);
    }
    CHECK(client.dialect() == dialect);
    CHECK(client.counters().answered_total == 100);
    CHECK(client.counters().connects_total == 1);
}

TEST_CASE("client: a broker that refuses the connection is left at once",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    BrokerThread broker(context, "200",
                        [](PuppetBroker& at, PuppetBroker::Got& got) { at.answer(got, "here"); });
    const test::ScratchFolder scratch;
    auto options = test::client_of({scratch.ipc("nobody"), broker.at()});
    options.attempt_max = 1h; // so that no silence does it
    options.broker_silence_max = 1h;
    std::size_t refusals = 0;
    options.on_connection = [&](const net::ConnectionEvent& event) {
        refusals += event.kind == net::ConnectionEvent::Kind::connect_retried ? 1 : 0;
    };
    Client client = *Client::open(context, options);
    const auto reply = client.call("echo", ByteView{"who?"}, {.deadline = 1min});
    REQUIRE(reply);
    CHECK(reply->body[0] == ByteView{"here"});
    CHECK(refusals > 0); // the transport may try again before it is told to leave
    CHECK(client.counters().failovers_total == 1);
}

TEST_CASE("client: a body is the caller's until its call was answered", "[integration][request]") {
    net::Context context = *net::Context::open();
    BrokerThread broker(context, "200", [](PuppetBroker& at, PuppetBroker::Got& got) {
        auto error = PuppetBroker::about(got, Verb::error);
        error.code = ErrorCode::worker_failed;
        error.text = "it broke";
        if (got.message.service == ByteView{"good"})
            at.answer(got, "yes");
        else if (got.message.service == ByteView{"bad"})
            at.send(got.peer, std::move(error));
    });
    Client client = *Client::open(context, test::client_of({broker.at()}));
    wire::Frames body{"a", "b"};
    auto reply = client.call("bad", body);
    REQUIRE_FALSE(reply);
    CHECK(reply.error() == Error{Errc::refused, "worker_failed: it broke"});
    CHECK(body == wire::Frames{"a", "b"});
    reply = client.call("silent", body, {.deadline = 30ms});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Errc::timeout);
    CHECK(body == wire::Frames{"a", "b"});
    REQUIRE(client.call("good", body));
    CHECK(body.empty());
}
