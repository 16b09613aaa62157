// SPDX-License-Identifier: Apache-2.0
//
// The broker among peers that leave, hang, flood and lie, over real sockets.
#include "broker_world.hpp"

#include <flotilla/base/random.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

Frames ready(ByteView service = "echo") {
    return {"MDPW02", "\x01", service};
}
Frames echo_request(ByteView body, ByteView service = "echo") {
    return {"MDPC02", "\x01", service, body};
}
// The worker's final to a request in 0.2.
Frames reply_to(Frames& request) {
    Frames reply{"MDPW02", "\x04"};
    for (std::size_t i = 2; i < request.size(); ++i)
        reply.add(std::move(request[i]));
    return reply;
}

// A client and a worker that have to be served whatever else goes on.
struct Honest {
    explicit Honest(BrokerWorld& world)
        : client(world.connect()), worker(world.connect()), broker(world) {
        BrokerWorld::say(worker, ready("honest"));
        world.until([&] { return has_worker(); });
    }
    bool has_worker() const {
        for (const ServiceLevels& each : broker.broker->services())
            if (each.name == "honest" && each.workers == 1)
                return true;
        return false;
    }
    void check() {
        BrokerWorld::say(client, echo_request("still there?", "honest"));
        Frames request = broker.hear(worker);
        BrokerWorld::say(worker, reply_to(request));
        CHECK(broker.hear(client).back() == ByteView{"still there?"});
    }
    net::Socket client;
    net::Socket worker;
    BrokerWorld& broker;
};

BrokerOptions requeueing() {
    BrokerOptions options;
    options.limits.service.requeue = true;
    return options;
}

} // namespace

TEST_CASE("a killed worker's request goes to another at once") {
    BrokerOptions options = requeueing();
    options.limits.heartbeat = 1h; // so that nothing but the connection's end tells
    BrokerWorld world("tcp://127.0.0.1:*", options);
    net::Socket client = world.connect();
    std::optional<net::Socket> first = world.connect();
    BrokerWorld::say(*first, ready());
    BrokerWorld::say(client, echo_request("work"));
    world.hear(*first);
    net::Socket second = world.connect();
    BrokerWorld::say(second, ready());
    world.until([&] { return world.broker->levels().workers == 2; });
    first.reset();
    Frames request = world.hear(second);
    BrokerWorld::say(second, reply_to(request));
    CHECK(world.hear(client).back() == ByteView{"work"});
    CHECK(world.broker->counters().requeued_total == 1);
}

TEST_CASE("a killed worker over inproc is found by a heartbeat") {
    BrokerOptions options = requeueing();
    options.limits.heartbeat = 20ms;
    BrokerWorld world("inproc://killed", options);
    net::Socket client = world.connect();
    std::optional<net::Socket> first = world.connect();
    BrokerWorld::say(*first, ready());
    BrokerWorld::say(client, echo_request("work"));
    world.hear(*first);
    first.reset();
    world.until([&] { return world.broker->levels().queued == 1; });
    net::Socket second = world.connect();
    BrokerWorld::say(second, ready());
    CHECK(world.hear(second).back() == ByteView{"work"});
}

TEST_CASE("what a client left behind when it went does not reach a worker") {
    BrokerWorld world;
    std::optional<net::Socket> old = world.connect();
    BrokerWorld::say(*old, echo_request("old"));
    world.until([&] { return world.broker->levels().queued == 1; });
    old.reset();
    world.until([&] { return world.broker->counters().dropped_total == 1; });
    net::Socket recent = world.connect();
    BrokerWorld::say(recent, echo_request("new"));
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    CHECK(world.hear(worker).back() == ByteView{"new"});
}

TEST_CASE("a reply to a client that is gone is counted, and the worker goes on") {
    BrokerWorld world;
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    std::optional<net::Socket> client = world.connect();
    BrokerWorld::say(*client, echo_request("x"));
    Frames request = world.hear(worker);
    // It works for something as well, so that the broker's levels tell when it is gone.
    BrokerWorld::say(*client, ready("probe"));
    world.until([&] { return world.broker->levels().workers == 2; });
    client.reset();
    world.until([&] { return world.broker->levels().workers == 1; });
    BrokerWorld::say(worker, reply_to(request));
    world.until([&] { return world.broker->counters().replies_undelivered_total == 1; });
    CHECK(world.broker->levels().workers_waiting == 1);
}

TEST_CASE("a worker that does not heartbeat while it works keeps its request") {
    BrokerOptions options;
    options.limits.heartbeat = 10ms;
    BrokerWorld world("tcp://127.0.0.1:*", options);
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    BrokerWorld::say(client, echo_request("long"));
    Frames request = world.hear(worker);
    const Instant until = deadline_after(net::now(), 200ms); // twenty heartbeats
    world.until([&] { return net::now() >= until; });
    BrokerWorld::say(worker, reply_to(request));
    CHECK(world.hear(client).back() == ByteView{"long"});
    CHECK(world.broker->counters().workers_expired_total == 0);
}

TEST_CASE("an idle worker that is silent is told to go") {
    BrokerOptions options;
    options.limits.heartbeat = 10ms;
    BrokerWorld world("tcp://127.0.0.1:*", options);
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    CHECK(world.hear(worker) == Frames{"MDPW02", "\x06"});
    CHECK(world.broker->levels().workers == 0);
}

TEST_CASE("a client that never reads is cut off, and others are served all the while") {
    BrokerOptions options;
    options.backlog_messages_max = 10;
    BrokerWorld world("inproc://deaf", options);
    Honest honest(world);
    net::SocketOptions small;
    small.receive_messages_max = 1;
    net::Socket deaf = world.connect(net::SocketType::dealer, small);
    for (int i = 0; i < 3000; ++i) {
        BrokerWorld::say(deaf, {"MDPC02", "\x01", "mmi.service", "echo"});
        if (i % 100 == 0)
            honest.check();
    }
    world.until([&] { return world.broker->counters().mmi_total == 3000; });
    CHECK(world.broker->counters().peers_too_slow_total > 0);
    CHECK(world.broker->counters().replies_undelivered_total > 0);
    honest.check();
}

TEST_CASE("requests that wait for a worker that never reads go to another when it is cut off") {
    BrokerOptions options;
    options.backlog_messages_max = 10;
    options.limits.service.prefetch = 10'000;
    options.limits.held_messages_max = 10'000; // more than libzmq takes
    options.limits.heartbeat = 1h;             // so that only requests wait
    BrokerWorld world("inproc://deaf-worker", options);
    net::SocketOptions small;
    small.receive_messages_max = 1;
    net::Socket deaf = world.connect(net::SocketType::dealer, small);
    BrokerWorld::say(deaf, ready());
    world.until([&] { return world.broker->levels().workers == 1; });
    net::Socket client = world.connect();
    std::uint64_t asked = 0;
    while (world.broker->counters().peers_too_slow_total == 0) {
        BrokerWorld::say(client, echo_request(std::to_string(asked++)));
        REQUIRE(asked < 100'000);
        REQUIRE(world.broker->process(0ms));
    }
    world.until([&] { return world.broker->levels().workers == 0; });
    world.until([&] { return world.broker->counters().accepted_total == asked; });
    // The ten that waited, the one too many, and what came after it.
    const BrokerShellCounters counters = world.broker->counters();
    CHECK(counters.requeued_total >= 11);
    CHECK(counters.failed_total + world.broker->levels().queued == asked);
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    for (std::uint64_t i = counters.failed_total; i < asked; ++i)
        CHECK(world.hear(worker).back() == ByteView{std::to_string(i)});
}

TEST_CASE("a worker that reads is not cut off, however much its capacity allows it") {
    BrokerOptions options;
    options.limits.service.prefetch = 10'000;
    options.backlog_bytes_max = 64 << 10;
    BrokerWorld world("inproc://large-capacity", options);
    net::SocketOptions small;
    small.receive_messages_max = 1;
    net::Socket worker = world.connect(net::SocketType::dealer, small);
    BrokerWorld::say(worker, ready());
    world.until([&] { return world.broker->levels().workers == 1; });
    net::Socket client = world.connect();
    const std::string body(20'000, 'x');
    for (int i = 0; i < 40; ++i)
        BrokerWorld::say(client, echo_request(body));
    world.until([&] { return world.broker->counters().accepted_total == 40; });
    for (int i = 0; i < 40; ++i) {
        const wire::Frames request = world.hear(worker);
        CHECK(request.back() == ByteView{body});
        BrokerWorld::say(worker, {"MDPW02", "\x04", request[2].view(), "", "done"});
    }
    for (int i = 0; i < 40; ++i)
        CHECK(world.hear(client).back() == ByteView{"done"});
    CHECK(world.broker->counters().peers_too_slow_total == 0);
    CHECK(world.broker->counters().failed_total == 0);
}

TEST_CASE("what waits for a worker is dropped when its session ends") {
    BrokerOptions options;
    options.backlog_messages_max = 100'000;
    options.limits.service.prefetch = 10'000;
    options.limits.held_messages_max = 10'000; // more than libzmq takes
    options.limits.heartbeat = 1h;             // so that only requests wait
    BrokerWorld world("inproc://leaving", options);
    net::SocketOptions small;
    small.receive_messages_max = 1;
    net::Socket worker = world.connect(net::SocketType::dealer, small);
    BrokerWorld::say(worker, ready());
    world.until([&] { return world.broker->levels().workers == 1; });
    net::Socket client = world.connect();
    while (world.broker->counters().backlogged_total < 50) {
        BrokerWorld::say(client, echo_request("old"));
        REQUIRE(world.broker->process(0ms));
    }
    BrokerWorld::say(worker, {"MDPW02", "\x05"}); // a heartbeat is no end
    CHECK(world.broker->counters().backlog_dropped_total == 0);
    BrokerWorld::say(worker, {"MDPW02", "\x06"});
    world.until([&] { return world.broker->levels().workers == 0; });
    BrokerWorld::say(worker, ready("fresh"));
    BrokerWorld::say(client, echo_request("new", "fresh"));
    std::uint64_t old = 0;
    while (world.hear(worker).back() == ByteView{"old"})
        ++old;
    const BrokerShellCounters counters = world.broker->counters();
    CHECK(counters.backlog_dropped_total >= 50);
    CHECK(old + counters.backlog_dropped_total == counters.dispatched_total - 1);
}

TEST_CASE("a worker that takes and never answers holds up nobody else") {
    BrokerOptions options;
    options.limits.service.expiry = 50ms;
    BrokerWorld world("tcp://127.0.0.1:*", options);
    Honest honest(world);
    net::Socket hole = world.connect();
    BrokerWorld::say(hole, ready());
    net::Socket client = world.connect();
    for (int i = 0; i < 50; ++i)
        BrokerWorld::say(client, {"FLR1", "request", "id" + std::to_string(i), "echo", "", "x"});
    world.hear(hole);
    honest.check();
    for (int i = 0; i < 50; ++i)
        CHECK(world.hear(client)[4] == ByteView{"code=expired\ntext=nobody answered in time\n"});
    honest.check();
    CHECK(world.broker->levels().running == 0);
}

TEST_CASE("a peer that asks for very many services fills a bounded table, and others are served") {
    BrokerOptions options;
    options.limits.services_max = 100;
    BrokerWorld world("inproc://many", options);
    Honest honest(world);
    net::Socket flood = world.connect();
    for (int i = 0; i < 20'000; ++i) {
        BrokerWorld::say(flood, echo_request("x", "service " + std::to_string(i)));
        BrokerWorld::say(flood, ready("service " + std::to_string(i)));
        if (i % 1000 == 0)
            honest.check();
        if (i % 100 == 0)
            world.catch_up();
    }
    world.catch_up();
    CHECK(world.broker->levels().services <= 100);
    CHECK(world.broker->counters().refused_total > 5'000);
    honest.check();
}

TEST_CASE("random frames by the ten thousand do no harm, and others are served all the while") {
    const std::uint64_t seed = test::seed(1);
    INFO("seed " << seed);
    Random random(seed);
    BrokerWorld world("inproc://random");
    Honest honest(world);
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    const std::vector<std::string> known{"",       "MDPC01", "MDPW01", "MDPC02",  "MDPW02",
                                         "FLR1",   "\x01",   "\x02",   "\x03",    "\x04",
                                         "\x05",   "\x06",   "echo",   "request", "final",
                                         "cancel", "ready",  "ping",   "mmi.",    "capacity=2\n"};
    for (int i = 0; i < 30'000; ++i) {
        Frames junk;
        const std::uint64_t frames = 1 + random.below(7);
        for (std::uint64_t f = 0; f < frames; ++f) {
            if (random.one_in(3)) {
                std::string bytes(random.below(40), '\0');
                for (char& byte : bytes)
                    byte = static_cast<char>(random.below(256));
                junk.add(ByteView{bytes});
            } else {
                junk.add(ByteView{known[random.below(known.size())]});
            }
        }
        BrokerWorld::say(random.one_in(2) ? client : worker, std::move(junk));
        if (i % 100 == 0)
            world.catch_up();
        if (i % 3000 == 0)
            honest.check();
        while (client.receive(Duration::zero()))
            ;
        while (worker.receive(Duration::zero()))
            ;
    }
    world.catch_up();
    CHECK(world.broker->counters().malformed_total > 10'000);
    honest.check();
}

TEST_CASE("bodies of one empty frame, a hundred frames and 10 MiB go through") {
    BrokerWorld world;
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    const auto through = [&](std::vector<std::string> body) {
        Frames question{"MDPC02", "\x01", "echo"};
        for (const std::string& each : body)
            question.add(ByteView{each});
        BrokerWorld::say(client, std::move(question));
        Frames request = world.hear(worker);
        BrokerWorld::say(worker, reply_to(request));
        const Frames reply = world.hear(client);
        REQUIRE(reply.size() == body.size() + 3);
        for (std::size_t i = 0; i < body.size(); ++i)
            REQUIRE(reply[i + 3] == ByteView{body[i]});
    };
    through({""});
    through(std::vector<std::string>(100, "frame"));
    through({std::string(10 << 20, 'x')});
    BrokerWorld::say(client, {"MDPC02", "\x01", "echo"}); // none: malformed
    world.until([&] { return world.broker->counters().malformed_total == 1; });
}

TEST_CASE("a drain answers what is in flight and refuses what comes") {
    BrokerWorld world;
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready());
    BrokerWorld::say(client, {"FLR1", "request", "1", "echo", "", "x"});
    Frames request = world.hear(worker);
    CHECK(*world.broker->drain(Duration::zero()) == false);
    BrokerWorld::say(client, {"FLR1", "request", "2", "echo", "", "x"});
    CHECK(world.hear(client)[4].view().substr(0, 13) == "code=draining");
    BrokerWorld::say(worker, reply_to(request));
    CHECK(*world.broker->drain(5s));
    CHECK(world.hear(client)[1] == ByteView{"final"});
    world.broker->stop();
    CHECK(*worker.receive(5s) == Frames{"MDPW02", "\x06"});
    CHECK(world.broker->process(0ms).error().code == Errc::stopped);
}

TEST_CASE("a foreign loop sees the descriptor, input and the next deadline") {
    BrokerWorld world;
    CHECK(world.broker->fd() >= 0);
    CHECK(world.broker->wait_max() <= 100ms);
    CHECK_FALSE(world.broker->has_input());
    net::Socket client = world.connect();
    BrokerWorld::say(client, echo_request("x"));
    world.until([&] { return world.broker->levels().queued == 1; });
}

TEST_CASE("options out of their range are refused with a sentence") {
    auto context = net::Context::open();
    const auto refused = [&](BrokerOptions options) {
        auto opened = Broker::open(*context, std::move(options));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::bad_option);
        CHECK_FALSE(opened.error().detail.empty());
    };
    BrokerOptions options;
    options.limits.heartbeat = 1ms;
    refused(options);
    options = {};
    options.limits.services.push_back({"mmi.mine", {}});
    refused(options);
    options = {};
    options.limits.services.push_back({"a", {}});
    options.limits.services.push_back({"a", {}});
    refused(options);
    options = {};
    options.limits.service.prefetch = 0;
    refused(options);
    options = {};
    options.backlogs_bytes_max = 1;
    refused(options);
}
