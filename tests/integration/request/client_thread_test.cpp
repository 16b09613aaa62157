// SPDX-License-Identifier: Apache-2.0
#include "puppet_broker.hpp"

#include <flotilla/request/client_thread.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using test::BrokerThread;
using test::PuppetBroker;

namespace {

void echo(PuppetBroker& at, PuppetBroker::Got& got) {
    if (got.message.verb == Verb::request && got.message.service != ByteView{"silent"})
        at.answer(got, got.message.body[0]);
}

} // namespace

TEST_CASE("client thread: every thread may call", "[integration][request]") {
    net::Context context = *net::Context::open();
    const std::string status = GENERATE("200", "501");
    BrokerThread broker(context, status, echo);
    const ClientThread client = *ClientThread::open(context, test::client_of({broker.at()}));
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    auto& shared = const_cast<ClientThread&>(client);
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&shared, &right, t] {
            std::vector<std::pair<std::string, std::future<Result<Reply>>>> asked;
            for (int i = 0; i < 100; ++i) {
                std::string text = std::to_string(t) + " " + std::to_string(i);
                auto later = shared.call("s", wire::Frames{text});
                asked.emplace_back(std::move(text), std::move(later));
            }
            for (auto& [text, later] : asked) {
                const auto reply = later.get();
                right += reply && reply->body == wire::Frames{text} ? 1 : 0;
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(right == 400);
}

TEST_CASE("client thread: callbacks run on its thread, and may call", "[integration][request]") {
    net::Context context = *net::Context::open();
    BrokerThread broker(context, "200", echo);
    ClientThread client = *ClientThread::open(context, test::client_of({broker.at()}));
    std::promise<std::thread::id> second;
    client.call("s", wire::Frames{"1"}, {}, [&](const Result<Reply>& reply) {
        CHECK(reply.has_value());
        client.call("s", wire::Frames{"2"}, {}, [&](const Result<Reply>& other) {
            CHECK(other.has_value());
            second.set_value(std::this_thread::get_id());
        });
    });
    CHECK(second.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("client thread: what is refused is the answer", "[integration][request]") {
    net::Context context = *net::Context::open();
    BrokerThread broker(context, "200", echo);
    ClientOptions options = test::client_of({broker.at()});
    options.calls_max = 10;
    ClientThread client = *ClientThread::open(context, std::move(options));
    CHECK(client.call("", wire::Frames{"x"}).get().error().code == Errc::bad_option);
    std::vector<std::future<Result<Reply>>> asked;
    for (int i = 0; i < 50; ++i)
        asked.push_back(client.call("silent", wire::Frames{"x"}, {.deadline = 200ms}));
    int refused = 0;
    int late = 0;
    for (auto& each : asked) {
        const auto code = each.get().error().code;
        refused += code == Errc::would_block ? 1 : 0;
        late += code == Errc::timeout ? 1 : 0;
    }
    CHECK(late >= 10);
    CHECK(refused + late == 50);
    CHECK(client.call("s", wire::Frames{"x"}).get());
    CHECK(ClientThread::open(context, {}).error().code == Errc::bad_option);
}

TEST_CASE("client thread: closing it, or the context, ends every call once",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    net::Context other = *net::Context::open();
    BrokerThread broker(other, "200", echo);
    std::optional<ClientThread> client;
    client.emplace(*ClientThread::open(context, test::client_of({broker.at()})));
    REQUIRE(client->call("s", wire::Frames{"x"}).get());
    std::vector<std::future<Result<Reply>>> asked;
    for (int i = 0; i < 100; ++i)
        asked.push_back(client->call("silent", wire::Frames{"x"}));
    SECTION("the client") {
        client.reset();
    }
    SECTION("the context") {
        context.shutdown();
    }
    for (auto& each : asked)
        CHECK(each.get().error().code == Errc::stopped);
    if (client)
        CHECK(client->call("s", wire::Frames{"x"}).get().error().code == Errc::stopped);
}
