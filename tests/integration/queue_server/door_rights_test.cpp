// SPDX-License-Identifier: Apache-2.0
// Doors over CURVE: whoever pushes or pulls says nothing of himself, and loses his place with his
// right all the same.
#include <flotilla/net/curve.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/server.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

// One queue behind a PULL and a PUSH door, and those whose keys are listed.
struct House {
    House() {
        allow({&alice, &bob});
        QueueServerOptions options;
        options.security = net::CurveServer{keys, gate};
        options.permissions = permissions;
        options.doors = {door(Door::Kind::pull), door(Door::Kind::push)};
        auto opened =
            QueueServer::open(context, std::make_unique<MemoryStore>(), std::move(options));
        REQUIRE(opened);
        server.emplace(std::move(*opened));
        REQUIRE(server->declare("q", {}));
        const auto doors = server->doors();
        way_in.emplace(*net::Endpoint::parse(doors[0].endpoint));
        way_out.emplace(*net::Endpoint::parse(doors[1].endpoint));
    }
    static Door door(Door::Kind kind) {
        Door door;
        door.kind = kind;
        door.queue = "q";
        door.endpoints = {{test::any_tcp(), net::Attach::bind}};
        return door;
    }
    // As a daemon does it: first the gate, then the server.
    void allow(const std::vector<const net::CurveKeyPair*>& listed) {
        net::AllowList list;
        std::map<std::string, User, std::less<>> users;
        for (const net::CurveKeyPair* each : listed) {
            const User user{each == &alice ? "alice" : "bob", {}};
            REQUIRE(list.add(each->public_key, user));
            users.emplace(each->public_key.z85(), user);
        }
        auto made = Permissions::make(std::move(users), Permissions::Unlisted::nobody, {});
        REQUIRE(made);
        permissions = std::make_shared<const Permissions>(std::move(*made));
        net::AccessPolicy policy{std::move(list)};
        policy.permissions = *permissions;
        gate->set_policy(std::move(policy));
        if (server)
            server->set_permissions(permissions);
    }
    net::Socket peer(net::SocketType type, const net::CurveKeyPair& pair, const net::Endpoint& at) {
        net::SocketOptions options;
        options.security = net::CurveClient{pair, keys.public_key};
        options.reconnect_min = 10ms;
        options.reconnect_max = 50ms;
        net::Socket socket = *net::Socket::open(context, type, std::move(options));
        REQUIRE(socket.connect(at));
        return socket;
    }
    void until(const std::function<bool()>& done) {
        const Instant deadline = deadline_after(net::now(), 30s);
        while (!done()) {
            REQUIRE(net::now() < deadline);
            REQUIRE(server->process(2ms));
        }
    }
    void send(net::Socket& socket, const std::string& text) {
        until([&] {
            wire::Frames message{text};
            return socket.send(message, Duration::zero()).has_value();
        });
    }
    std::string next(net::Socket& socket) {
        std::string text;
        until([&] {
            const auto message = socket.receive(Duration::zero());
            if (message)
                text = (*message)[0].view();
            return message.has_value();
        });
        return text;
    }
    void lets_in(std::uint64_t handshakes) {
        until([&] { return gate->counters().handshakes_total == handshakes; });
    }
    std::uint64_t refused() const {
        return gate->counters().failures_total[std::size_t(net::HandshakeFailure::unknown_key)];
    }

    net::CurveKeyPair keys = *net::generate_key_pair();
    net::CurveKeyPair alice = *net::generate_key_pair();
    net::CurveKeyPair bob = *net::generate_key_pair();
    std::shared_ptr<net::Gate> gate = std::make_shared<net::Gate>();
    std::shared_ptr<const Permissions> permissions{};
    net::Context context = *net::Context::open();
    std::optional<QueueServer> server{};
    std::optional<net::Endpoint> way_in{};
    std::optional<net::Endpoint> way_out{};
};

} // namespace

TEST_CASE("doors: a puller whose key is revoked gets nothing more", "[integration][queue]") {
    House house;
    net::Socket bob = house.peer(net::SocketType::pull, house.bob, *house.way_out);
    auto monitor = net::Monitor::open(bob);
    REQUIRE(monitor);
    net::Socket pushing = house.peer(net::SocketType::push, house.alice, *house.way_in);
    house.send(pushing, "1");
    CHECK(house.next(bob) == "1");

    house.allow({&house.alice});
    house.until([&] {
        const auto event = monitor->next();
        return event && event->kind == net::ConnectionEvent::Kind::disconnected;
    });
    house.until([&] { return house.refused() > 0; }); // it came back
    house.send(pushing, "2"); // hung up on as well, from the same address, and back
    net::Socket alice = house.peer(net::SocketType::pull, house.alice, *house.way_out);
    CHECK(house.next(alice) == "2");
    CHECK_FALSE(bob.receive(Duration::zero()));
}

TEST_CASE("doors: what somebody pushes whose key is revoked is not stored",
          "[integration][queue]") {
    House house;
    net::Socket bob = house.peer(net::SocketType::push, house.bob, *house.way_in);
    house.send(bob, "1");
    net::Socket pulling = house.peer(net::SocketType::pull, house.alice, *house.way_out);
    CHECK(house.next(pulling) == "1");

    house.allow({&house.alice});
    house.until([&] { return house.refused() > 0; });
    wire::Frames late{"late"};
    (void)bob.send(late, Duration::zero());
    net::Socket alice = house.peer(net::SocketType::push, house.alice, *house.way_in);
    house.send(alice, "2");
    CHECK(house.next(pulling) == "2");
    CHECK_FALSE(pulling.receive(Duration::zero()));
}

TEST_CASE("doors: a change that takes nobody's right leaves everybody where he is",
          "[integration][queue]") {
    House house;
    net::Socket bob = house.peer(net::SocketType::pull, house.bob, *house.way_out);
    house.lets_in(1);
    CHECK(house.gate->counters().connections == 1);
    house.allow({&house.bob});
    net::Socket pushing = house.peer(net::SocketType::push, house.bob, *house.way_in);
    house.send(pushing, "1");
    CHECK(house.next(bob) == "1");
    house.lets_in(2); // nobody came twice
}
