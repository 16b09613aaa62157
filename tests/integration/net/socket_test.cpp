// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/option.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/runner.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/net/zap.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::net;
using flotilla::wire::Frames;

namespace {

using flotilla::test::patience;

struct Linked {
    Socket bound;
    Socket connected;
    Endpoint endpoint;
};

Linked link(Context& context, SocketType bind_type, SocketType connect_type,
            SocketOptions bind_options = {}, SocketOptions connect_options = {}) {
    auto bound = Socket::open(context, bind_type, std::move(bind_options));
    REQUIRE(bound);
    auto connected = Socket::open(context, connect_type, std::move(connect_options));
    REQUIRE(connected);
    auto endpoint = bound->bind(test::any_tcp());
    REQUIRE(endpoint);
    REQUIRE(connected->connect(*endpoint));
    return {std::move(*bound), std::move(*connected), *endpoint};
}

ConnectionEvent await(Monitor& monitor, ConnectionEvent::Kind kind) {
    const Instant deadline = deadline_after(now(), patience);
    while (now() < deadline) {
        while (auto event = monitor.next())
            if (event->kind == kind)
                return *event;
        (void)monitor.socket().wait_readable(time_left(now(), deadline));
    }
    FAIL("the event " << name(kind) << " did not come");
    return {};
}

} // namespace

TEST_CASE("socket: whole messages cross with their frames", "[integration][net]") {
    auto context = Context::open();
    auto [pull, push, endpoint] = link(*context, SocketType::pull, SocketType::push);
    Frames sent{"", "small", std::string(40, 'i'), std::string(100'000, 'h')};
    const Frames copy = sent.share();
    REQUIRE(push.send(sent, patience));
    CHECK(sent.empty());
    auto received = pull.receive(patience);
    REQUIRE(received);
    CHECK(*received == copy);
    // A received message goes on without being copied, and single frames take the short way.
    REQUIRE(push.send(*received, patience));
    CHECK(pull.receive(patience).value() == copy);
    REQUIRE(push.send(ByteView{"one"}, patience));
    Part part;
    REQUIRE(pull.receive(part, patience));
    CHECK(part.view() == "one");
    CHECK_FALSE(part.more());
    CHECK(part.descriptor() >= 0);
}

TEST_CASE("socket: a refused send leaves the message untouched", "[integration][net]") {
    auto context = Context::open();
    SocketOptions options;
    options.to_connected_only = true;
    auto push = Socket::open(*context, SocketType::push, options);
    REQUIRE(push->connect(*Endpoint::parse("tcp://127.0.0.1:1")));
    Frames message{"a", std::string(5000, 'b')};
    const Frames copy = message.share();
    CHECK(push->send(message, 0s).error().code == Errc::would_block);
    CHECK(push->send(message, 1ms).error().code == Errc::timeout);
    CHECK(message == copy);
    Part part = Part::copy("kept");
    CHECK(push->send(part, More::no, 0s).error().code == Errc::would_block);
    CHECK(part.view() == "kept");
}

TEST_CASE("socket: a router names who is gone", "[integration][net]") {
    auto context = Context::open();
    auto router = Socket::open(*context, SocketType::router);
    REQUIRE(router->bind(test::any_tcp()));
    Frames message{"nobody", "hello"};
    CHECK(router->send(message, 0s).error().code == Errc::peer_gone);
    CHECK(message.size() == 2);
}

TEST_CASE("socket: messages over the limits are dropped whole and counted", "[integration][net]") {
    auto context = Context::open();
    SocketOptions limits;
    limits.frames_max = 3;
    limits.message_bytes_max = 1000;
    auto [pull, push, endpoint] = link(*context, SocketType::pull, SocketType::push, limits);
    Frames many{"1", "2", "3", "4"};
    Frames large{std::string(600, 'x'), std::string(600, 'y')};
    Frames good{"1", "2", "3"};
    REQUIRE(push.send(many, patience));
    REQUIRE(push.send(large, patience));
    REQUIRE(push.send(good, patience));
    CHECK(pull.receive(patience).error().code == Errc::too_many);
    CHECK(pull.receive(patience).error().code == Errc::too_large);
    CHECK(pull.receive(patience).value().size() == 3);
    CHECK(pull.oversize_total() == 2);
}

TEST_CASE("socket: plaintext beyond this machine has to be asked for", "[integration][net]") {
    auto context = Context::open();
    auto socket = Socket::open(*context, SocketType::pull);
    for (const char* text : {"tcp://*:0", "tcp://0.0.0.0:0"}) {
        const auto bound = socket->bind(*Endpoint::parse(text));
        REQUIRE_FALSE(bound);
        CHECK(bound.error().code == Errc::insecure);
    }
    CHECK(socket->connect(*Endpoint::parse("tcp://10.1.2.3:5")).error().code == Errc::insecure);
    // That nobody can connect there is the first thing to say.
    const Status wildcard = socket->connect(*Endpoint::parse("tcp://*:5"));
    CHECK(wildcard.error().code == Errc::bad_endpoint);
    CHECK(wildcard.error().detail.find("is a wildcard") != std::string::npos);
    SocketOptions open;
    open.security = Plaintext{Plaintext::Where::anywhere};
    auto willing = Socket::open(*context, SocketType::pull, open);
    CHECK(willing->bind(*Endpoint::parse("tcp://0.0.0.0:*")));
}

TEST_CASE("socket: options out of range are refused by name", "[integration][net]") {
    auto context = Context::open();
    SocketOptions zero;
    zero.send_messages_max = 0;
    const auto socket = Socket::open(*context, SocketType::push, zero);
    REQUIRE_FALSE(socket);
    CHECK(socket.error().detail == "send_messages_max is 0; it must be from 1 to 1000000");
    SocketOptions lingering;
    lingering.linger = no_limit;
    CHECK(Socket::open(*context, SocketType::push, lingering).error().code == Errc::bad_option);
    SocketOptions wrong;
    wrong.refuse_when_full = true;
    CHECK(Socket::open(*context, SocketType::push, wrong).error().code == Errc::bad_option);
    CHECK(Context::open({.io_threads = 0}).error().code == Errc::bad_option);
}

TEST_CASE("socket: a port in use and an address not here are told apart", "[integration][net]") {
    auto context = Context::open();
    auto first = Socket::open(*context, SocketType::pull);
    const auto endpoint = first->bind(test::any_tcp());
    auto second = Socket::open(*context, SocketType::pull);
    const auto again = second->bind(*endpoint);
    CHECK(again.error().code == Errc::address_in_use);
    CHECK(again.error().detail.find(endpoint->text()) != std::string::npos);
    SocketOptions open;
    open.security = Plaintext{Plaintext::Where::anywhere};
    auto third = Socket::open(*context, SocketType::pull, open);
    CHECK(third->bind(*Endpoint::parse("tcp://192.0.2.1:5555")).error().code ==
          Errc::address_unavailable);
}

TEST_CASE("socket: a host name is not what can be bound", "[integration][net]") {
    auto context = Context::open();
    auto pull = Socket::open(*context, SocketType::pull);
    auto watched = Monitor::open(*pull);
    const auto refused = pull->bind(Endpoint::parse("tcp://localhost:*").value());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::bad_endpoint);
    CHECK(refused.error().detail.find("tcp://127.0.0.1:*") != std::string::npos);
}

TEST_CASE("socket: shutting the context down ends a wait", "[integration][net]") {
    auto context = Context::open();
    auto pull = Socket::open(*context, SocketType::pull);
    REQUIRE(pull->bind(test::fresh_inproc()));
    auto runner = Runner::start(*context, "ender", [&](Runner::Inside& inside) -> Status {
        inside.poller.after(1ms, [&] { context->shutdown(); });
        return {};
    });
    REQUIRE(runner);
    CHECK(pull->receive(no_limit).error().code == Errc::stopped);
    CHECK(runner->stop().error().code == Errc::stopped);
}

TEST_CASE("socket: sockets may outlive their context", "[integration][net]") {
    auto context = Context::open();
    std::optional<Socket> socket = std::move(*Socket::open(*context, SocketType::pull));
    auto monitor = Monitor::open(*socket);
    REQUIRE(monitor);
    { const Context gone = std::move(*context); }
    CHECK(socket->receive(0s).error().code == Errc::stopped);
    socket.reset(); // and the monitor its socket
    CHECK_FALSE(monitor->next());
}

TEST_CASE("socket: options are set by name", "[integration][net]") {
    auto context = Context::open();
    auto socket = Socket::open(*context, SocketType::push);
    CHECK(set_option(*socket, "SNDBUF", "65536"));
    CHECK(set_option(*socket, "zmq_sndhwm", "10"));
    CHECK(set_option(*socket, "routing-id", "me"));
    CHECK(set_option(*socket, "SNDBUFF", "1").error().detail.find("did you mean SNDBUF?") !=
          std::string::npos);
    CHECK(set_option(*socket, "SNDHWM", "many").error().code == Errc::bad_option);
    CHECK(set_option(*socket, "SNDHWM", "99999999999").error().code == Errc::bad_option);
    CHECK(set_option(*socket, "SNDHWM", "-5").error().detail.find("libzmq refused") !=
          std::string::npos);
}

TEST_CASE("monitor: names descriptors as messages do, and tells who left", "[integration][net]") {
    auto context = Context::open();
    auto router = Socket::open(*context, SocketType::router);
    auto monitor = Monitor::open(*router);
    REQUIRE(monitor);
    const auto endpoint = router->bind(test::any_tcp());
    std::optional<Socket> dealer = std::move(*Socket::open(*context, SocketType::dealer));
    REQUIRE(dealer->connect(*endpoint));
    REQUIRE(dealer->send(ByteView{"hello"}, patience));
    Part id;
    REQUIRE(router->receive(id, patience));
    Part body;
    REQUIRE(router->receive(body, 0s));
    CHECK(await(*monitor, ConnectionEvent::Kind::accepted).value == body.descriptor());
    dealer.reset();
    CHECK(await(*monitor, ConnectionEvent::Kind::disconnected).value == body.descriptor());
    CHECK(explain({ConnectionEvent::Kind::handshake_failed_auth, 300, "x"}).find("wait") !=
          std::string::npos);
    CHECK(explain({ConnectionEvent::Kind::handshake_failed_auth, 400, "x"}).find("revoked") !=
          std::string::npos);
    CHECK(
        explain({ConnectionEvent::Kind::handshake_failed_auth, 400, "x"}, Attach::bind) ==
        "a client at x was refused (status 400); its key is not in the allow-list or was revoked, "
        "or no rule lets it in");
    CHECK(explain({ConnectionEvent::Kind::accept_failed, 24, "x"}).find("open files") !=
          std::string::npos);
}

TEST_CASE("curve: the allow-list decides, and the server's key is proved", "[integration][net]") {
    auto context = Context::open();
    const auto server = generate_key_pair();
    const auto friend_keys = generate_key_pair();
    const auto stranger = generate_key_pair();
    AllowList list;
    REQUIRE(list.add(friend_keys->public_key));
    SocketOptions serving;
    serving.domain = "test";
    serving.security = CurveServer{*server, list};
    auto pull = Socket::open(*context, SocketType::pull, serving);
    REQUIRE(pull);
    const auto endpoint = pull->bind(test::any_tcp());
    REQUIRE(endpoint);

    const auto connect = [&](const CurveKeyPair& keys, const CurveKey& believed) {
        SocketOptions options;
        options.to_connected_only = true;
        options.security = CurveClient{keys, believed};
        auto push = Socket::open(*context, SocketType::push, options);
        REQUIRE(push);
        auto monitor = Monitor::open(*push);
        REQUIRE(push->connect(*endpoint));
        return std::pair{std::move(*push), std::move(*monitor)};
    };
    SECTION("a listed client is let in and its messages carry its user id") {
        auto [push, monitor] = connect(*friend_keys, server->public_key);
        await(monitor, ConnectionEvent::Kind::handshake_succeeded);
        REQUIRE(push.send(ByteView{"hello"}, patience));
        Part part;
        REQUIRE(pull->receive(part, patience));
        CHECK(part.view() == "hello");
        CHECK(part.property("User-Id") == friend_keys->public_key.z85());
        CHECK(access_counters(*context).accepted_total == 1);
    }
    SECTION("in a queue of one messages have room beside who they are from") {
        SocketOptions narrow = serving;
        narrow.receive_messages_max = 1;
        auto one = Socket::open(*context, SocketType::pull, narrow);
        REQUIRE(one);
        SocketOptions options;
        options.security = CurveClient{*friend_keys, server->public_key};
        auto push = Socket::open(*context, SocketType::push, options);
        REQUIRE(push->connect(*one->bind(test::any_tcp())));
        for (int i = 0; i < 3; ++i) {
            REQUIRE(push->send(ByteView{"hello"}, patience));
            CHECK(one->receive(patience)->size() == 1);
        }
    }
    SECTION("a stranger is refused and told so") {
        auto [push, monitor] = connect(*stranger, server->public_key);
        CHECK(await(monitor, ConnectionEvent::Kind::handshake_failed_auth).value == 400);
        CHECK(push.send(ByteView{"hello"}, 0s).error().code == Errc::would_block);
        CHECK(access_counters(*context).denied_total >= 1);
    }
    SECTION("a server with another key is not believed") {
        auto [push, monitor] = connect(*friend_keys, stranger->public_key);
        await(monitor, ConnectionEvent::Kind::disconnected);
        CHECK(push.send(ByteView{"hello"}, 0s).error().code == Errc::would_block);
    }
    SECTION("a plaintext client gets nowhere") {
        SocketOptions options;
        options.to_connected_only = true;
        auto push = Socket::open(*context, SocketType::push, options);
        auto monitor = Monitor::open(*push);
        REQUIRE(push->connect(*endpoint));
        await(*monitor, ConnectionEvent::Kind::disconnected);
        CHECK(push->send(ByteView{"hello"}, 0s).error().code == Errc::would_block);
    }
}

TEST_CASE("curve: a client that was refused gets in once its key is listed", "[integration][net]") {
    auto context = Context::open();
    auto client_context = Context::open();
    const auto server = generate_key_pair();
    const auto client = generate_key_pair();
    const auto other = generate_key_pair();
    AllowList list;
    REQUIRE(list.add(other->public_key));
    SocketOptions serving;
    serving.domain = "late";
    serving.security = CurveServer{*server, list};
    auto pull = Socket::open(*context, SocketType::pull, serving);
    const auto endpoint = pull->bind(test::any_tcp());
    REQUIRE(endpoint);
    SocketOptions options;
    options.to_connected_only = true;
    options.security = CurveClient{*client, server->public_key};
    auto push = Socket::open(*client_context, SocketType::push, options);
    REQUIRE(push->connect(*endpoint));
    const Instant deadline = deadline_after(now(), patience);
    while (access_counters(*context).denied_total == 0 && now() < deadline)
        (void)push->send(ByteView{"early"}, 10ms);
    REQUIRE(access_counters(*context).denied_total == 1);
    REQUIRE(list.add(client->public_key));
    REQUIRE(set_access_policy(*context, "late", list));
    SECTION("while it waits in a send") {
        REQUIRE(push->send(ByteView{"late"}, patience));
    }
    SECTION("while a poller waits for it") {
        Poller poller;
        bool sent = false;
        poller.on_writable(*push, [&] { sent = bool(push->send(ByteView{"late"}, 0s)); });
        while (!sent && now() < deadline)
            REQUIRE(poller.turn(patience));
        REQUIRE(sent);
    }
    Part part;
    REQUIRE(pull->receive(part, patience));
    CHECK(part.view() == "late");
}

TEST_CASE("monitor: one that is not read does not stall its context", "[integration][net]") {
    // libzmq's own limits are reached after 768 connections: then no socket of the context moves.
    auto context = Context::open();
    auto client_context = Context::open();
    auto watched = Socket::open(*context, SocketType::pull);
    const auto unread = Monitor::open(*watched);
    REQUIRE(unread);
    const auto endpoint = watched->bind(test::any_tcp());
    auto bystander = Socket::open(*context, SocketType::pull);
    const auto quiet = bystander->bind(test::any_tcp());
    for (int i = 0; i < 1'000; ++i) {
        auto push = Socket::open(*client_context, SocketType::push);
        REQUIRE(push->connect(*endpoint));
        REQUIRE(push->send(ByteView{"x"}, patience));
        Part part;
        REQUIRE(watched->receive(part, patience));
    }
    auto push = Socket::open(*client_context, SocketType::push);
    REQUIRE(push->connect(*quiet));
    REQUIRE(push->send(ByteView{"alive"}, patience));
    Part part;
    CHECK(bystander->receive(part, patience));
}

TEST_CASE("curve: a server without an allow-list does not open unless asked by name",
          "[integration][net]") {
    auto context = Context::open();
    const auto server = generate_key_pair();
    const auto client = generate_key_pair();
    SocketOptions empty;
    empty.security = CurveServer{*server, AllowList{}};
    const auto refused = Socket::open(*context, SocketType::pull, empty);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::insecure);
    SocketOptions any;
    any.domain = "any";
    any.security = CurveServer{*server, AnyClientKey{}};
    SocketOptions options;
    options.security = CurveClient{*client, server->public_key};
    auto [pull, push, endpoint] = link(*context, SocketType::pull, SocketType::push, any, options);
    REQUIRE(push.send(ByteView{"hello"}, patience));
    Part part;
    REQUIRE(pull.receive(part, patience));
    CHECK(part.property("User-Id") == client->public_key.z85());
}

TEST_CASE("curve: an adopted context whose owner answers ZAP says so", "[integration][net]") {
    auto owner = Context::open();
    auto handler = Socket::open(*owner, SocketType::rep);
    REQUIRE(handler->bind(*Endpoint::parse("inproc://zeromq.zap.01")));
    auto guest = Context::adopt(owner->native_handle());
    REQUIRE(guest);
    SocketOptions serving;
    serving.security = CurveServer{*generate_key_pair(), AnyClientKey{}};
    CHECK(Socket::open(*guest, SocketType::pull, serving).error().code == Errc::address_in_use);
    CHECK(Socket::open(*guest, SocketType::pull)->bind(test::fresh_inproc()));
    CHECK(Context::adopt(nullptr).error().code == Errc::bad_option);
}

TEST_CASE("monitor: one that goes with its socket does not stall the context",
          "[integration][net]") {
    auto context = Context::open();
    SocketOptions options;
    options.linger = 1s; // closing then takes long enough for the monitor to go first
    for (int round = 0; round < 50; ++round) {
        auto [pub, sub, endpoint] = link(*context, SocketType::xpub, SocketType::sub, options);
        REQUIRE(sub.subscribe(""));
        auto monitor = Monitor::open(pub);
        REQUIRE(monitor);
        Part subscription;
        REQUIRE(pub.receive(subscription, patience)); // needs the I/O thread of the round before
        { const Socket gone = std::move(pub); }
        const Monitor gone = std::move(*monitor);
    }
}
