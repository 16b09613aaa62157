// SPDX-License-Identifier: Apache-2.0
// Listeners on real sockets, and those who should not get in.
#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::net;

namespace {

using Failure = HandshakeFailure;

constexpr Duration patience = 20s;

// What a program that knows nothing of ZeroMQ can do to a port.
class RawPeer {
public:
    explicit RawPeer(const Endpoint& endpoint) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const std::string text = endpoint.text();
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1))));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    RawPeer(RawPeer&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    RawPeer& operator=(RawPeer&&) = delete;
    ~RawPeer() { close(); }
    void close() {
        if (descriptor_ >= 0)
            ::close(std::exchange(descriptor_, -1));
    }
    void say(const std::string& bytes) {
        (void)::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    // Waits until the other side has said so much.
    void hear(std::size_t bytes) {
        std::string text(bytes, '\0');
        REQUIRE(::recv(descriptor_, text.data(), bytes, MSG_WAITALL) ==
                static_cast<ssize_t>(bytes));
    }

private:
    int descriptor_;
};

std::string greeting(const std::string& mechanism) {
    std::string bytes("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0", 12);
    bytes += mechanism;
    bytes.resize(64);
    return bytes;
}

// A READY of NULL that claims to be somebody.
std::string ready_as(const std::string& user) {
    const auto property = [](const std::string& name, const std::string& value) {
        std::string bytes(1, static_cast<char>(name.size()));
        bytes += name;
        bytes += std::string(3, '\0');
        bytes += static_cast<char>(value.size());
        return bytes + value;
    };
    const std::string body =
        std::string("\x05READY") + property("Socket-Type", "DEALER") + property("User-Id", user);
    return std::string(1, '\x04') + static_cast<char>(body.size()) + body;
}

struct Listener {
    explicit Listener(const std::function<Security(std::shared_ptr<Gate>)>& security,
                      GateLimits limits = {}, Duration handshake_timeout = 10s,
                      const Endpoint& at = test::any_tcp())
        : gate(std::make_shared<Gate>(AccessPolicy{}, limits)), context(*Context::open()),
          socket([&] {
              SocketOptions options;
              options.security = security(gate);
              options.handshake_timeout = handshake_timeout;
              return *Socket::open(context, SocketType::router, std::move(options));
          }()),
          monitor(*Monitor::open(socket)), endpoint(*socket.bind(at)) {}

    std::uint64_t count(Failure reason) const {
        return gate->counters().failures_total[std::size_t(reason)];
    }
    std::uint64_t failures() const {
        std::uint64_t all = 0;
        for (const std::uint64_t each : gate->counters().failures_total)
            all += each;
        return all;
    }
    // Reads the monitor until it is so.
    bool until(const std::function<bool()>& done) {
        const Instant deadline = deadline_after(now(), patience);
        for (;;) {
            while (monitor.next()) {
            }
            if (done())
                return true;
            if (now() > deadline)
                return false;
            (void)monitor.socket().wait_readable(20ms);
        }
    }
    Socket peer(Security security) {
        SocketOptions options;
        options.security = std::move(security);
        options.reconnect_min = 10ms;
        options.reconnect_max = 50ms;
        auto dealer = Socket::open(context, SocketType::dealer, std::move(options));
        REQUIRE(dealer);
        REQUIRE(dealer->connect(endpoint));
        return std::move(*dealer);
    }
    // Sends something, and it arrives.
    bool hears(Socket& peer) {
        REQUIRE(peer.send("hello", 1s));
        return until([&] { return socket.receive(Duration::zero()).has_value(); });
    }

    std::shared_ptr<Gate> gate;
    Context context;
    Socket socket;
    Monitor monitor;
    Endpoint endpoint;
};

const CurveKeyPair server_keys = *generate_key_pair();
const CurveKeyPair alice = *generate_key_pair();
const CurveKeyPair stranger = *generate_key_pair();

Security curve(std::shared_ptr<Gate> gate) {
    AllowList list;
    REQUIRE(list.add(alice.public_key, {"alice", {}}));
    gate->set_policy(list);
    return CurveServer{server_keys, std::move(gate)};
}

Security plaintext(std::shared_ptr<Gate> gate) {
    AccessPolicy policy;
    policy.null = AccessPolicy::Null::let_in;
    gate->set_policy(std::move(policy));
    return Plaintext{Plaintext::Where::local_only, std::move(gate)};
}

Security as_client(const CurveKeyPair& keys, const CurveKey& server = server_keys.public_key) {
    return CurveClient{keys, server};
}

GateLimits counting_loopback() {
    GateLimits limits;
    limits.loopback = GateLimits::Loopback::like_others;
    return limits;
}

} // namespace

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
        const RawPeer silent(listener.endpoint);
        RawPeer half(listener.endpoint);
        half.say(greeting("CURVE").substr(0, 20));
        CHECK(listener.until([&] { return listener.count(Failure::timeout) == 2; }));
        CHECK(listener.gate->counters().connections == 0);
        CHECK(listener.failures() == 2);
    }
}

TEST_CASE("gate: garbage is no ZeroMQ", "[integration][net]") {
    for (const auto& security : {curve, plaintext}) {
        Listener listener(security);
        RawPeer web(listener.endpoint);
        web.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(100, 'x'));
        CHECK(listener.until([&] { return listener.failures() == 1; }));
        RawPeer scanner(listener.endpoint);
        scanner.close();
        CHECK(listener.until([&] { return listener.count(Failure::closed) == 1; }));
        RawPeer broken(listener.endpoint);
        broken.say(greeting("CURVE") + std::string(300, '\xee'));
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
        std::vector<RawPeer> flood;
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
    std::vector<RawPeer> silent;
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
    std::vector<RawPeer> silent;
    for (int i = 0; i < 4; ++i)
        silent.emplace_back(listener.endpoint);
    CHECK(listener.until([&] { return listener.count(Failure::address_connections) == 2; }));
}

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
        return Security{Plaintext{Plaintext::Where::local_only, std::move(gate),
                                  Plaintext::Handshakes::asked}};
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

TEST_CASE("gate: a NULL peer cannot claim to be somebody", "[integration][net]") {
    Listener listener(plaintext);
    RawPeer liar(listener.endpoint);
    liar.say(greeting("NULL") + ready_as(alice.public_key.z85()));
    liar.hear(greeting("NULL").size() + 20); // its READY begins
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
