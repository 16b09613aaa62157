// SPDX-License-Identifier: Apache-2.0
// Listeners on real sockets, and those who should not get in.
#include "gate_listener.hpp"

#include <flotilla/net/connection_figures.hpp>

#include <vector>

using namespace flotilla;
using namespace flotilla::net;
using namespace flotilla::net_test;

TEST_CASE("gate: whoever has a key gets in, everybody else is refused by name",
          "[integration][net]") {
    Listener listener(curve);
    Socket good = listener.peer(as_client(alice));
    CHECK(listener.hears(good));
    CHECK(listener.gate->counters().connections == 1);
    CHECK(listener.failures() == 0);

    const Socket unknown = listener.peer(as_client(stranger));
    CHECK(listener.until([&] { return listener.count(Failure::unknown_key) > 0; }));
    const Socket wrong_server = listener.peer(as_client(alice, stranger.public_key));
    CHECK(listener.until([&] { return listener.count(Failure::wrong_server_key) > 0; }));
    const Socket without = listener.peer(Plaintext{});
    CHECK(listener.until([&] { return listener.count(Failure::plaintext) > 0; }));

    AllowList revoked;
    REQUIRE(revoked.revoke(alice.public_key));
    listener.gate->set_policy(revoked);
    CHECK(listener.hears(good)); // who is in stays in; its messages are judged by Permissions
    const Socket late = listener.peer(as_client(alice));
    CHECK(listener.until([&] { return listener.count(Failure::revoked_key) > 0; }));
    CHECK(listener.count(Failure::not_zmtp) == 0); // none of them was counted twice
    CHECK(listener.count(Failure::closed) == 0);
}

TEST_CASE("gate: what never finishes its handshake is let go, and counted", "[integration][net]") {
    for (const auto& security : {curve, plaintext}) {
        Listener listener(security, {}, 200ms);
        const RawTcpPeer silent(listener.endpoint);
        RawTcpPeer half(listener.endpoint);
        half.say(test::zmtp_greeting("CURVE").substr(0, 20));
        CHECK(listener.until([&] { return listener.count(Failure::timeout) == 2; }));
        CHECK(listener.gate->counters().connections == 0);
        CHECK(listener.failures() == 2);
    }
}

TEST_CASE("gate: garbage is no ZeroMQ", "[integration][net]") {
    for (const auto& security : {curve, plaintext}) {
        Listener listener(security);
        RawTcpPeer web(listener.endpoint);
        web.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(100, 'x'));
        CHECK(listener.until([&] { return listener.failures() == 1; }));
        RawTcpPeer scanner(listener.endpoint);
        scanner.close();
        CHECK(listener.until([&] { return listener.count(Failure::closed) == 1; }));
        RawTcpPeer broken(listener.endpoint);
        broken.say(test::zmtp_greeting("CURVE") + std::string(300, '\xee'));
        CHECK(listener.until([&] { return listener.failures() == 3; }));
        CHECK(listener.gate->counters().connections == 0);
    }
}

TEST_CASE("gate: a flood disturbs nobody who is in", "[integration][net]") {
    Listener listener(curve);
    Socket good = listener.peer(as_client(alice));
    REQUIRE(listener.hears(good));
    constexpr int rounds = 20;
    constexpr int peers = 50;
    for (int round = 0; round < rounds; ++round) {
        std::vector<RawTcpPeer> flood;
        for (int i = 0; i < peers; ++i) {
            flood.emplace_back(listener.endpoint);
            flood.back().say(std::string(200, static_cast<char>('a' + i % 26)));
        }
        CHECK(listener.hears(good));
        flood.clear();
    }
    // Some may not even be accepted yet.
    CHECK(listener.until([&] { return listener.failures() == rounds * peers; }));
    CHECK(listener.until([&] { return listener.gate->counters().connections == 1; }));
    CHECK(listener.gate->take_failures().size() <= Gate::failures_kept);
    CHECK(listener.hears(good));
}

TEST_CASE("gate: more connections than allowed are hung up on", "[integration][net]") {
    GateLimits limits;
    limits.connections_max = 3;
    Listener listener(curve, limits);
    Socket good = listener.peer(as_client(alice));
    REQUIRE(listener.hears(good));
    std::vector<RawTcpPeer> silent;
    for (int i = 0; i < 5; ++i)
        silent.emplace_back(listener.endpoint);
    CHECK(listener.until([&] {
        return listener.count(Failure::connections) == 3 &&
               listener.gate->counters().connections == 3;
    }));
    CHECK(listener.hears(good));
    silent.clear();
    CHECK(listener.until([&] { return listener.gate->counters().connections == 1; }));
    Socket next = listener.peer(as_client(alice));
    CHECK(listener.hears(next));
}

TEST_CASE("gate: one address has only so many connections", "[integration][net]") {
    GateLimits limits = counting_loopback();
    limits.address_connections_max = 2;
    Listener listener(plaintext, limits);
    std::vector<RawTcpPeer> silent;
    for (int i = 0; i < 4; ++i)
        silent.emplace_back(listener.endpoint);
    CHECK(listener.until([&] { return listener.count(Failure::address_connections) == 2; }));
}

TEST_CASE("gate: a NULL peer cannot claim to be somebody", "[integration][net]") {
    Listener listener(plaintext);
    RawTcpPeer liar(listener.endpoint);
    liar.say(test::zmtp_greeting("NULL") +
             test::zmtp_ready({{"Socket-Type", "DEALER"}, {"User-Id", alice.public_key.z85()}}));
    liar.hear(test::zmtp_greeting("NULL").size() + 20); // its READY begins
    liar.say(std::string("\0\x05hello", 7));
    Part frame;
    REQUIRE(listener.until([&] { return listener.socket.receive(frame, 0s).has_value(); }));
    REQUIRE(listener.socket.receive(frame, 1s));
    CHECK(frame.view() == "hello");
    CHECK(frame.property("User-Id").value_or("") == "");
    CHECK_FALSE(names_users(listener.socket.options().security));
    CHECK_FALSE(names_users(Plaintext{}));
}

TEST_CASE("gate: a listener for some only refuses the others at the door", "[integration][net]") {
    auto gate = std::make_shared<Gate>();
    AccessPolicy policy{[] {
        AllowList list;
        (void)list.add(alice.public_key, {"alice", {}});
        (void)list.add(stranger.public_key, {"bob", {}});
        return list;
    }()};
    Rule rule;
    rule.who = {"alice"};
    rule.operations[std::size_t(Operation::take)] = true;
    rule.objects = {"orders"};
    policy.permissions = *Permissions::make(
        {{alice.public_key.z85(), {"alice", {}}}, {stranger.public_key.z85(), {"bob", {}}}},
        Permissions::Unlisted::nobody, {rule});
    gate->set_policy(std::move(policy));
    auto context = Context::open();
    SocketOptions options;
    options.security = CurveServer{server_keys, gate};
    options.domain = "orders-door";
    options.entry = Entry{Operation::take, "orders"};
    Socket push = *Socket::open(*context, SocketType::push, options);
    const Endpoint endpoint = *push.bind(*Endpoint::parse("tcp://127.0.0.1:*"));
    const auto puller = [&](const CurveKeyPair& keys) {
        SocketOptions pulling;
        pulling.security = as_client(keys);
        Socket pull = *Socket::open(*context, SocketType::pull, pulling);
        REQUIRE(pull.connect(endpoint));
        return pull;
    };
    const Socket bob = puller(stranger);
    const Instant deadline = deadline_after(now(), patience);
    const auto refused = [&] {
        return gate->counters().failures_total[std::size_t(Failure::not_allowed)];
    };
    while (refused() == 0 && now() < deadline)
        (void)bob.native_handle();
    CHECK(refused() > 0);
    CHECK(push.send("order", 0s).error().code == Errc::would_block); // nobody is there
    Socket good = puller(alice);
    CHECK(push.send("order", patience));
    CHECK(good.receive(patience));

    SocketOptions without;
    without.entry = Entry{Operation::take, "orders"};
    CHECK(Socket::open(*context, SocketType::push, without).error().code == Errc::bad_option);
}

namespace {

std::vector<GateConnection> present(const Gate& gate) {
    std::vector<GateConnection> all;
    gate.for_each_connection([&](const GateConnection& each) { all.push_back(each); });
    return all;
}

} // namespace

TEST_CASE("a gate tells who is connected, and the kernel what went through", "[integration][net]") {
    Listener listener(plaintext);
    {
        Socket peer = listener.peer({});
        REQUIRE(listener.hears(peer));
        const auto connections = present(*listener.gate);
        REQUIRE(connections.size() == 1);
        const GateConnection& it = connections[0];
        CHECK(it.listener == listener.endpoint.text());
        CHECK(it.peer.starts_with("127.0.0.1:"));
        CHECK(it.peer == peer_text(it.descriptor));
        const auto figures = connection_figures(it.descriptor, it.peer);
        REQUIRE(figures);
        CHECK(figures->received_bytes.value_or(0) >= 64 + 5); // a greeting and "hello"
        CHECK(figures->sent_bytes.value_or(0) >= 64);
        CHECK(figures->round_trip);
        CHECK_FALSE(connection_figures(it.descriptor, "127.0.0.1:1")); // another's by now
        CHECK_FALSE(connection_figures(-1, it.peer));
        Socket second = listener.peer({});
        REQUIRE(listener.hears(second));
        const auto both = present(*listener.gate);
        REQUIRE(both.size() == 2);
        CHECK(both[0].number != both[1].number);
    }
    CHECK(listener.until([&] { return present(*listener.gate).empty(); }));
}
