// SPDX-License-Identifier: Apache-2.0
// Listeners that look at where their peers come from.
#include "gate_listener.hpp"

using namespace flotilla;
using namespace flotilla::net;
using namespace flotilla::net_test;

TEST_CASE("gate: an address that keeps failing waits, and is heard again", "[integration][net]") {
    GateLimits limits = counting_loopback();
    limits.address_failures_max = 3;
    limits.address_penalty = 300ms;
    Listener listener(curve, limits);
    // With keys: the address of a peer that is gone before the monitor is read cannot be known.
    for (std::uint64_t i = 1; i <= 4; ++i) {
        const Socket unknown = listener.peer(as_client(stranger));
        REQUIRE(listener.until([&] {
            return listener.count(Failure::unknown_key) + listener.count(Failure::penalty) >= i;
        }));
    }
    // An innocent one behind the same address tries until the pause is over.
    Socket good = listener.peer(as_client(alice));
    CHECK(listener.hears(good));
    CHECK(listener.count(Failure::penalty) > 0);
}

TEST_CASE("gate: addresses are let in or not, whatever the mechanism", "[integration][net]") {
    const auto nowhere = [](std::shared_ptr<Gate> gate) {
        AccessPolicy policy;
        policy.null = AccessPolicy::Null::let_in;
        REQUIRE(
            policy.addresses.add(AddressRules::Effect::deny, *AddressRange::parse("127.0.0.0/8")));
        gate->set_policy(std::move(policy));
        return Security{Plaintext{Plaintext::Where::local_only, std::move(gate)}};
    };
    Listener listener(nowhere);
    const Socket peer = listener.peer(Plaintext{});
    CHECK(listener.until([&] { return listener.count(Failure::address) > 0; }));
    CHECK_FALSE(listener.socket.receive(Duration::zero()));
    CHECK(listener.gate->counters().handshakes_total == 0);
}

TEST_CASE("gate: peers over ipc have no address, and rules about addresses are not for them",
          "[integration][net]") {
    const test::ScratchFolder folder;
    const auto from_afar = [](AccessPolicy policy, const std::shared_ptr<Gate>& gate) {
        using Effect = AddressRules::Effect;
        REQUIRE(policy.addresses.add(Effect::allow, *AddressRange::parse("203.0.113.0/24")));
        REQUIRE(policy.addresses.add(Effect::deny, *AddressRange::parse("::/0")));
        gate->set_policy(std::move(policy));
    };
    const auto null = [&](std::shared_ptr<Gate> gate) {
        AccessPolicy policy;
        policy.null = AccessPolicy::Null::let_in;
        from_afar(std::move(policy), gate);
        return Security{
            Plaintext{Plaintext::Where::local_only, std::move(gate), Plaintext::Handshakes::asked}};
    };
    Listener open(null, {}, 10s, folder.ipc("null"));
    Socket anybody = open.peer(Plaintext{});
    CHECK(open.hears(anybody));

    const auto plain = [&](std::shared_ptr<Gate> gate) {
        AccessPolicy policy;
        policy.plain.emplace("printer", "secret");
        from_afar(std::move(policy), gate);
        return Security{PlainServer{std::move(gate)}};
    };
    Listener named(plain, {}, 10s, folder.ipc("plain"));
    Socket printer = named.peer(PlainClient{"printer", "secret"});
    CHECK(named.hears(printer));

    const auto keyed = [&](std::shared_ptr<Gate> gate) {
        AllowList list;
        REQUIRE(list.add(alice.public_key, {"alice", {}}));
        from_afar(list, gate);
        return Security{CurveServer{server_keys, std::move(gate)}};
    };
    Listener secret(keyed, {}, 10s, folder.ipc("curve"));
    Socket known = secret.peer(CurveClient{alice, server_keys.public_key});
    CHECK(secret.hears(known));
}

TEST_CASE("gate: PLAIN knows names and passwords, on this machine", "[integration][net]") {
    const auto plain = [](std::shared_ptr<Gate> gate) {
        AccessPolicy policy;
        policy.plain.emplace("printer", "secret");
        gate->set_policy(std::move(policy));
        return Security{PlainServer{std::move(gate)}};
    };
    Listener listener(plain);
    Socket good = listener.peer(PlainClient{"printer", "secret"});
    REQUIRE(good.send("hello", 1s));
    Part frame;
    REQUIRE(listener.until([&] { return listener.socket.receive(frame, 0s).has_value(); }));
    Part body;
    REQUIRE(listener.socket.receive(body, 1s));
    CHECK(body.property("User-Id") == "plain:printer");
    CHECK(names_users(listener.socket.options().security));
    const Socket wrong = listener.peer(PlainClient{"printer", "guess"});
    CHECK(listener.until([&] { return listener.count(Failure::wrong_password) > 0; }));

    CHECK(listener.socket.bind(*Endpoint::parse("tcp://0.0.0.0:*")).error().code == Errc::insecure);
    Socket remote = *Socket::open(listener.context, SocketType::dealer, [] {
        SocketOptions options;
        options.security = PlainClient{"printer", "secret"};
        return options;
    }());
    CHECK(remote.connect(*Endpoint::parse("tcp://192.0.2.1:5555")).error().code == Errc::insecure);
}
