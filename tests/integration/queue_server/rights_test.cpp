// SPDX-License-Identifier: Apache-2.0
// A store over CURVE: users by their keys, rules that change, and what its owner asks.
#include <flotilla/net/curve.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/server.hpp>
#include <flotilla/wire/option_text.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;
using wire::Frames;

namespace {

struct Vault {
    net::CurveKeyPair keys = *net::generate_key_pair();
    net::CurveKeyPair alice = *net::generate_key_pair();
    net::CurveKeyPair bob = *net::generate_key_pair();
    std::vector<Refusal> noted{};
    net::Context context = *net::Context::open();
    std::optional<QueueServer> server{};
    std::optional<net::Endpoint> at{};

    Vault() {
        QueueServerOptions options;
        options.security = net::CurveServer{keys, net::AnyClientKey{}};
        options.permissions = allow({"alice", "bob"}, {rule("*", "*")});
        options.on_refused = [this](const Refusal& each) { noted.push_back(each); };
        auto opened =
            QueueServer::open(context, std::make_unique<MemoryStore>(), std::move(options));
        REQUIRE(opened);
        server.emplace(std::move(*opened));
        at.emplace(*server->bind(test::any_tcp()));
        REQUIRE(server->declare("q", {}));
    }

    static Rule rule(std::string who, std::string object) {
        Rule rule;
        rule.who = {std::move(who)};
        for (const Operation each : {Operation::put, Operation::take, Operation::administer})
            rule.operations[static_cast<std::size_t>(each)] = true;
        rule.objects = {std::move(object)};
        return rule;
    }
    std::shared_ptr<const Permissions> allow(const std::vector<std::string>& names,
                                             std::vector<Rule> rules) const {
        std::map<std::string, User, std::less<>> users;
        for (const std::string& name : names)
            users.emplace((name == "alice" ? alice : bob).public_key.z85(), User{name, {}});
        auto made =
            Permissions::make(std::move(users), Permissions::Unlisted::nobody, std::move(rules));
        REQUIRE(made);
        return std::make_shared<const Permissions>(std::move(*made));
    }
    net::Socket peer(const net::CurveKeyPair& pair) {
        net::SocketOptions options;
        options.security = net::CurveClient{pair, keys.public_key};
        net::Socket socket =
            *net::Socket::open(context, net::SocketType::dealer, std::move(options));
        REQUIRE(socket.connect(*at));
        return socket;
    }
    void until(const std::function<bool()>& done) {
        const Instant deadline = deadline_after(net::now(), 30s);
        while (!done()) {
            REQUIRE(net::now() < deadline);
            REQUIRE(server->process(2ms));
        }
    }
    // The verb of the next message, and of an error its code.
    std::string answer(net::Socket& socket) {
        std::string said;
        until([&] {
            const auto received = socket.receive(Duration::zero());
            if (!received)
                return false;
            said = (*received)[1].view();
            if (said == "error") {
                wire::OptionTextReader options((*received)[3].view());
                said += " " + std::string(options.text("code", 100));
            }
            return true;
        });
        return said;
    }
    std::string ask(net::Socket& socket, Frames message) {
        REQUIRE(socket.send(message, 5s));
        return answer(socket);
    }
};

} // namespace

TEST_CASE("server: who a peer is decides what it may, from one message to the next",
          "[integration][queue]") {
    Vault vault;
    net::Socket alice = vault.peer(vault.alice);
    net::Socket bob = vault.peer(vault.bob);
    CHECK(vault.ask(alice, {"FLQ1", "put", "1", "queue=q", "a"}) == "ok");
    CHECK(vault.ask(bob, {"FLQ1", "put", "1", "queue=q", "b"}) == "ok");
    vault.server->set_permissions(
        vault.allow({"alice", "bob"}, {Vault::rule("alice", "q"), Vault::rule("bob", "other")}));
    CHECK(vault.ask(alice, {"FLQ1", "put", "2", "queue=q", "a"}) == "ok");
    CHECK(vault.ask(bob, {"FLQ1", "put", "2", "queue=q", "b"}) == "error not_allowed");
    REQUIRE(vault.noted.size() == 1);
    CHECK(vault.noted[0].user == "bob");
    CHECK(vault.noted[0].operation == Operation::put);
    CHECK(vault.noted[0].object == "q");
    CHECK(vault.noted[0].descriptor >= 0);
}

TEST_CASE("server: a revoked consumer is told, cut off, and what it held is another's",
          "[integration][queue]") {
    Vault vault;
    net::Socket alice = vault.peer(vault.alice);
    net::Socket bob = vault.peer(vault.bob);
    auto monitor = net::Monitor::open(bob);
    REQUIRE(monitor);
    CHECK(vault.ask(alice, {"FLQ1", "put", "1", "queue=q", "a"}) == "ok");
    CHECK(vault.ask(bob, {"FLQ1", "hello", "2", "queue=q\ncredit=5"}) == "ok");
    CHECK(vault.answer(bob) == "deliver");

    vault.server->set_permissions(vault.allow({"alice"}, {Vault::rule("*", "*")}));
    CHECK(vault.answer(bob) == "error not_allowed");
    vault.until([&] {
        const auto event = monitor->next();
        return event && event->kind == net::ConnectionEvent::Kind::disconnected;
    });
    CHECK(vault.ask(alice, {"FLQ1", "take", "3", "queue=q"}) == "deliver");
    CHECK(vault.server->counters().revoked_total == 1);
}

TEST_CASE("server: its owner asks what no rule allows, and is answered once",
          "[integration][queue]") {
    Vault vault;
    vault.server->set_permissions(vault.allow({"alice"}, {Vault::rule("alice", "none")}));
    net::Socket alice = vault.peer(vault.alice);
    CHECK(vault.ask(alice, {"FLQ1", "purge", "1", "queue=q"}) == "error not_allowed");
    int answers = 0;
    REQUIRE(vault.server->ask(Purge{"q"}, [&](Event&& event) {
        answers += std::holds_alternative<Done>(event) ? 1 : 0;
    }));
    REQUIRE(vault.server->ask(Peek{"q", false, "", 1}, [&](Event&& event) {
        answers += std::holds_alternative<PeekReply>(event) ? 10 : 0;
    }));
    vault.until([&] { return answers == 11; });
    int given_up = 0;
    for (int i = 0; i < 1000; ++i)
        REQUIRE(vault.server->ask(Stat{}, [&](Event&&) { ++given_up; }));
    const Status refused = vault.server->ask(Stat{}, [](Event&&) {});
    REQUIRE(!refused);
    CHECK(refused.error().code == Errc::too_many);
    vault.server->stop();
    CHECK(given_up == 1000);
}
