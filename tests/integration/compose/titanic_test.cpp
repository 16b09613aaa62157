// SPDX-License-Identifier: Apache-2.0
//
// Titanic between a broker and a store, with clients and workers of Majordomo that know nothing of
// it.
#include <flotilla/compose/titanic.hpp>
#include <flotilla/request/broker.hpp>
#include <flotilla/request/client.hpp>
#include <flotilla/request/worker.hpp>

#include <support/live_store.hpp>
#include <support/patience.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

using namespace flotilla;
using namespace flotilla::compose;
using flotilla::queue::test::LiveStore;

namespace {

using flotilla::test::patience;

struct RunningBroker {
    explicit RunningBroker(net::Context& context)
        : broker(*request::Broker::open(context, {})), endpoint(*broker.bind(test::any_tcp())),
          thread([this] {
              while (!done && broker.process(5ms)) {
              }
          }) {}
    ~RunningBroker() {
        done = true;
        thread.join();
    }
    std::atomic<bool> done{false};
    request::Broker broker;
    net::Endpoint endpoint;
    std::thread thread;
};

struct RunningWorker {
    RunningWorker(net::Context& context, const net::Endpoint& broker)
        : worker(*request::Worker::open(context, options(broker))), thread([this] {
              (void)worker.run([this](request::Job& job) -> request::Outcome {
                  ++calls;
                  return request::Answer{std::move(job.body)};
              });
          }) {}
    ~RunningWorker() {
        worker.stop_soon();
        thread.join();
    }
    static request::WorkerOptions options(const net::Endpoint& broker) {
        request::WorkerOptions options;
        options.brokers = {broker};
        options.service = "echo";
        options.dialect = request::Dialect::mdp_01; // as old as can be
        return options;
    }
    std::atomic<int> calls{0};
    request::Worker worker;
    std::thread thread;
};

struct RunningTitanic {
    RunningTitanic(net::Context& context, const net::Endpoint& broker, const net::Endpoint& store)
        : titanic(open(context, broker, store)), thread([this] { outcome = titanic.run(); }) {}
    ~RunningTitanic() {
        titanic.stop_soon();
        thread.join();
        CHECK(outcome);
    }
    static Titanic open(net::Context& context, const net::Endpoint& broker,
                        const net::Endpoint& store) {
        TitanicOptions options;
        options.brokers = {broker};
        options.stores = {store};
        options.calls_max = 2;
        options.call_deadline = 1s;
        options.retry = {20ms, 100ms};
        auto opened = Titanic::open(context, options);
        if (!opened)
            FAIL(to_string(opened.error()));
        return std::move(*opened);
    }
    Titanic titanic;
    Status outcome{};
    std::thread thread;
};

request::Client client(net::Context& context, const net::Endpoint& broker) {
    request::ClientOptions options;
    options.brokers = {broker};
    options.dialect = request::Dialect::mdp_01;
    options.deadline = patience;
    return *request::Client::open(context, options);
}

wire::Frames ask(request::Client& client, const std::string& service, wire::Frames body) {
    auto reply = client.call("titanic." + service, body);
    if (!reply)
        FAIL(to_string(reply.error()));
    return std::move(reply->body);
}

wire::Frames poll(request::Client& client, const std::string& id) {
    const Instant deadline = deadline_after(net::now(), patience);
    for (;;) {
        wire::Frames reply = ask(client, "reply", {ByteView{id}});
        REQUIRE(reply.size() > 0);
        if (reply[0].view().substr(0, 3) != "300" || net::now() > deadline)
            return reply;
        std::this_thread::yield();
    }
}

} // namespace

TEST_CASE("titanic: a call is answered later, kept until it is closed, and old peers can do it",
          "[integration][compose]") {
    LiveStore store;
    RunningBroker broker(store.context);
    RunningTitanic titanic(store.context, broker.endpoint, store.endpoint);
    request::Client caller = client(store.context, broker.endpoint);
    // Nobody serves it yet: that is what it is for.
    const wire::Frames accepted = ask(caller, "request", {"echo", "hello", "world"});
    REQUIRE(accepted.size() == 2);
    CHECK(accepted[0] == ByteView{"200"});
    const std::string id(accepted[1].view());
    CHECK(is_titanic_id(id));
    CHECK(ask(caller, "reply", {ByteView{id}})[0].view().substr(0, 3) == "300");
    RunningWorker worker(store.context, broker.endpoint);
    CHECK(poll(caller, id) == wire::Frames{"200", "hello", "world"});
    CHECK(poll(caller, id) == wire::Frames{"200", "hello", "world"}); // asking deletes nothing
    CHECK(ask(caller, "close", {ByteView{id}}) == wire::Frames{"200"});
    CHECK(ask(caller, "close", {ByteView{id}}) == wire::Frames{"200"});
    CHECK(poll(caller, id)[0].view().substr(0, 3) == "400");
    CHECK(titanic.titanic.counters().kept == 0);
}

TEST_CASE("titanic: what it was asked survives its own end", "[integration][compose]") {
    LiveStore store;
    RunningBroker broker(store.context);
    request::Client caller = client(store.context, broker.endpoint);
    std::string waiting;
    std::string done;
    {
        RunningTitanic titanic(store.context, broker.endpoint, store.endpoint);
        {
            RunningWorker worker(store.context, broker.endpoint);
            done = std::string(ask(caller, "request", {"echo", "one"})[1].view());
            CHECK(poll(caller, done)[0] == ByteView{"200"});
        }
        waiting = std::string(ask(caller, "request", {"echo", "two"})[1].view());
    }
    RunningTitanic titanic(store.context, broker.endpoint, store.endpoint);
    CHECK(poll(caller, done) == wire::Frames{"200", "one"});
    RunningWorker worker(store.context, broker.endpoint);
    CHECK(poll(caller, waiting) == wire::Frames{"200", "two"});
}

TEST_CASE("titanic: a service that fails is asked again, though the broker remembers the failure",
          "[integration][compose]") {
    LiveStore store;
    RunningBroker broker(store.context);
    RunningTitanic titanic(store.context, broker.endpoint, store.endpoint);
    request::WorkerOptions options = RunningWorker::options(broker.endpoint);
    options.dialect = request::Dialect::flotilla;
    auto worker = request::Worker::open(store.context, std::move(options));
    std::vector<std::string> ids;
    std::thread serving([&] {
        (void)worker->run([&](request::Job& job) -> request::Outcome {
            ids.push_back(job.id);
            if (ids.size() < 3)
                return request::Failure{"not yet"};
            return request::Answer{std::move(job.body)};
        });
    });
    request::Client caller = client(store.context, broker.endpoint);
    const std::string id(ask(caller, "request", {"echo", "one"})[1].view());
    CHECK(poll(caller, id) == wire::Frames{"200", "one"});
    worker->stop_soon();
    serving.join();
    CHECK(ids == std::vector<std::string>{id, id + "-1", id + "-2"});
}

TEST_CASE("titanic: what is no request is refused with a status", "[integration][compose]") {
    LiveStore store;
    RunningBroker broker(store.context);
    RunningTitanic titanic(store.context, broker.endpoint, store.endpoint);
    request::Client caller = client(store.context, broker.endpoint);
    const auto code = [&](const std::string& service, wire::Frames body) {
        return std::string(ask(caller, service, std::move(body))[0].view().substr(0, 3));
    };
    CHECK(code("request", {""}) == "400");
    CHECK(code("reply", {"../../../../../../../etc/passwd."}) == "400");
    CHECK(code("reply", {"0123456789ABCDEF0123456789ABCDEF"}) == "400");
    CHECK(code("close", {"short"}) == "400");
    CHECK(code("close", {"0123456789abcdef0123456789abcdef"}) == "200");
    CHECK(titanic.titanic.counters().refused_total == 4);
}

TEST_CASE("titanic: what the store can not take is answered 500, and nothing of it is left",
          "[integration][compose]") {
    LiveStore store;
    RunningBroker broker(store.context);
    RunningTitanic titanic(store.context, broker.endpoint, store.endpoint);
    request::Client caller = client(store.context, broker.endpoint);
    wire::Frames body{"echo"};
    for (int i = 0; i < 999; ++i) // with the id one frame more than a message may have
        body.add(ByteView{"x"});
    CHECK(ask(caller, "request", std::move(body))[0].view().substr(0, 3) == "500");
    CHECK(titanic.titanic.counters().refused_total == 1);
    CHECK(titanic.titanic.counters().pending == 0);
}
