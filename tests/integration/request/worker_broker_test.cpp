// SPDX-License-Identifier: Apache-2.0
//
// Workers, brokers and clients of this project together: what dies is replaced, and what was
// promised holds.
#include "scripted_broker.hpp"

#include <flotilla/request/async_client.hpp>
#include <flotilla/request/broker.hpp>
#include <flotilla/request/client.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using test::RunningWorker;

namespace {

class OneBroker {
public:
    OneBroker(net::Context& context, const net::Endpoint& at, BrokerLimits limits)
        : broker_(open(context, std::move(limits))), bound_(bind(broker_, at)), thread_([this] {
              while (!stopping_)
                  (void)broker_.process(10ms);
          }) {}
    OneBroker(const OneBroker&) = delete;
    OneBroker& operator=(const OneBroker&) = delete;
    ~OneBroker() {
        stopping_ = true;
        thread_.join();
    }
    const net::Endpoint& endpoint() const { return bound_; }

private:
    static Broker open(net::Context& context, BrokerLimits limits) {
        BrokerOptions options;
        options.limits = std::move(limits);
        return std::move(*Broker::open(context, std::move(options)));
    }
    static net::Endpoint bind(Broker& broker, const net::Endpoint& at) {
        auto bound = broker.bind(at);
        // libzmq frees an address in the background.
        for (int i = 0; i < 5'000 && !bound; ++i) {
            (void)broker.process(1ms);
            bound = broker.bind(at);
        }
        REQUIRE(bound);
        return *bound;
    }
    Broker broker_;
    net::Endpoint bound_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

BrokerLimits limits_of(bool requeue = false) {
    BrokerLimits limits;
    limits.heartbeat = 50ms;
    limits.service.requeue = requeue;
    limits.service.attempts_max = 100;
    return limits;
}

ClientOptions client_options(const net::Endpoint& at) {
    ClientOptions options;
    options.brokers = {at};
    options.deadline = 60s;
    options.attempt_max = 300ms;
    options.broker_silence_max = 300ms;
    options.attempts_max = 1'000;
    options.reconnect_min = 5ms;
    options.reconnect_max = 50ms;
    return options;
}

// Keeps calls under way until `calls` of them have ended; after each end `after(done)` may do harm.
struct Load {
    std::map<std::string, int> answers{};
    int refused = 0;

    void run(AsyncClient& client, int calls, int in_flight, const std::function<void(int)>& after) {
        int begun = 0;
        int done = 0;
        while (done < calls) {
            for (; begun < calls && begun - done < in_flight; ++begun) {
                const std::string text = std::to_string(begun);
                wire::Frames body{text};
                REQUIRE(client.call("echo", body, {}, [&, text](CallId, Result<Reply> reply) {
                    ++done;
                    if (!reply) {
                        ++refused;
                        UNSCOPED_INFO(to_string(reply.error()));
                        return;
                    }
                    CHECK(reply->body[0] == ByteView{text});
                    ++answers[text];
                }));
            }
            const int before = done;
            REQUIRE(client.process(100ms));
            for (int i = before + 1; i <= done; ++i)
                after(i);
        }
    }
    bool each_once(int calls) const {
        for (const auto& [text, count] : answers)
            if (count != 1)
                return false;
        return answers.size() == static_cast<std::size_t>(calls);
    }
};

} // namespace

TEST_CASE("worker: behind a broker every dialect answers every other", "[integration][request]") {
    const Dialect of_worker = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    const Dialect of_client = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    net::Context context = *net::Context::open();
    OneBroker broker(context, test::any_tcp(), limits_of());
    auto options = test::worker_options(broker.endpoint());
    options.dialect = of_worker;
    RunningWorker worker(context, options, [](Job& job) -> Outcome {
        wire::Frames piece{"piece"};
        if (!job.partial(piece))
            return Failure{};
        return Answer{std::move(job.body)};
    });
    auto with = client_options(broker.endpoint());
    with.dialect = of_client;
    Client client = *Client::open(context, with);
    for (int i = 0; i < 20; ++i) {
        int pieces = 0;
        const auto reply = client.call("echo", std::to_string(i), {}, [&](auto&&) { ++pieces; });
        REQUIRE(reply);
        CHECK(reply->body.back() == ByteView{std::to_string(i)});
        // A worker of 0.1 puts them in front; a client of 0.1 is not given those of others.
        CHECK(reply->body.size() == (of_worker == Dialect::mdp_01 ? 2 : 1));
        CHECK(pieces == (of_worker != Dialect::mdp_01 && of_client != Dialect::mdp_01 ? 1 : 0));
    }
}

TEST_CASE("worker: of a large capacity, answers leave together, and each finds its asker",
          "[integration][request]") {
    const std::uint32_t threads = GENERATE(1U, 4U);
    net::Context context = *net::Context::open();
    OneBroker broker(context, test::any_tcp(), limits_of());
    auto options = test::worker_options(broker.endpoint());
    options.threads = threads;
    options.capacity = 64;
    RunningWorker worker(context, options, test::echo);
    AsyncClient client = *AsyncClient::open(context, client_options(broker.endpoint()));
    constexpr int calls = 10'000;
    Load load;
    load.run(client, calls, 300, [](int) {});
    CHECK(load.refused == 0);
    CHECK(load.each_once(calls));
    CHECK(worker->counters().excess_total == 0);
    REQUIRE(worker.stop());
}

TEST_CASE("worker: a broker that restarts under load finds its workers again, and all is answered",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_02, Dialect::flotilla);
    INFO(name(dialect));
    net::Context context = *net::Context::open();
    const test::ScratchFolder scratch;
    const net::Endpoint at = scratch.ipc("broker");
    auto broker = std::make_unique<OneBroker>(context, at, limits_of());
    auto options = test::worker_options(at);
    options.heartbeat = 50ms;
    options.dialect = dialect;
    options.capacity = 4;
    RunningWorker first(context, options, test::echo);
    options.threads = 3;
    RunningWorker second(context, options, test::echo);
    auto with = client_options(at);
    AsyncClient client = *AsyncClient::open(context, with);
    constexpr int calls = 3'000;
    Load load;
    load.run(client, calls, 30, [&](int done) {
        if (done % 1'000 != 500)
            return;
        broker = nullptr;
        broker = std::make_unique<OneBroker>(context, at, limits_of());
    });
    CHECK(load.refused == 0);
    CHECK(load.each_once(calls));
    REQUIRE(first.stop());
    REQUIRE(second.stop());
    CHECK(first->counters().registered_total >= 2);
    CHECK(second->counters().registered_total >= 2);
}

TEST_CASE("worker: one that dies with requests in hand costs nothing where they are given again",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    INFO(name(dialect));
    net::Context context = *net::Context::open();
    OneBroker broker(context, test::any_tcp(), limits_of(true));
    auto options = test::worker_options(broker.endpoint());
    options.dialect = dialect;
    RunningWorker survivor(context, options, test::echo);
    std::atomic<int> repeats{0};
    // Each has a context of its own, whose end is the sudden death of its worker.
    struct Victim {
        net::Context context = *net::Context::open();
        std::unique_ptr<RunningWorker> worker{};
    };
    const auto bear = [&] {
        auto victim = std::make_unique<Victim>();
        auto of_victim = options;
        of_victim.threads = 2;
        of_victim.linger = 0s;
        victim->worker =
            std::make_unique<RunningWorker>(victim->context, of_victim, [&](Job& job) -> Outcome {
                repeats += job.attempt > 1 ? 1 : 0;
                return Answer{std::move(job.body)};
            });
        return victim;
    };
    std::vector<std::unique_ptr<Victim>> victims;
    victims.push_back(bear());
    AsyncClient client = *AsyncClient::open(context, client_options(broker.endpoint()));
    constexpr int calls = 2'000;
    Load load;
    load.run(client, calls, 40, [&](int done) {
        if (done % 400 != 200)
            return;
        victims.back()->context.shutdown();
        CHECK(victims.back()->worker->join().error().code == Errc::stopped);
        victims.back()->worker = nullptr;
        victims.push_back(bear());
    });
    CHECK(load.refused == 0);
    CHECK(load.each_once(calls));
}

TEST_CASE("worker: those of Flotilla's dialect come and stop under load, and no call fails",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    // Nothing is given again: what a stopping worker dropped would be an error here.
    OneBroker broker(context, test::any_tcp(), limits_of(false));
    auto options = test::worker_options(broker.endpoint());
    options.threads = 2;
    options.capacity = 16;
    auto worker = std::make_unique<RunningWorker>(context, options, test::echo);
    auto with = client_options(broker.endpoint());
    with.broker_silence_max = 30s;
    AsyncClient client = *AsyncClient::open(context, with);
    constexpr int calls = 4'000;
    Load load;
    load.run(client, calls, 64, [&](int done) {
        if (done % 500 != 250)
            return;
        auto next = std::make_unique<RunningWorker>(context, options, test::echo);
        CHECK(worker->stop());
        CHECK((*worker)->counters().dropped_total == 0);
        worker = std::move(next);
    });
    CHECK(load.refused == 0);
    CHECK(load.each_once(calls));
    CHECK(client.counters().retries_total == 0);
}

TEST_CASE("worker: a retry is given to another worker, a failure is told to the client",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    OneBroker broker(context, test::any_tcp(), limits_of(true));
    std::atomic<int> seen{0};
    RunningWorker worker(context, test::worker_options(broker.endpoint()),
                         [&](Job& job) -> Outcome {
                             if (job.body[0] == ByteView{"fail"})
                                 return Failure{"cannot"};
                             if (++seen < 3)
                                 return Retry{"not now"};
                             return Answer{wire::Frames{std::to_string(job.attempt)}};
                         });
    Client client = *Client::open(context, client_options(broker.endpoint()));
    const auto reply = client.call("echo", "x");
    REQUIRE(reply);
    CHECK(reply->body[0] == ByteView{"3"});
    const auto failed = client.call("echo", "fail");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::refused);
    CHECK(failed.error().detail.find("cannot") != std::string::npos);
    REQUIRE(worker.stop());
    CHECK(worker->counters().repeats_total == 2);
    CHECK(worker->counters().retry_total == 2);
}
