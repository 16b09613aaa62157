// SPDX-License-Identifier: Apache-2.0
// flotilla-relay under load: killed and started again on its ports, in front of peers that do not
// read, and with very many topics. At most once, in order, counted, and memory stays bounded.
#include <process/relay/relay_program.hpp>
#include <support/memory.hpp>

#include <algorithm>
#include <set>

using namespace flotilla;
using namespace flotilla::test;
using flotilla::net::Socket;
using flotilla::net::SocketOptions;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

constexpr int kills = 3;

// A relay that is killed and comes back where it was.
struct Killed {
    explicit Killed(std::string of)
        : kind(std::move(of)), daemon(start_kind(kind)), front(daemon.endpoint("frontend")),
          back(daemon.endpoint("backend")) {}
    void kill_and_start() {
        daemon.process.signal(SIGKILL);
        REQUIRE(daemon.process.wait_exit() == Exit::by(SIGKILL));
        daemon = start_relay({kind, "--frontend", front.text(), "--backend", back.text()});
    }
    std::string kind;
    Daemon daemon;
    net::Endpoint front;
    net::Endpoint back;
};

SocketOptions queue_of(std::uint32_t messages) {
    SocketOptions options;
    options.send_messages_max = options.receive_messages_max = messages;
    return options;
}

SocketOptions small_buffers() {
    SocketOptions options = queue_of(1);
    options.kernel_receive_bytes = 4096;
    return options;
}

// What only ever grows.
struct Rising {
    std::uint64_t last = 0;
    std::uint64_t count = 0;
    void see(const Frames& message) {
        const std::uint64_t number = std::stoull(std::string(message[0].view()));
        REQUIRE(number > last);
        last = number;
        ++count;
    }
};

// Sends rising numbers and takes what comes, while the relay is killed again and again.
void kill_under_load(const std::string& kind, SocketType sends, SocketType takes) {
    auto context = net::Context::open();
    Killed relay(kind);
    Socket sender = connected(*context, sends, relay.front);
    Socket taker = connected(*context, takes, relay.back, queue_of(100'000));
    if (takes == SocketType::sub)
        REQUIRE(taker.subscribe(""));
    Rising seen;
    std::uint64_t sent = 0;
    const auto take_until = [&](std::uint64_t count) {
        const Instant deadline = deadline_after(net::now(), patience);
        while (seen.count < count) {
            REQUIRE(net::now() < deadline);
            for (int i = 0; i < 100; ++i)
                sent += sender.send(ByteView{std::to_string(sent + 1)}, Duration::zero()) ? 1 : 0;
            while (const auto message = taker.receive(Duration::zero()))
                seen.see(*message);
        }
    };
    take_until(1'000);
    for (int i = 0; i < kills; ++i) {
        relay.kill_and_start();
        take_until(seen.count + 1'000);
    }
    // What came may have been on its way since before the last one died; but this one passes too.
    const Instant deadline = deadline_after(net::now(), patience);
    while (relay.daemon.counted("in_messages") < 1'000) {
        REQUIRE(net::now() < deadline);
        take_until(seen.count + 100);
    }
    relay.daemon.process.signal(SIGTERM);
    CHECK(relay.daemon.process.wait_exit());
}

} // namespace

TEST_CASE("flotilla-relay: killed under load, a forwarder and a streamer double and mix nothing",
          "[process][relay]") {
    kill_under_load("forwarder", SocketType::pub, SocketType::sub);
    kill_under_load("streamer", SocketType::push, SocketType::pull);
}

TEST_CASE("flotilla-relay: killed under load, a queue brings each client its own replies, once",
          "[process][relay]") {
    auto context = net::Context::open();
    Killed relay("queue");
    std::vector<Socket> services;
    std::vector<Socket> clients;
    for (int i = 0; i < 3; ++i)
        services.push_back(connected(*context, SocketType::rep, relay.back));
    for (int i = 0; i < 4; ++i)
        clients.push_back(connected(*context, SocketType::dealer, relay.front));
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    std::set<std::string> seen;
    // Each asks anew when nothing came for a while: what died with the relay is not answered.
    std::vector<Instant> ask_at(clients.size(), Instant{});
    const auto serve_until = [&](std::uint64_t count) {
        const Instant deadline = deadline_after(net::now(), patience);
        while (answered < count) {
            REQUIRE(net::now() < deadline);
            for (Socket& service : services)
                while (auto request = service.receive(Duration::zero()))
                    (void)service.send(*request, Duration::zero());
            for (std::size_t i = 0; i < clients.size(); ++i) {
                while (const auto reply = clients[i].receive(Duration::zero())) {
                    const std::string text((*reply).back().view());
                    REQUIRE(text.substr(0, 2) == std::to_string(i) + "/");
                    REQUIRE(seen.insert(text).second);
                    ++answered;
                    ask_at[i] = Instant{};
                }
                if (net::now() < ask_at[i])
                    continue;
                const std::string text = std::to_string(i) + "/" + std::to_string(++asked);
                Frames request{"", ByteView{text}};
                (void)clients[i].send(request, Duration::zero());
                ask_at[i] = net::now() + 200ms;
            }
        }
    };
    serve_until(500);
    for (int i = 0; i < kills; ++i) {
        relay.kill_and_start();
        serve_until(answered + 500);
    }
    CHECK(relay.daemon.counted("out_messages") >= 500 - clients.size()); // the first may be old
    relay.daemon.process.signal(SIGTERM);
    CHECK(relay.daemon.process.wait_exit());
}

TEST_CASE("flotilla-relay: a puller that does not read pushes back, at a bounded price",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("streamer");
    Socket push = connected(*context, SocketType::push, daemon.endpoint("frontend"));
    Socket pull = connected(*context, SocketType::pull, daemon.endpoint("backend"), queue_of(1));
    const std::string filler(1'000, 'x');
    Rising seen;
    REQUIRE(push.send(ByteView{"1 " + filler}, patience));
    seen.see(*pull.receive(patience));
    const std::uint64_t before = memory_bytes(daemon.process.pid());
    std::uint64_t sent = 1;
    while (push.send(ByteView{std::to_string(sent + 1) + " " + filler}, 1s))
        ++sent;
    CHECK(daemon.counted("in_held") == 1);
    // Its queues, of 1,000 each on both sides, beside the kernel's.
    CHECK(uses_less_than(before + 8 * mebibyte, daemon.process.pid()));
    while (seen.last < sent) {
        const auto message = pull.receive(patience);
        REQUIRE(message);
        seen.see(*message);
    }
    CHECK(seen.count == sent);
    CHECK(daemon.counted("in_messages") == sent);
    CHECK(daemon.counted("in_held") == 0);
}

TEST_CASE("flotilla-relay: for a subscriber that does not read small messages cost their size",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("forwarder");
    Socket pub = connected(*context, SocketType::xpub, daemon.endpoint("frontend"));
    Socket lazy = connected(*context, SocketType::sub, daemon.endpoint("backend"), small_buffers());
    REQUIRE(lazy.subscribe("tick"));
    CHECK(next(pub) == "\1tick");
    Socket sub = connected(*context, SocketType::sub, daemon.endpoint("backend"));
    REQUIRE(sub.subscribe(""));
    CHECK(next(pub) == "\1");
    const std::string body = "tick " + std::string(95, 'x');
    REQUIRE(pub.send(ByteView{body}, patience));
    CHECK(next(sub) == body);
    const std::uint64_t before = memory_bytes(daemon.process.pid());
    // One by one, as news come.
    constexpr int count = 40'000;
    for (int i = 0; i < count; ++i) {
        REQUIRE(pub.send(ByteView{body}, patience));
        REQUIRE(sub.receive(patience));
    }
    CHECK(uses_less_than(before + 24 * mebibyte, daemon.process.pid()));
    CHECK(daemon.counted("in_messages") == count + 1);
}

TEST_CASE("flotilla-relay: a tap that never reads costs its queue and slows nobody",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("streamer", {"--capture", "tcp://127.0.0.1:*"});
    Socket tap = connected(*context, SocketType::sub, daemon.endpoint("capture"), small_buffers());
    REQUIRE(tap.subscribe(""));
    Socket push = connected(*context, SocketType::push, daemon.endpoint("frontend"));
    Socket pull = connected(*context, SocketType::pull, daemon.endpoint("backend"));
    const std::string filler(1'000, 'x');
    Rising seen;
    std::uint64_t sent = 0;
    const auto pass = [&](std::uint64_t count) {
        const std::uint64_t until = sent + count;
        while (seen.last < until) {
            if (sent < until &&
                push.send(ByteView{std::to_string(sent + 1) + " " + filler}, Duration::zero()))
                ++sent;
            const auto message = pull.receive(sent < until ? Duration::zero() : patience);
            if (message)
                seen.see(*message);
        }
    };
    while (daemon.counted("captured") == 0)
        pass(1);
    const std::uint64_t before = memory_bytes(daemon.process.pid());
    pass(60'000);
    CHECK(seen.count == sent);
    // --capture-hwm is 10,000.
    CHECK(uses_less_than(before + 24 * mebibyte, daemon.process.pid()));
    CHECK(daemon.counted("in_messages") == sent);
}

TEST_CASE("flotilla-relay: a hundred thousand last values cost what is counted, and all come",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("forwarder", {"--last-value", "--log-format", "text"});
    // Its queue has room for all: a relay that is slow here must not look like one that loses.
    Socket pub =
        connected(*context, SocketType::pub, daemon.endpoint("frontend"), queue_of(400'000));
    // So that its messages are sent at all.
    Socket sub =
        connected(*context, SocketType::sub, daemon.endpoint("backend"), queue_of(200'000));
    REQUIRE(sub.subscribe("topic/"));
    constexpr std::uint64_t topics = 100'000;
    const auto publish = [&](std::uint64_t topic, std::uint64_t round) {
        const std::string name = "topic/" + std::to_string(topic);
        const std::string body = std::to_string(round) + std::string(99, 'x');
        Frames message{ByteView{name}, ByteView{body}};
        REQUIRE(pub.send(message, patience));
    };
    const Instant deadline = deadline_after(net::now(), patience);
    do { // until its subscription has come through
        REQUIRE(net::now() < deadline);
        publish(0, 0);
    } while (!sub.receive(10ms));
    const std::uint64_t before = memory_bytes(daemon.process.pid());
    for (std::uint64_t round = 1; round <= 3; ++round)
        for (std::uint64_t i = 0; i < topics; ++i) {
            publish(i * 7'919 % topics, round);
            while (sub.receive(Duration::zero())) {
            }
        }
    // As long as it goes on it may take its time: under a sanitizer it needs more than a minute.
    std::uint64_t in = 0;
    for (Instant stalled = deadline_after(net::now(), patience); in < 3 * topics;) {
        REQUIRE(net::now() < stalled);
        const std::uint64_t now_in = daemon.counted("in_messages");
        if (now_in > in)
            stalled = deadline_after(net::now(), patience);
        in = now_in;
        while (sub.receive(10ms)) {
        }
    }
    CHECK(daemon.counted("last_value_topics") == topics);
    const std::uint64_t counted = daemon.counted("last_value_bytes");
    // What waited for a subscriber on a busy machine is read, and goes back to the system.
    const Instant given_back = deadline_after(net::now(), patience);
    while (!uses_less_than(before + counted * 3 / 2 + 16 * mebibyte, daemon.process.pid())) {
        REQUIRE(net::now() < given_back);
        (void)sub.receive(10ms);
        while (sub.receive(Duration::zero())) {
        }
    }
    Socket late =
        connected(*context, SocketType::sub, daemon.endpoint("backend"), queue_of(200'000));
    REQUIRE(late.subscribe("topic/"));
    std::set<std::string> names;
    while (names.size() < topics) {
        const auto value = late.receive(patience);
        REQUIRE(value);
        REQUIRE((*value)[1].view().front() == '3');
        names.emplace((*value)[0].view());
    }
    CHECK(names.size() == topics);
}
