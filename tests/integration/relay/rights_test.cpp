// SPDX-License-Identifier: Apache-2.0
// Relays over CURVE with rules: by the key of each peer, also when they change.
#include "harness.hpp"

#include <flotilla/net/curve.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/security.hpp>

using namespace flotilla;
using namespace flotilla::relay;

namespace {

struct Keys {
    net::CurveKeyPair relay = *net::generate_key_pair();
    net::CurveKeyPair alice = *net::generate_key_pair();
    net::CurveKeyPair bob = *net::generate_key_pair();

    net::SocketOptions of(const net::CurveKeyPair& pair, net::SocketOptions options = {}) const {
        options.security = net::CurveClient{pair, relay.public_key};
        return options;
    }
    RelayOptions on_curve(Kind kind, std::shared_ptr<const Permissions> permissions) const {
        RelayOptions options = on_tcp(kind);
        options.frontend.security = net::CurveServer{relay, net::AnyClientKey{}};
        options.backend.security = net::CurveServer{relay, net::AnyClientKey{}};
        options.permissions = std::move(permissions);
        return options;
    }
    std::shared_ptr<const Permissions> allow(std::vector<Rule> rules) const {
        std::map<std::string, User, std::less<>> users;
        users.emplace(alice.public_key.z85(), User{"alice", {}});
        users.emplace(bob.public_key.z85(), User{"bob", {}});
        auto made =
            Permissions::make(std::move(users), Permissions::Unlisted::nobody, std::move(rules));
        REQUIRE(made);
        return std::make_shared<const Permissions>(std::move(*made));
    }
};

Rule rule(std::string who, Operation operation, std::string object) {
    Rule rule;
    rule.who = {std::move(who)};
    rule.operations[static_cast<std::size_t>(operation)] = true;
    rule.objects = {std::move(object)};
    return rule;
}

std::uint64_t refused(const Served& served, Operation operation) {
    return served.counters().not_allowed[static_cast<std::size_t>(operation)];
}

net::Socket subscriber(Served& served, net::SocketOptions options,
                       std::initializer_list<std::string_view> topics) {
    net::Socket sub = served.back(net::SocketType::sub, std::move(options));
    for (const std::string_view topic : topics)
        REQUIRE(sub.subscribe(topic));
    return sub;
}

} // namespace

TEST_CASE("forwarder: a refused subscription neither passes upstream nor lets anything through",
          "[integration][relay]") {
    const Keys keys;
    std::vector<Refusal> noted;
    RelayOptions options =
        keys.on_curve(Kind::forwarder, keys.allow({rule("alice", Operation::publish, "*"),
                                                   rule("bob", Operation::subscribe, "public.*")}));
    options.on_refused = [&](const Refusal& each) { noted.push_back(each); };
    Served served(std::move(options));
    net::Socket publisher = served.front(net::SocketType::xpub, keys.of(keys.alice));
    net::Socket bob = subscriber(served, keys.of(keys.bob), {"secret.", "public.a"});
    served.await_subscription(publisher, "public.a");
    CHECK(refused(served, Operation::subscribe) == 1);
    REQUIRE(noted.size() == 1);
    CHECK(noted[0].user == "bob");
    CHECK(noted[0].object == "secret.");

    served.send(publisher, wire::Frames{"secret.1", "x"});
    served.send(publisher, wire::Frames{"public.a", "y"});
    CHECK(served.next(bob) == Texts{"public.a", "y"});
    CHECK(served.silent(bob));
    CHECK(served.silent(publisher));
}

TEST_CASE("forwarder: a topic that one may have and another may not follows the one who may",
          "[integration][relay]") {
    const Keys keys;
    Served served(
        keys.on_curve(Kind::forwarder, keys.allow({rule("alice", Operation::publish, "*"),
                                                   rule("alice", Operation::subscribe, "*")})));
    net::Socket publisher = served.front(net::SocketType::xpub, keys.of(keys.alice));
    std::optional<net::Socket> alice = subscriber(served, keys.of(keys.alice), {"t"});
    served.await_subscription(publisher, "t");
    std::optional<net::Socket> bob = subscriber(served, keys.of(keys.bob), {"t"});
    served.until([&] { return refused(served, Operation::subscribe) == 1; });

    bob.reset(); // its cancellation is its own
    served.send(publisher, wire::Frames{"t", "1"});
    CHECK(served.next(*alice) == Texts{"t", "1"});
    CHECK(served.silent(publisher));
    alice.reset();
    CHECK(served.next(publisher) == Texts{std::string("\0t", 2)});
}

TEST_CASE("forwarder: a subscription that was refused is made when it is allowed",
          "[integration][relay]") {
    const Keys keys;
    const Rule publishing = rule("alice", Operation::publish, "*");
    Served served(keys.on_curve(Kind::forwarder, keys.allow({publishing})));
    net::Socket publisher = served.front(net::SocketType::xpub, keys.of(keys.alice));
    net::Socket bob = subscriber(served, keys.of(keys.bob), {"t.1"});
    served.until([&] { return refused(served, Operation::subscribe) == 1; });
    served.relay->set_permissions(
        keys.allow({publishing, rule("bob", Operation::subscribe, "t.*")}));
    served.until([&] {
        (void)bob.readable(); // a SUB subscribes again when its thread looks at it
        return publisher.readable();
    });
    served.await_subscription(publisher, "t.1");
    served.send(publisher, wire::Frames{"t.1", "x"});
    CHECK(served.next(bob) == Texts{"t.1", "x"});
}

TEST_CASE("forwarder: publications are judged by topic", "[integration][relay]") {
    const Keys keys;
    Served served(
        keys.on_curve(Kind::forwarder, keys.allow({rule("alice", Operation::publish, "a.*"),
                                                   rule("*", Operation::subscribe, "*")})));
    net::Socket alice = served.front(net::SocketType::xpub, keys.of(keys.alice));
    net::Socket bob = subscriber(served, keys.of(keys.bob), {""});
    served.await_subscription(alice, "");
    served.send(alice, wire::Frames{"b.1", "no"});
    served.send(alice, wire::Frames{"a.1", "yes"});
    CHECK(served.next(bob) == Texts{"a.1", "yes"});
    CHECK(served.counters().in.dropped(Drop::not_allowed) == 1);
    CHECK(refused(served, Operation::publish) == 1);
}

TEST_CASE("forwarder: a subscriber that loses its right gets nothing more, whatever its last value",
          "[integration][relay]") {
    const Keys keys;
    RelayOptions options = keys.on_curve(
        Kind::forwarder,
        keys.allow({rule("alice", Operation::publish, "*"), rule("*", Operation::subscribe, "*")}));
    options.last_value.emplace();
    Served served(std::move(options));
    net::Socket publisher = served.front(net::SocketType::xpub, keys.of(keys.alice));
    served.await_subscription(publisher, "");
    net::Socket bob = subscriber(served, keys.of(keys.bob), {"t"});
    net::Socket alice = subscriber(served, keys.of(keys.alice), {"t"});
    served.await_subscription(publisher, "t");
    served.send(publisher, wire::Frames{"t", "1"});
    CHECK(served.next(bob) == Texts{"t", "1"});
    CHECK(served.next(alice) == Texts{"t", "1"});

    served.relay->set_permissions(keys.allow(
        {rule("alice", Operation::publish, "*"), rule("alice", Operation::subscribe, "*")}));
    // It is cut off, comes back, and is refused: no last value for it either.
    served.until([&] {
        (void)bob.readable(); // a SUB subscribes again when its thread looks at it
        return refused(served, Operation::subscribe) == 1;
    });
    served.send(publisher, wire::Frames{"t", "2"});
    CHECK(served.next(alice) == Texts{"t", "2"});
    CHECK(served.silent(bob));
    CHECK(served.counters().last_values_sent_total <= 2);
}

TEST_CASE("a queue relay judges both sides by its name", "[integration][relay]") {
    const Keys keys;
    Served served(keys.on_curve(Kind::queue, keys.allow({rule("alice", Operation::call, "test"),
                                                         rule("bob", Operation::serve, "test")})));
    net::Socket server = served.back(net::SocketType::rep, keys.of(keys.bob));
    net::Socket alice = served.front(net::SocketType::dealer, keys.of(keys.alice));
    net::Socket bob = served.front(net::SocketType::dealer, keys.of(keys.bob));
    served.send(bob, wire::Frames{"", "no"});
    served.until([&] { return refused(served, Operation::call) == 1; });
    served.send(alice, wire::Frames{"", "yes"});
    CHECK(served.next(server) == Texts{"yes"});
    served.send(server, wire::Frames{"done"});
    CHECK(served.next(alice) == Texts{"", "done"});
    CHECK(served.counters().in.dropped(Drop::not_allowed) == 1);

    served.relay->set_permissions(keys.allow({rule("alice", Operation::call, "test")}));
    // The server is cut off and comes back; what was on its way to it is lost.
    Result<wire::Frames> asked = fail(Errc::would_block);
    served.until([&] {
        wire::Frames again{"", "again"};
        (void)alice.send(again, Duration::zero());
        asked = server.receive(Duration::zero());
        return asked.has_value();
    });
    served.send(server, wire::Frames{"never"});
    served.until([&] { return refused(served, Operation::serve) == 1; });
    CHECK(served.silent(alice));
}

TEST_CASE("a streamer takes work of those who may put", "[integration][relay]") {
    const Keys keys;
    Served served(
        keys.on_curve(Kind::streamer, keys.allow({rule("alice", Operation::put, "test")})));
    net::Socket pull = served.back(net::SocketType::pull, keys.of(keys.bob));
    net::Socket alice = served.front(net::SocketType::push, keys.of(keys.alice));
    net::Socket bob = served.front(net::SocketType::push, keys.of(keys.bob));
    served.send(bob, wire::Frames{"no"});
    served.until([&] { return refused(served, Operation::put) == 1; });
    served.send(alice, wire::Frames{"yes"});
    CHECK(served.next(pull) == Texts{"yes"});
    CHECK(served.silent(pull));
}

TEST_CASE("whoever only waits for messages at a backend is cut off when his key is revoked",
          "[integration][relay]") {
    const Keys keys;
    const Kind kind = GENERATE(Kind::streamer, Kind::queue);
    CAPTURE(name(kind));
    const auto gate = std::make_shared<net::Gate>();
    const auto list = [&](bool with_bob) {
        net::AllowList listed;
        std::map<std::string, User, std::less<>> users;
        REQUIRE(listed.add(keys.alice.public_key, {"alice", {}}));
        users.emplace(keys.alice.public_key.z85(), User{"alice", {}});
        if (with_bob) {
            REQUIRE(listed.add(keys.bob.public_key, {"bob", {}}));
            users.emplace(keys.bob.public_key.z85(), User{"bob", {}});
        }
        auto made = Permissions::make(std::move(users), Permissions::Unlisted::nobody, {});
        REQUIRE(made);
        net::AccessPolicy policy{std::move(listed)};
        policy.permissions = *made;
        gate->set_policy(std::move(policy));
        return std::make_shared<const Permissions>(std::move(*made));
    };
    RelayOptions options = keys.on_curve(kind, list(true));
    options.backend.security = net::CurveServer{keys.relay, gate};
    Served served(std::move(options));
    const auto type = kind == Kind::streamer ? net::SocketType::pull : net::SocketType::rep;
    net::SocketOptions waiting = keys.of(keys.bob);
    waiting.reconnect_min = 10ms;
    waiting.reconnect_max = 50ms;
    net::Socket bob = served.back(type, waiting);
    served.until([&] { return gate->counters().handshakes_total == 1; });

    served.relay->set_permissions(list(false));
    const auto unknown = std::size_t(net::HandshakeFailure::unknown_key);
    served.until([&] { return gate->counters().failures_total[unknown] > 0; });
    net::Socket alice = served.back(type, keys.of(keys.alice));
    net::Socket front = served.front(
        kind == Kind::streamer ? net::SocketType::push : net::SocketType::req, keys.of(keys.alice));
    served.send(front, wire::Frames{"1"});
    CHECK(served.next(alice) == Texts{"1"});
    CHECK_FALSE(bob.receive(Duration::zero()));
}

TEST_CASE("only who may administer a relay taps it", "[integration][relay]") {
    const Keys keys;
    RelayOptions options =
        keys.on_curve(Kind::streamer, keys.allow({rule("*", Operation::put, "test"),
                                                  rule("alice", Operation::administer, "test")}));
    options.capture.emplace();
    options.capture->attachments = {attachment("tcp://127.0.0.1:*")};
    options.capture->security = net::CurveServer{keys.relay, net::AnyClientKey{}};
    Served served(std::move(options));
    const net::Endpoint at = served.relay->capture_endpoints().at(0);
    net::Socket bob = served.peer(net::SocketType::sub, at, keys.of(keys.bob));
    REQUIRE(bob.subscribe(""));
    served.until([&] { return refused(served, Operation::administer) == 1; });
    net::Socket pull = served.back(net::SocketType::pull, keys.of(keys.bob));
    net::Socket push = served.front(net::SocketType::push, keys.of(keys.bob));
    served.send(push, wire::Frames{"1"});
    CHECK(served.next(pull) == Texts{"1"});
    CHECK(served.counters().captured_total == 0);
    net::Socket alice = served.peer(net::SocketType::sub, at, keys.of(keys.alice));
    REQUIRE(alice.subscribe(""));
    std::uint64_t sent = 1;
    served.until([&] {
        wire::Frames message{std::to_string(++sent)};
        (void)push.send(message, Duration::zero());
        return alice.receive(Duration::zero()).has_value();
    });
    CHECK(served.silent(bob));
}

TEST_CASE("a publisher whose key is revoked is cut off at its next word", "[integration][relay]") {
    const Keys keys;
    Served served(keys.on_curve(Kind::forwarder, keys.allow({})));
    net::Socket publisher = served.front(net::SocketType::xpub, keys.of(keys.alice));
    auto monitor = net::Monitor::open(publisher);
    REQUIRE(monitor);
    net::Socket bob = subscriber(served, keys.of(keys.bob), {""});
    served.await_subscription(publisher, "");
    std::map<std::string, User, std::less<>> users;
    users.emplace(keys.bob.public_key.z85(), User{"bob", {}});
    auto without_alice = Permissions::make(std::move(users), Permissions::Unlisted::nobody, {});
    REQUIRE(without_alice);
    served.relay->set_permissions(std::make_shared<const Permissions>(std::move(*without_alice)));
    served.send(publisher, wire::Frames{"a", "x"});
    served.until([&] { return served.counters().in.dropped(Drop::not_allowed) == 1; });
    served.until([&] {
        const auto event = monitor->next();
        return event && event->kind == net::ConnectionEvent::Kind::disconnected;
    });
    CHECK(served.silent(bob));
}
