// SPDX-License-Identifier: Apache-2.0
// What a relay does about limits, full queues, peers that are gone or hostile, and its own end.
#include "harness.hpp"

#include <support/raw_peer.hpp>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

Frames frames(std::size_t count) {
    Frames message;
    for (std::size_t i = 0; i < count; ++i)
        message.add(ByteView{"f"});
    return message;
}

} // namespace

TEST_CASE("relay: a message over a limit is dropped whole and counted, the next one passes",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::streamer);
    options.frames_max = 4;
    options.message_bytes_max = 1'000;
    Served served(std::move(options));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    served.send(push, frames(5));
    served.send(push, frames(4));
    served.send(push, Frames{std::string(501, 'x'), std::string(500, 'x')});
    served.send(push, Frames{std::string(500, 'x'), std::string(500, 'x')});
    served.send(push, frames(100));
    served.send(push, Frames{"end"});
    CHECK(served.next(pull) == Texts{"f", "f", "f", "f"});
    CHECK(served.next(pull) == Texts{std::string(500, 'x'), std::string(500, 'x')});
    CHECK(served.next(pull) == Texts{"end"});
    const Traffic in = served.counters().in;
    CHECK(in.dropped(Drop::too_many) == 2);
    CHECK(in.dropped(Drop::too_large) == 1);
    CHECK(in.messages_total == 3);
    CHECK(in.bytes_total == 4 + 1000 + 3);
}

TEST_CASE("relay: a frame over its limit costs its sender the connection and nobody else",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::streamer);
    options.frame_bytes_max = 1'000;
    Served served(std::move(options));
    net::Socket bad = served.front(SocketType::push);
    net::Socket good = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    served.send(bad, Frames{std::string(1'001, 'x')});
    served.send(good, Frames{"good"});
    CHECK(served.next(pull) == Texts{"good"});
    CHECK(served.silent(pull));
}

TEST_CASE("relay: garbage on its port leaves other peers working", "[integration][relay]") {
    for (const Kind kind : {Kind::streamer, Kind::forwarder, Kind::queue}) {
        INFO(name(kind));
        Served served(on_tcp(kind));
        const bool streams = kind == Kind::streamer;
        const bool forwards = kind == Kind::forwarder;
        net::Socket front = served.front(streams    ? SocketType::push
                                         : forwards ? SocketType::xpub
                                                    : SocketType::dealer);
        net::Socket back = served.back(streams    ? SocketType::pull
                                       : forwards ? SocketType::sub
                                                  : SocketType::dealer);
        if (forwards) {
            REQUIRE(back.subscribe(""));
            served.await_subscription(front, "");
        }
        for (const Side side : {Side::frontend, Side::backend}) {
            test::RawTcpPeer http(served.relay->endpoints(side)[0]);
            http.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            test::RawTcpPeer noise(served.relay->endpoints(side)[0]);
            noise.say(std::string(4'096, '\xff'));
            test::RawTcpPeer greeting(served.relay->endpoints(side)[0]);
            greeting.say(ByteView("\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL", 16));
            served.send(front, Frames{"still", "here"});
            const Texts received = served.next(back);
            CHECK(received[received.size() - 2] == "still");
        }
        CHECK(served.counters().in.messages_total == 2);
    }
}

TEST_CASE("relay: lossy: a subscriber that stops reading costs only itself",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.messages_max = 100;
    Served served(std::move(options));
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket stopped = served.back(SocketType::sub, queue_of(1));
    net::Socket reads = served.back(SocketType::sub);
    REQUIRE(stopped.subscribe("a"));
    served.await_subscription(pub, "a");
    REQUIRE(reads.subscribe(""));
    served.await_subscription(pub, "");
    const std::string body(50'000, 'x');
    for (int i = 0; i < 1'000; ++i) {
        served.send(pub, Frames{"a" + std::to_string(i), body});
        REQUIRE(served.next(reads).at(0) == "a" + std::to_string(i));
    }
    CHECK(served.counters().in.dropped_sum() == 0);
}

TEST_CASE("relay: drop: what does not fit everybody reaches nobody, and is counted exactly",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.messages_max = 10;
    options.overflow = Overflow{Overflow::Policy::drop};
    Served served(std::move(options));
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket stopped = served.back(SocketType::sub, queue_of(1));
    net::Socket reads = served.back(SocketType::sub);
    REQUIRE(stopped.subscribe("a"));
    served.await_subscription(pub, "a");
    REQUIRE(reads.subscribe(""));
    served.await_subscription(pub, "");
    const std::string body(50'000, 'x');
    std::uint64_t received = 0;
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
        served.send(pub, Frames{"a", body});
        served.until([&] {
            received += reads.receive(Duration::zero()) ? 1 : 0;
            const Traffic in = served.counters().in;
            return in.messages_total + in.dropped_sum() == i && in.messages_total == received;
        });
    }
    CHECK(served.counters().in.dropped(Drop::overflow) > 0);
    CHECK(served.counters().in.dropped(Drop::overflow) + received == 1'000);
    served.send(pub, Frames{"b", "others are not touched"});
    CHECK(served.next(reads).at(0) == "b");
}

TEST_CASE("relay: block: a full subscriber pushes back, then the message is dropped and counted",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.messages_max = 10;
    options.overflow = Overflow{Overflow::Policy::block, 50ms};
    Served served(std::move(options));
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket stopped = served.back(SocketType::sub, queue_of(1));
    REQUIRE(stopped.subscribe(""));
    served.await_subscription(pub, "");
    const std::string body(50'000, 'x');
    std::uint64_t sent = 0;
    served.until([&] {
        const Traffic in = served.counters().in;
        if (in.messages_total + in.dropped_sum() == sent) {
            served.send(pub, Frames{body});
            ++sent;
        }
        return in.dropped(Drop::overflow) == 2;
    });
    // Everything that was passed arrives, and when there is room again so does what comes then.
    const std::uint64_t passed = served.counters().in.messages_total;
    for (std::uint64_t i = 0; i < passed; ++i)
        served.next(stopped);
    served.until([&] {
        const Traffic in = served.counters().in;
        return in.messages_total + in.dropped_sum() == sent;
    });
    served.send(pub, Frames{"room again"});
    Texts last;
    while (last != Texts{"room again"})
        last = served.next(stopped);
}

TEST_CASE("relay: what is no subscription does not go upstream", "[integration][relay]") {
    Served served(on_tcp(Kind::forwarder));
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket xsub = served.back(SocketType::xsub);
    served.send(xsub, Frames{"a message upwards"});
    served.send(xsub, Frames{"\2a", "two frames"});
    served.send(xsub, Frames{"\1b"});
    served.await_subscription(pub, "b");
    CHECK(served.counters().out.dropped(Drop::malformed) == 2);
}

TEST_CASE("relay: a subscription too long costs the subscriber its connection",
          "[integration][relay]") {
    Served served(on_tcp(Kind::forwarder));
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket hostile = served.back(SocketType::sub);
    REQUIRE(hostile.subscribe(std::string(Plan::subscription_bytes_max, 'x')));
    net::Socket good = served.back(SocketType::sub);
    REQUIRE(good.subscribe("a"));
    served.await_subscription(pub, "a");
    served.send(pub, Frames{"a"});
    CHECK(served.next(good) == Texts{"a"});
}

TEST_CASE("relay: replies to clients that are gone are counted", "[integration][relay]") {
    Served served(on_tcp(Kind::queue));
    net::Socket worker = served.back(SocketType::dealer);
    Texts request;
    {
        net::Socket client = served.front(SocketType::dealer);
        served.send(client, Frames{"who answers?"});
        request = served.next(worker);
    }
    // The relay learns of the departure in its own time; a reply after that has nowhere to go.
    served.until([&] {
        served.send(worker, Frames{ByteView{request[0]}, "too late"});
        return served.counters().out.dropped(Drop::unroutable) > 0;
    });
    served.send(worker, Frames{"no routing id"});
    served.until([&] { return served.counters().out.dropped(Drop::malformed) == 1; });
}

TEST_CASE("relay: a client that does not read costs itself its replies, not others theirs",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::queue);
    options.messages_max = 5;
    options.reply_backlog_messages_max = 20;
    Served served(std::move(options));
    net::Socket worker = served.back(SocketType::dealer);
    net::Socket stopped = served.front(SocketType::dealer, queue_of(1));
    net::Socket reads = served.front(SocketType::dealer);
    served.send(stopped, Frames{"I will not read"});
    const std::string stopped_id = served.next(worker).at(0);
    served.send(reads, Frames{"I will"});
    const std::string reads_id = served.next(worker).at(0);
    const std::string body(50'000, 'x');
    std::uint64_t replies = 0;
    served.until([&] {
        served.send(worker, Frames{ByteView{stopped_id}, std::to_string(replies++), body});
        served.send(worker, Frames{ByteView{reads_id}, "for the one that reads"});
        REQUIRE(served.next(reads) == Texts{"for the one that reads"});
        REQUIRE(served.counters().backlog_messages <= 20);
        return served.counters().out.dropped(Drop::backlog_full) == 10;
    });
    // What was kept comes in order once it reads again, by the timer alone.
    const std::uint64_t kept = replies - 10;
    std::uint64_t expected = 0;
    std::uint64_t lost = 0;
    while (expected < kept) {
        const int number = std::stoi(served.next(stopped).at(0));
        lost += static_cast<std::uint64_t>(number) - expected - lost;
        ++expected;
    }
    CHECK(lost <= 10);
    served.until([&] { return served.counters().backlog_messages == 0; });
    const Traffic out = served.counters().out;
    CHECK(out.messages_total + out.dropped(Drop::backlog_full) == 2 * replies);
}

TEST_CASE("relay: paused, it passes nothing and pushes back; resumed, nothing was lost",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::streamer);
    Served served(std::move(options));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    served.send(push, Frames{"1"});
    CHECK(served.next(pull) == Texts{"1"});
    served.relay->pause();
    served.send(push, Frames{"2"});
    CHECK(served.silent(pull));
    CHECK(served.counters().state == Pump::State::paused);
    served.relay->resume();
    CHECK(served.next(pull) == Texts{"2"});
}

TEST_CASE("relay: a drain moves what has arrived, lets it leave, and lets its ports go",
          "[integration][relay]") {
    Served served(on_tcp(Kind::streamer));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    served.send(push, Frames{"first"});
    CHECK(served.next(pull) == Texts{"first"});
    served.relay->pause(); // so that these wait inside
    for (int i = 0; i < 500; ++i)
        served.send(push, Frames{std::to_string(i)});
    CHECK(served.silent(pull));
    bool drained = false;
    served.relay->drain(30s, [&] { drained = true; });
    served.until([&] { return drained; });
    CHECK(served.counters().state == Pump::State::drained);
    CHECK(served.counters().in.dropped_sum() == 0);
    for (int i = 0; i < 500; ++i)
        REQUIRE(served.next(pull) == Texts{std::to_string(i)});

    auto again = net::Socket::open(served.context, SocketType::pull);
    // The port was let go: libzmq does that in the background.
    served.until(
        [&] { return static_cast<bool>(again->bind(served.relay->endpoints(Side::frontend)[0])); });
}

TEST_CASE("relay: a drain over ipc waits until a slow reader has taken everything",
          "[integration][relay]") {
    const test::ScratchFolder folder;
    RelayOptions options = on_tcp(Kind::streamer);
    options.backend.attachments = {attachment("@" + folder.ipc("back").text())};
    options.messages_max = 5'000;
    Served served(std::move(options));
    net::Socket push = served.front(SocketType::push);
    net::SocketOptions little; // so that messages wait in the kernel
    little.receive_messages_max = 1;
    auto pull = net::Socket::open(served.context, SocketType::pull, little);
    REQUIRE(pull.has_value());
    REQUIRE(pull->connect(served.relay->endpoints(Side::backend)[0]));
    constexpr int messages = 2'000;
    const std::string body(1'000, 'm');
    for (int i = 0; i < messages; ++i)
        served.send(push, Frames{body});
    served.until([&] { return served.counters().in.messages_total == messages; });
    bool drained = false;
    served.relay->drain(30s, [&] { drained = true; });
    int got = 0;
    served.until([&] {
        got += pull->receive(Duration::zero()).has_value() ? 1 : 0;
        return drained;
    });
    while (pull->receive(1s).has_value())
        ++got;
    CHECK(got == messages);
}

TEST_CASE("relay: a draining queue waits for replies; a request nobody answers costs the deadline",
          "[integration][relay]") {
    Served served(on_tcp(Kind::queue));
    net::Socket rep = served.back(SocketType::rep);
    net::Socket req = served.front(SocketType::req);
    served.send(req, Frames{"slow one"});
    CHECK(served.next(rep) == Texts{"slow one"});
    bool drained = false;
    SECTION("it is answered") {
        served.relay->drain(60s, [&] { drained = true; });
        CHECK(served.silent(req));
        CHECK_FALSE(drained);
        REQUIRE(rep.send("the answer", patience));
        CHECK(served.next(req) == Texts{"the answer"});
        served.until([&] { return drained; });
    }
    SECTION("it is not") {
        served.relay->drain(40ms, [&] { drained = true; });
        served.until([&] { return drained; });
    }
    CHECK(served.counters().state == Pump::State::drained);
}

TEST_CASE("relay: a message that finds no consumer is given up at the drain's deadline",
          "[integration][relay]") {
    Served served(on_tcp(Kind::streamer));
    net::Socket push = served.front(SocketType::push);
    served.send(push, Frames{"nobody pulls"});
    served.until([&] { return served.counters().in.held == 1; });
    bool drained = false;
    served.relay->drain(40ms, [&] { drained = true; });
    served.relay->drain(1h, [] { FAIL("a second drain is ignored"); });
    served.until([&] { return drained; });
    CHECK(served.counters().in.dropped(Drop::not_drained) == 1);
}

TEST_CASE("relay: an endpoint in use is named with the relay and the side",
          "[integration][relay]") {
    Served served(on_tcp(Kind::streamer));
    RelayOptions second = on_tcp(Kind::streamer);
    second.name = "second";
    second.backend.attachments = {attachment(served.relay->endpoints(Side::frontend)[0].text())};
    const auto refused = Relay::open(served.context, std::move(second));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::address_in_use);
    CHECK(refused.error().detail.find("relay 'second' backend: cannot bind tcp://127.0.0.1:") == 0);
}

TEST_CASE("relay: with CURVE it passes what a listed client sends, and nothing of others",
          "[integration][relay]") {
    const auto server = *net::generate_key_pair();
    const auto listed = *net::generate_key_pair();
    const auto stranger = *net::generate_key_pair();
    net::AllowList clients;
    REQUIRE(clients.add(listed.public_key));
    RelayOptions options = on_tcp(Kind::streamer);
    options.frontend.security = net::CurveServer{server, clients};
    Served served(std::move(options));
    net::SocketOptions as_listed;
    as_listed.security = net::CurveClient{listed, server.public_key};
    net::SocketOptions as_stranger;
    as_stranger.security = net::CurveClient{stranger, server.public_key};
    net::Socket denied = served.front(SocketType::push, as_stranger);
    net::Socket allowed = served.front(SocketType::push, as_listed);
    net::Socket plain = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    Frames refused{"stranger"};
    (void)denied.send(refused, Duration::zero());
    Frames bare{"plaintext"};
    (void)plain.send(bare, Duration::zero());
    served.send(allowed, Frames{"listed"});
    CHECK(served.next(pull) == Texts{"listed"});
    CHECK(served.silent(pull));
}
