// SPDX-License-Identifier: Apache-2.0
//
// What happens to a worker over time: brokers that go and come, stops, cancellation, threads.
#include "scripted_broker.hpp"

#include <flotilla/net/curve.hpp>

#include <atomic>
#include <future>
#include <set>

using namespace flotilla;
using namespace flotilla::request;
using test::RunningWorker;
using test::Said;
using test::ScriptedBroker;

namespace {

// Something that handlers wait for.
class Gate {
public:
    void open() { promise_.set_value(); }
    void pass() const { future_.wait(); }

private:
    std::promise<void> promise_{};
    std::shared_future<void> future_ = promise_.get_future().share();
};

} // namespace

TEST_CASE("worker: where a handshake broke the protocol it tries again", "[integration][request]") {
    net::Context context = *net::Context::open();
    net::SocketOptions encrypts;
    encrypts.security = net::CurveServer{*net::generate_key_pair(), net::AnyClientKey{}};
    auto curve = std::make_unique<net::Socket>(
        *net::Socket::open(context, net::SocketType::router, std::move(encrypts)));
    const net::Endpoint at = *curve->bind(test::any_tcp());
    auto options = test::worker_options(at);
    std::promise<void> broke;
    std::once_flag first;
    options.on_connection = [&](const net::ConnectionEvent& event) {
        // Now and then it is told as a connection that ended; libzmq connects again after these.
        if (event.kind == net::ConnectionEvent::Kind::handshake_failed_protocol)
            std::call_once(first, [&] { broke.set_value(); });
    };
    RunningWorker worker(context, options,
                         [](Job& job) -> Outcome { return Answer{std::move(job.body)}; });
    REQUIRE(broke.get_future().wait_for(60s) == std::future_status::ready);
    curve = nullptr;
    ScriptedBroker broker(context, at);
    (void)broker.expect(Verb::ready, "200");
    REQUIRE(worker.stop());
}

TEST_CASE("worker: a broker that restarts is found again, and an answer to the old one is dropped",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_02, Dialect::flotilla);
    net::Context context = *net::Context::open();
    Gate gate;
    std::atomic<bool> cancelled{false};
    auto broker = std::make_unique<ScriptedBroker>(context);
    const net::Endpoint at = broker->endpoint();
    auto options = test::worker_options(at);
    options.threads = 2;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        if (job.body[0] == ByteView{"old"}) {
            gate.pass();
            cancelled = job.is_cancelled();
        }
        return Answer{std::move(job.body)};
    });
    const std::string mmi = dialect == Dialect::flotilla ? "200" : "501";
    const Said before = broker->expect(Verb::ready, mmi);
    broker->give(before, "t", "old");
    broker->give(before, "u", "first");
    CHECK(broker->expect(Verb::final).message.body[0] == ByteView{"first"});
    broker = nullptr;
    broker = std::make_unique<ScriptedBroker>(context, at);
    const Said after = broker->expect(Verb::ready, mmi);
    gate.open();
    broker->give(after, "t", "new");
    CHECK(broker->expect(Verb::final).message.body[0] == ByteView{"new"});
    REQUIRE(worker.stop());
    CHECK(cancelled);
    CHECK(worker->counters().dropped_total == 1);
    CHECK(worker->counters().registered_total == 2);
}

TEST_CASE("worker: a broker that hangs is left, and met again on a new connection",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = test::worker_options(broker.endpoint());
    options.heartbeat = 20ms;
    RunningWorker worker(context, options, test::echo);
    const Said first = broker.expect(Verb::ready, "200");
    // No heartbeats.
    CHECK(broker.expect(Verb::disconnect).peer == first.peer);
    CHECK(broker.expect(Verb::ready, "200").peer != first.peer);
}

TEST_CASE("worker: refused at every try, it does not hammer", "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = test::worker_options(broker.endpoint());
    options.dialect = Dialect::mdp_01;
    options.reconnect_min = 20ms;
    options.reconnect_max = 1h;
    RunningWorker worker(context, options, test::echo);
    const Instant begin = net::now();
    for (int i = 0; i < 5; ++i) {
        const Said ready = broker.expect(Verb::ready);
        broker.send(ready.peer, broker.message(ready, Verb::disconnect));
    }
    // Pauses of 20, 40, 80 and 160 ms, less the jitter.
    CHECK(net::now() - begin >= 225ms);
}

TEST_CASE("worker: heartbeats go on while its threads are busy", "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    Gate gate;
    auto options = test::worker_options(broker.endpoint());
    options.heartbeat = 20ms;
    options.threads = 2;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        gate.pass();
        return Answer{std::move(job.body)};
    });
    const Said ready = broker.expect(Verb::ready, "200");
    CHECK(ready.message.capacity == 2);
    broker.give(ready, "t", "x");
    for (int heartbeats = 0; heartbeats < 10; ++heartbeats) {
        CHECK(broker.hear()->message.verb == Verb::heartbeat);
        broker.send(ready.peer, broker.message(ready, Verb::heartbeat));
    }
    gate.open();
    broker.expect(Verb::final);
}

TEST_CASE("worker: several threads work side by side, and each answer goes where it belongs",
          "[integration][request]") {
    const std::uint32_t threads = GENERATE(1U, 8U);
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = test::worker_options(broker.endpoint());
    options.threads = threads;
    options.capacity = 64;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        wire::Frames piece{job.body[0]};
        if (!job.partial(piece))
            return Failure{};
        return Answer{std::move(job.body)};
    });
    const Said ready = broker.expect(Verb::ready, "200");
    CHECK(ready.message.capacity == 64);
    constexpr int requests = 3'000;
    int given = 0;
    std::set<std::string> pieces;
    std::set<std::string> answers;
    for (; given < 64; ++given)
        broker.give(ready, std::to_string(given), std::to_string(given));
    while (answers.size() < requests) {
        const auto said = broker.hear();
        REQUIRE(said);
        if (said->message.verb == Verb::heartbeat) {
            broker.send(ready.peer, broker.message(ready, Verb::heartbeat));
            continue;
        }
        const std::string number(said->message.address.view());
        CHECK(said->message.body[0] == ByteView{number});
        if (said->message.verb == Verb::partial) {
            CHECK(pieces.insert(number).second);
            continue;
        }
        REQUIRE(said->message.verb == Verb::final);
        CHECK(pieces.count(number) == 1);
        CHECK(answers.insert(number).second);
        if (given < requests) {
            broker.give(ready, std::to_string(given), std::to_string(given));
            ++given;
        }
    }
    REQUIRE(worker.stop());
    CHECK(worker->counters().answered_total == requests);
    CHECK(worker->counters().excess_total == 0);
}

TEST_CASE("worker: stopped softly, it finishes what it holds and what was on its way",
          "[integration][request]") {
    const std::uint32_t threads = GENERATE(1U, 2U);
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    net::Context context = *net::Context::open();
    // What was sent over inproc is there.
    ScriptedBroker broker(context, test::fresh_inproc());
    Gate gate;
    std::promise<void> begun;
    std::atomic<bool> first{true};
    auto options = test::worker_options(broker.endpoint());
    options.dialect = dialect;
    options.threads = threads;
    options.capacity = 5;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        if (first.exchange(false)) {
            begun.set_value();
            gate.pass();
        }
        return Answer{std::move(job.body)};
    });
    const Said ready = broker.expect(Verb::ready);
    for (const std::string each : {"1", "2", "3", "4"})
        broker.give(ready, each, each);
    begun.get_future().wait();
    worker.stop_soon();
    gate.open();
    std::set<std::string> answered;
    bool drains = false;
    for (;;) {
        auto said = broker.hear();
        REQUIRE(said);
        const Verb verb = said->message.verb;
        if (verb == Verb::final)
            CHECK(answered.insert(std::string(said->message.address.view())).second);
        if (verb == Verb::draining) {
            drains = true;
            broker.give(ready, "5", "crossed it");
        }
        if (verb == Verb::ping) {
            said->message.verb = Verb::pong;
            broker.send(said->peer, std::move(said->message));
        }
        if (verb == Verb::disconnect)
            break;
    }
    CHECK(drains == (dialect == Dialect::flotilla));
    CHECK(answered.size() == (drains ? 5 : 4));
    REQUIRE(worker.join());
}

TEST_CASE("worker: a cancelled request ends, whether it has begun or not",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    Gate gate;
    std::promise<void> begun;
    std::atomic<int> calls{0};
    Status said_late{};
    bool knows = false;
    auto options = test::worker_options(broker.endpoint());
    options.capacity = 2;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        ++calls;
        begun.set_value();
        gate.pass();
        // One thread hears of it only here.
        wire::Frames piece{"late"};
        while (job.partial(piece))
            piece = wire::Frames{"late"};
        said_late = job.partial(piece);
        knows = job.is_cancelled();
        return Answer{};
    });
    const Said ready = broker.expect(Verb::ready, "200");
    broker.give(ready, "one", "x");
    broker.give(ready, "two", "x");
    begun.get_future().wait();
    broker.send(ready.peer, broker.message(ready, Verb::cancel, "two"));
    broker.send(ready.peer, broker.message(ready, Verb::cancel, "one"));
    gate.open();
    std::set<std::string> over;
    while (over.size() < 2) {
        const auto said = broker.hear();
        REQUIRE(said);
        if (said->message.verb == Verb::error)
            over.insert(std::string(said->message.address.view()));
    }
    REQUIRE(worker.stop());
    CHECK(said_late.error().code == Errc::refused);
    CHECK(knows);
    CHECK(calls == 1);
    CHECK(worker->counters().cancelled_total == 2);
    CHECK(worker->counters().dropped_total == 2);
    CHECK(worker->counters().answered_total == 0);
}

TEST_CASE("worker: several brokers are served at once, each in its own dialect",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker old(context);
    ScriptedBroker modern(context);
    auto options = test::worker_options(old.endpoint());
    options.brokers.push_back(modern.endpoint());
    RunningWorker worker(context, options, test::echo);
    const Said ready_modern = modern.expect(Verb::ready, "200");
    const Said ready_old = old.expect(Verb::ready); // leaves the question open
    CHECK(ready_old.message.dialect == Dialect::mdp_01);
    for (int i = 0; i < 10; ++i) {
        old.give(ready_old, "o", "old");
        modern.give(ready_modern, "m", "modern");
        CHECK(modern.expect(Verb::final).message.body[0] == ByteView{"modern"});
        CHECK(old.expect(Verb::final).message.body[0] == ByteView{"old"});
        modern.send(ready_modern.peer, modern.message(ready_modern, Verb::heartbeat));
    }
    worker.stop_soon();
    old.expect(Verb::disconnect);
    modern.expect(Verb::draining);
    modern.expect(Verb::disconnect);
    REQUIRE(worker.join());
}

TEST_CASE("worker: a broker that does not read holds up those who stream, and costs no memory",
          "[integration][request]") {
    const std::uint32_t threads = GENERATE(1U, 2U);
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    std::atomic<int> said{0};
    std::promise<void> told;
    auto options = test::worker_options(broker.endpoint());
    options.threads = threads;
    options.heartbeat = 50ms;
    options.message_bytes_max = 64ULL << 10;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        for (;; ++said) {
            wire::Frames piece{std::string(60'000, 'x')};
            if (!job.partial(piece)) {
                told.set_value();
                return Failure{};
            }
        }
    });
    const Said ready = broker.expect(Verb::ready, "200");
    broker.give(ready, "t", "go");
    // The worker leaves the broker when it is silent for 150 ms, and then the handler is told.
    REQUIRE(told.get_future().wait_for(20s) == std::future_status::ready);
    // libzmq's queues, 1,000 messages a side, and the kernel's buffers; beyond them nothing.
    CHECK(said < 2'500);
}

TEST_CASE("worker: what comes and is no message of a broker is counted and costs nothing",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    RunningWorker worker(context, test::worker_options(broker.endpoint()), test::echo);
    const Said ready = broker.expect(Verb::ready, "200");
    broker.send(ready.peer, broker.message(ready, Verb::ready));
    Message stray = broker.message(ready, Verb::heartbeat);
    stray.dialect = Dialect::mdp_01;
    broker.send(ready.peer, std::move(stray));
    broker.give(ready, "t", "x");
    broker.expect(Verb::final);
    REQUIRE(worker.stop());
    CHECK(worker->counters().malformed_total >= 1);
}

TEST_CASE("worker: options out of their ranges, and endpoints that cannot be, are refused",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto at = *net::Endpoint::parse("tcp://127.0.0.1:1");
    const auto refused = [&](auto change) {
        auto options = test::worker_options(at);
        change(options);
        const auto opened = Worker::open(context, options);
        return opened ? "" : std::string(name(opened.error().code));
    };
    CHECK(refused([](auto&) {}).empty());
    CHECK(refused([](auto& o) { o.brokers.clear(); }) == "bad_option");
    CHECK(refused([&](auto& o) { o.brokers.assign(17, at); }) == "bad_option");
    CHECK(refused([](auto& o) { o.service.clear(); }) == "bad_option");
    CHECK(refused([](auto& o) { o.service.assign(256, 's'); }) == "bad_option");
    CHECK(refused([](auto& o) { o.service = "mmi.service"; }) == "bad_option");
    CHECK(refused([](auto& o) { o.threads = 0; }) == "bad_option");
    CHECK(refused([](auto& o) { o.threads = 1'025; }) == "bad_option");
    CHECK(refused([](auto& o) { o.threads = 4, o.capacity = 3; }) == "bad_option");
    CHECK(refused([](auto& o) { o.capacity = 10'001; }) == "bad_option");
    CHECK(refused([](auto& o) { o.heartbeat = 9ms; }) == "bad_option");
    CHECK(refused([](auto& o) { o.liveness = 0; }) == "bad_option");
    CHECK(refused([](auto& o) { o.reconnect_max = 1ms; }) == "bad_option");
    CHECK(refused([](auto& o) { o.message_bytes_max = 1; }) == "bad_option");
    CHECK(refused([](auto& o) { o.linger = 2h; }) == "bad_option");
    CHECK(refused([](auto& o) { o.brokers[0] = *net::Endpoint::parse("tcp://127.0.0.1:*"); }) ==
          "bad_endpoint");
    CHECK(refused([](auto& o) { o.brokers[0] = *net::Endpoint::parse("tcp://192.0.2.1:1"); }) ==
          "insecure");
}

TEST_CASE("worker: it ends with its context, and runs once", "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    Worker early = *Worker::open(context, test::worker_options(broker.endpoint()));
    early.stop_soon();
    REQUIRE(early.run(test::echo));
    CHECK(early.run(test::echo).error().code == Errc::stopped);
    RunningWorker worker(context, test::worker_options(broker.endpoint()), test::echo);
    broker.expect(Verb::ready, "200");
    context.shutdown();
    CHECK(worker.join().error().code == Errc::stopped);
}
