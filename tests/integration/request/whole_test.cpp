// SPDX-License-Identifier: Apache-2.0
// The whole of it: our clients, the real Broker, and workers of every dialect, over sockets.
#include "puppet_broker.hpp"

#include <flotilla/request/async_client.hpp>
#include <flotilla/request/broker.hpp>
#include <flotilla/request/client.hpp>
#include <flotilla/request/client_thread.hpp>
#include <flotilla/request/worker.hpp>

#include <support/catch.hpp>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;

namespace {

// A Broker on a thread of its own.
class RunningBroker {
public:
    RunningBroker(net::Context& context, const net::Endpoint& at, BrokerOptions options = {})
        : broker_(*Broker::open(context, std::move(options))) {
        auto bound = broker_.bind(at);
        for (int i = 0; i < 2'000 && !bound; ++i) { // libzmq frees an address in the background
            (void)broker_.process(5ms);
            bound = broker_.bind(at);
        }
        REQUIRE(bound);
        at_ = bound->text();
        thread_ = std::thread([this] {
            while (!done_ && broker_.process(5ms)) {
            }
        });
    }
    RunningBroker(const RunningBroker&) = delete;
    RunningBroker& operator=(const RunningBroker&) = delete;
    ~RunningBroker() {
        done_ = true;
        thread_.join();
    }
    net::Endpoint at() const { return *net::Endpoint::parse(at_); }

private:
    std::atomic<bool> done_{false};
    Broker broker_;
    std::string at_;
    std::thread thread_;
};

// A Worker that echoes, in pieces when it is told how many.
class EchoingWorker {
public:
    EchoingWorker(net::Context& context, std::vector<net::Endpoint> brokers,
                  std::optional<Dialect> dialect, std::string service = "echo", int pieces = 0)
        : worker_(*Worker::open(context, options(std::move(brokers), dialect, service))),
          thread_([this, pieces] {
              (void)worker_.run([pieces](Job& job) -> Outcome {
                  for (int i = 0; i < pieces; ++i) {
                      wire::Frames piece{std::to_string(i)};
                      (void)job.partial(piece);
                  }
                  if (job.body[0] == ByteView{"fail"})
                      return Failure{"as told"};
                  return Answer{std::move(job.body)};
              });
          }) {}
    EchoingWorker(const EchoingWorker&) = delete;
    EchoingWorker& operator=(const EchoingWorker&) = delete;
    ~EchoingWorker() {
        worker_.stop_soon();
        thread_.join();
    }

private:
    static WorkerOptions options(std::vector<net::Endpoint> brokers, std::optional<Dialect> dialect,
                                 std::string service) {
        WorkerOptions options;
        options.brokers = std::move(brokers);
        options.dialect = dialect;
        options.service = std::move(service);
        options.heartbeat = 100ms;
        options.reconnect_min = 1ms;
        options.reconnect_max = 20ms;
        return options;
    }

    Worker worker_;
    std::thread thread_;
};

} // namespace

TEST_CASE("request: a client of any dialect is answered by a worker of any",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto asks = GENERATE(as<std::optional<Dialect>>{}, std::nullopt, Dialect::flotilla,
                               Dialect::mdp_02, Dialect::mdp_01);
    const auto works =
        GENERATE(as<std::optional<Dialect>>{}, std::nullopt, Dialect::mdp_02, Dialect::mdp_01);
    RunningBroker broker(context, test::any_tcp());
    EchoingWorker worker(context, {broker.at()}, works);
    ClientOptions options = test::client_of({broker.at()});
    options.dialect = asks;
    Client client = *Client::open(context, options);
    for (int i = 0; i < 50; ++i) {
        const auto reply = client.call("echo", std::to_string(i));
        REQUIRE(reply);
        CHECK(reply->body == wire::Frames{std::to_string(i)});
    }
    CHECK(client.dialect() == asks.value_or(Dialect::flotilla));
    CHECK(client.counters().retries_total == 0);
    CHECK(client.call("mmi.service", "echo")->body == wire::Frames{"200"});
    CHECK(client.call("mmi.service", "other")->body == wire::Frames{"404"});
}

TEST_CASE("request: pieces of an answer reach the client in order", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto asks = GENERATE(Dialect::flotilla, Dialect::mdp_02);
    const auto works = GENERATE(Dialect::flotilla, Dialect::mdp_02);
    RunningBroker broker(context, test::any_tcp());
    EchoingWorker worker(context, {broker.at()}, works, "echo", 100);
    ClientOptions options = test::client_of({broker.at()});
    options.dialect = asks;
    Client client = *Client::open(context, options);
    std::vector<std::string> pieces;
    const auto reply = client.call("echo", "end", {}, [&](Client::Partial&& piece) {
        CHECK_FALSE(piece.restarted);
        CHECK(piece.missed == 0);
        pieces.emplace_back(piece.body[0].view());
    });
    REQUIRE(reply);
    CHECK(reply->body == wire::Frames{"end"});
    CHECK_FALSE(reply->restarted);
    REQUIRE(pieces.size() == 100);
    for (std::size_t i = 0; i < 100; ++i)
        CHECK(pieces[i] == std::to_string(i));
}

TEST_CASE("request: a worker's failure is told where it can be", "[integration][request]") {
    net::Context context = *net::Context::open();
    RunningBroker broker(context, test::any_tcp());
    EchoingWorker worker(context, {broker.at()}, Dialect::flotilla);
    Client client = *Client::open(context, test::client_of({broker.at()}));
    const auto told = client.call("echo", "fail");
    REQUIRE_FALSE(told);
    CHECK(told.error().code == Errc::refused);
    CHECK(told.error().detail.rfind("worker_failed", 0) == 0);
    ClientOptions plain = test::client_of({broker.at()});
    plain.dialect = Dialect::mdp_02;
    Client other = *Client::open(context, std::move(plain));
    CHECK(other.call("echo", "fail", {.deadline = 50ms}).error().code == Errc::timeout);
    CHECK(other.call("echo", "go on"));
    // A service without workers: the request expires with the call.
    CHECK(client.call("nobody", "x", {.deadline = 50ms}).error().code == Errc::timeout);
}

TEST_CASE("request: a broker's restart under load loses no call", "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto asks = GENERATE(as<std::optional<Dialect>>{}, std::nullopt, Dialect::mdp_02);
    const test::ScratchFolder folder;
    const net::Endpoint at = folder.ipc("broker");
    BrokerOptions broker_options;
    broker_options.limits.service.requeue = true; // a slow machine makes a worker take its leave
    auto broker = std::make_unique<RunningBroker>(context, at, broker_options);
    std::vector<std::unique_ptr<EchoingWorker>> workers;
    for (const auto works : {Dialect::flotilla, Dialect::mdp_02, Dialect::mdp_01})
        workers.push_back(std::make_unique<EchoingWorker>(context, std::vector{at}, works));
    ClientOptions options = test::client_of({at});
    options.dialect = asks;
    options.attempt_max = 300ms;
    options.attempts_max = 1'000;
    options.connections_max = 16;
    options.deadline = 8s;
    AsyncClient client = *AsyncClient::open(context, std::move(options));
    constexpr int calls = 2'000;
    int placed = 0;
    std::set<std::string> answers;
    std::vector<std::string> errors;
    int restarts = 0;
    const Instant end = net::now() + 60s;
    while (answers.size() + errors.size() < calls && net::now() < end) {
        while (placed < calls && client.under_way() < 50) {
            wire::Frames body{std::to_string(placed++)};
            REQUIRE(client.call("echo", body, {}, [&](CallId, const Result<Reply>& reply) {
                if (reply)
                    CHECK(answers.emplace(reply->body[0].view()).second);
                else
                    errors.push_back(to_string(reply.error()));
            }));
        }
        REQUIRE(client.process(10ms));
        if (answers.size() > static_cast<std::size_t>(400 * (restarts + 1)) && restarts < 3) {
            broker.reset();
            broker = std::make_unique<RunningBroker>(context, at, broker_options);
            ++restarts;
        }
    }
    CHECK(errors == std::vector<std::string>{});
    CHECK(answers.size() == calls);
    CHECK(restarts == 3);
    CHECK(client.counters().retries_total > 0);
}

TEST_CASE("request: when one broker goes the other is used", "[integration][request]") {
    net::Context context = *net::Context::open();
    auto first = std::make_unique<RunningBroker>(context, test::any_tcp());
    RunningBroker second(context, test::any_tcp());
    EchoingWorker worker(context, {first->at(), second.at()}, std::nullopt);
    ClientOptions options = test::client_of({first->at(), second.at()});
    options.broker_silence_max = 200ms;
    options.attempt_max = 200ms;
    ClientThread client = *ClientThread::open(context, std::move(options));
    CHECK(client.call("echo", wire::Frames{"1"}).get());
    CHECK(client.counters().failovers_total == 0);
    first.reset();
    for (int i = 0; i < 20; ++i) {
        const auto reply = client.call("echo", wire::Frames{"2"}).get();
        REQUIRE(reply);
        CHECK(reply->body == wire::Frames{"2"});
    }
    CHECK(client.counters().failovers_total % 2 == 1);
}

TEST_CASE("request: an encrypted call, in process and beyond", "[integration][request]") {
    net::Context context = *net::Context::open();
    const net::CurveKeyPair server = *net::generate_key_pair();
    const net::CurveKeyPair mine = *net::generate_key_pair();
    BrokerOptions options;
    options.security = net::CurveServer{server, net::AnyClientKey{}};
    RunningBroker broker(context, test::any_tcp(), std::move(options));
    RunningBroker plain(context, test::fresh_inproc());
    EchoingWorker worker(context, {plain.at()}, std::nullopt);
    ClientOptions with = test::client_of({broker.at()});
    with.security = net::CurveClient{mine, server.public_key};
    Client client = *Client::open(context, std::move(with));
    CHECK(client.call("mmi.service", "echo")->body == wire::Frames{"404"});
    Client inside = *Client::open(context, test::client_of({plain.at()}));
    CHECK(inside.call("echo", "x")->body == wire::Frames{"x"});
}
