// SPDX-License-Identifier: Apache-2.0
// A broker over CURVE with rules: refusals of every dialect, and rights that are taken away.
#include "broker_world.hpp"

#include <flotilla/net/curve.hpp>
#include <flotilla/net/monitor.hpp>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

const net::CurveKeyPair& pair_of(std::string_view who) {
    static const net::CurveKeyPair broker = *net::generate_key_pair();
    static const net::CurveKeyPair alice = *net::generate_key_pair();
    static const net::CurveKeyPair bob = *net::generate_key_pair();
    return who == "alice" ? alice : who == "bob" ? bob : broker;
}

Rule rule(std::string who, Operation operation, std::string object) {
    Rule rule;
    rule.who = {std::move(who)};
    rule.operations[static_cast<std::size_t>(operation)] = true;
    rule.objects = {std::move(object)};
    return rule;
}

std::shared_ptr<const Permissions> allow(const std::vector<std::string>& names,
                                         std::vector<Rule> rules) {
    std::map<std::string, User, std::less<>> users;
    for (const std::string& name : names)
        users.emplace(pair_of(name).public_key.z85(), User{name, {}});
    auto made =
        Permissions::make(std::move(users), Permissions::Unlisted::nobody, std::move(rules));
    REQUIRE(made);
    return std::make_shared<const Permissions>(std::move(*made));
}

BrokerOptions guarded() {
    BrokerOptions options;
    options.security = net::CurveServer{pair_of("broker"), net::AnyClientKey{}};
    options.permissions = allow({"alice", "bob"}, {rule("alice", Operation::call, "echo"),
                                                   rule("bob", Operation::serve, "*")});
    return options;
}

net::Socket peer(BrokerWorld& world, std::string_view who) {
    net::SocketOptions options;
    options.security = net::CurveClient{pair_of(who), pair_of("broker").public_key};
    return world.connect(net::SocketType::dealer, std::move(options));
}

} // namespace

TEST_CASE("broker: over CURVE each dialect is refused in its own words", "[integration][request]") {
    BrokerWorld world("tcp://127.0.0.1:*", guarded());
    net::Socket alice = peer(world, "alice");
    net::Socket bob = peer(world, "bob");
    world.say(alice, {"FLR1", "request", "1", "secret", "", "x"});
    const Frames error = world.hear(alice);
    CHECK(error[1].view() == "error");
    CHECK(error[4].view().find("code=not_allowed") != ByteView::npos);
    world.say(alice, {"MDPC02", "\x01", "secret", "x"});
    world.say(alice, {"", "MDPC01", "secret", "x"});
    const auto calls = [&] {
        return world.broker->counters().not_allowed[static_cast<std::size_t>(Operation::call)];
    };
    world.until([&] { return calls() == 3; });
    CHECK(world.hears_nothing(alice));

    world.say(alice, {"MDPW02", "\x01", "echo"}); // alice may not serve
    CHECK(world.hear(alice) == Frames{"MDPW02", "\x06"});
    world.say(bob, {"MDPW02", "\x01", "echo"});
    world.say(alice, {"FLR1", "request", "2", "echo", "", "x"});
    CHECK(world.hear(bob)[1].view() == "\x02");
}

TEST_CASE("broker: a revoked worker is told and cut off, and its client is not left waiting",
          "[integration][request]") {
    BrokerWorld world("tcp://127.0.0.1:*", guarded());
    net::Socket alice = peer(world, "alice");
    net::Socket bob = peer(world, "bob");
    auto monitor = net::Monitor::open(bob);
    REQUIRE(monitor);
    world.say(bob, {"MDPW02", "\x01", "echo"});
    world.say(alice, {"FLR1", "request", "1", "echo", "", "x"});
    CHECK(world.hear(bob)[1].view() == "\x02");
    world.broker->set_permissions(allow({"alice"}, {rule("alice", Operation::call, "echo")}));
    CHECK(world.hear(bob) == Frames{"MDPW02", "\x06"});
    const Frames error = world.hear(alice);
    CHECK(error[4].view().find("code=worker_gone") != ByteView::npos);
    world.until([&] {
        const auto event = monitor->next();
        return event && event->kind == net::ConnectionEvent::Kind::disconnected;
    });
    CHECK(world.broker->counters().workers_revoked_total == 1);
}
