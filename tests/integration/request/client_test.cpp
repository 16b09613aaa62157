// SPDX-License-Identifier: Apache-2.0
#include "puppet_broker.hpp"

#include <flotilla/request/client.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <string>
#include <thread>

using namespace flotilla;
using namespace flotilla::request;

namespace {

using test::PuppetBroker;

// A broker on a thread of its own, told what to do with each request that is not a question.
template <class Script>
class BrokerThread {
public:
    BrokerThread(net::Context& context, ByteView status, Script script)
        : broker_(context), thread_([this, status = std::string(status), script]() mutable {
              while (!done_)
                  if (auto got = broker_.next(5ms); got && !broker_.answer_question(*got, status))
                      script(broker_, *got);
          }) {}
    ~BrokerThread() {
        done_ = true;
        thread_.join();
    }
    const net::Endpoint& at() const noexcept { return broker_.at(); }

private:
    std::atomic<bool> done_{false};
    PuppetBroker broker_;
    std::thread thread_;
};

ClientOptions options_for(const net::Endpoint& broker) {
    ClientOptions options;
    options.brokers = {broker};
    options.reconnect_min = 1ms;
    options.reconnect_max = 20ms;
    return options;
}

} // namespace

TEST_CASE("client: it finds out what a broker speaks, and asks in it", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto [status, dialect] = GENERATE(
        table<const char*, Dialect>({{"200", Dialect::flotilla}, {"501", Dialect::mdp_02}}));
    BrokerThread broker(context, status, [](PuppetBroker& at, PuppetBroker::Got& got) {
        at.answer(got, std::string("you said ") + std::string(got.message.body[0].view()));
    });
    auto client = *Client::open(context, options_for(broker.at()));
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
    auto client = *Client::open(context, options_for(broker.at()));
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
