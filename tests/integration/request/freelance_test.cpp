// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/context.hpp>
#include <flotilla/net/curve.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/freelance_client.hpp>
#include <flotilla/request/freelance_server.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;

namespace {

// A server on a thread of its own, which puts its name behind what it is asked. Its end is sudden:
// requests that it has read and not answered are lost with it.
class Server {
public:
    Server(net::Context& context, const net::Endpoint& at)
        : server_(open(context, at)), thread_([this, name = at.text()] {
              while (!stopping_)
                  (void)server_.process(20ms, [&](wire::Frames& request) {
                      if (silent_)
                          return std::optional<wire::Frames>{};
                      request.add(ByteView{name});
                      return std::optional{std::move(request)};
                  });
          }) {}
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        stopping_ = true;
        thread_.join();
    }
    void fall_silent() { silent_ = true; }

private:
    static FreelanceServer open(net::Context& context, const net::Endpoint& at) {
        FreelanceServerOptions options;
        options.bind = at;
        options.linger = 0s;
        auto opened = FreelanceServer::open(context, options);
        // libzmq frees an address in the background.
        for (int i = 0; i < 1'000'000 && !opened; ++i)
            opened = FreelanceServer::open(context, options);
        return std::move(*opened);
    }
    FreelanceServer server_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> silent_{false};
    std::thread thread_;
};

FreelanceClientOptions options_of(const std::vector<net::Endpoint>& servers, FreelanceMode mode) {
    FreelanceClientOptions options;
    options.servers = servers;
    options.limits.mode = mode;
    options.limits.ping = 50ms;
    options.limits.attempt_max = 500ms;
    options.limits.attempts_max = 100;
    return options;
}

struct Fleet {
    net::Context context = *net::Context::open();
    test::ScratchFolder scratch{};
    std::vector<net::Endpoint> at{};
    std::vector<std::unique_ptr<Server>> servers{};

    explicit Fleet(int size) {
        for (int i = 0; i < size; ++i) {
            at.push_back(scratch.ipc(std::to_string(i)));
            start(i);
        }
    }
    void start(int server) {
        servers.resize(at.size());
        servers[static_cast<std::size_t>(server)] =
            std::make_unique<Server>(context, at[static_cast<std::size_t>(server)]);
    }
    void kill(int server) { servers[static_cast<std::size_t>(server)] = nullptr; }
};

} // namespace

TEST_CASE("freelance: a call is answered, whole, whichever way servers are asked",
          "[integration][request]") {
    const FreelanceMode mode = GENERATE(FreelanceMode::sticky, FreelanceMode::first_answer);
    Fleet fleet(3);
    FreelanceClientOptions options = options_of(fleet.at, mode);
    options.limits.ping = 10s; // a server that the system lets wait is not asked again
    options.limits.attempt_max = 60s;
    FreelanceClient client = *FreelanceClient::open(fleet.context, options);
    while (client.servers_up() < 3) // else one may answer everything before others are there
        REQUIRE(client.process(1s));
    for (int i = 0; i < 100; ++i) {
        wire::Frames request{std::to_string(i), "", std::string(10'000, 'x')};
        const auto reply = client.call(request, 10s);
        REQUIRE(reply);
        REQUIRE(reply->body.size() == 4);
        CHECK(reply->body[0] == ByteView{std::to_string(i)});
        CHECK(reply->body[3] == ByteView{reply->server});
    }
    CHECK(client.counters().answered_total == 100);
    if (mode == FreelanceMode::sticky)
        CHECK(client.counters().asked_total == 100);
    else
        CHECK(client.counters().asked_total > 100);
}

TEST_CASE("freelance: servers killed and restarted under load, every call is answered once",
          "[integration][request]") {
    const FreelanceMode mode = GENERATE(FreelanceMode::sticky, FreelanceMode::first_answer);
    Fleet fleet(3);
    FreelanceClient client = *FreelanceClient::open(fleet.context, options_of(fleet.at, mode));
    constexpr int calls = 6'000;
    constexpr int in_flight = 50;
    std::vector<int> answers(calls + 1, 0);
    int begun = 0;
    int done = 0;
    int victim = 0;
    while (done < calls) {
        while (begun < calls && begun - done < in_flight) {
            wire::Frames request{std::to_string(begun + 1)};
            const auto number = client.begin(request, 60s);
            REQUIRE(number);
            REQUIRE(*number == static_cast<std::uint64_t>(++begun));
        }
        REQUIRE(client.process(1s));
        while (auto answer = client.take()) {
            REQUIRE(answer->outcome);
            CHECK(answer->outcome->body[0] == ByteView{std::to_string(answer->call)});
            CHECK(++answers[answer->call] == 1);
            ++done;
            if (done % 1'000 == 300)
                fleet.kill(victim);
            if (done % 1'000 == 800) {
                fleet.start(victim);
                victim = (victim + 1) % 3;
            }
        }
    }
    CHECK(client.counters().answered_total == calls);
    CHECK(client.counters().timeout_total == 0);
    CHECK(client.under_way() == 0);
}

TEST_CASE("freelance: a server that is up and does not answer is left for the next",
          "[integration][request]") {
    Fleet fleet(2);
    FreelanceClient client =
        *FreelanceClient::open(fleet.context, options_of(fleet.at, FreelanceMode::sticky));
    wire::Frames request{"first"};
    const auto first = client.call(request, 10s);
    REQUIRE(first);
    const bool was_first = first->server == fleet.at[0].text();
    fleet.servers[was_first ? 0 : 1]->fall_silent();
    request = wire::Frames{"second"};
    const auto second = client.call(request, 10s);
    REQUIRE(second);
    CHECK(second->server == fleet.at[was_first ? 1 : 0].text());
    CHECK(second->attempts > 1);
    CHECK(client.counters().failovers_total >= 1);
}

TEST_CASE("freelance: without a server a call ends at its deadline, with one it goes on",
          "[integration][request]") {
    Fleet fleet(1);
    FreelanceClient client =
        *FreelanceClient::open(fleet.context, options_of({}, FreelanceMode::sticky));
    wire::Frames request{"nobody"};
    CHECK(client.call(request, 50ms).error().code == Errc::timeout);
    REQUIRE(client.add_server(fleet.at[0]));
    CHECK(client.add_server(fleet.at[0]).error().code == Errc::exists);
    request = wire::Frames{"somebody"};
    REQUIRE(client.call(request, 10s));
    REQUIRE(client.remove_server(fleet.at[0]));
    CHECK(client.remove_server(fleet.at[0]).error().code == Errc::not_found);
    request = wire::Frames{"nobody"};
    CHECK(client.call(request, 50ms).error().code == Errc::timeout);
}

TEST_CASE("freelance: the frames are those of 10/FLP", "[integration][request]") {
    net::Context context = *net::Context::open();
    const test::ScratchFolder scratch;
    const net::Endpoint at = scratch.ipc("server");
    SECTION("a server") {
        const Server server(context, at);
        // A plain ROUTER without an identity, as clients of others are.
        net::Socket router = *net::Socket::open(context, net::SocketType::router);
        REQUIRE(router.connect(at));
        const auto send = [&](wire::Frames message) {
            // There is no way to it before the connection is made.
            while (!router.send(message, 0ns))
                (void)router.wait_readable(1ms);
        };
        send({at.text(), "PING"});
        CHECK(*router.receive(10s) == wire::Frames{at.text(), "PONG"});
        send({at.text(), ""}); // no body, no answer
        send({at.text(), "", "x"});
        CHECK(*router.receive(10s) == wire::Frames{at.text(), "", "x", at.text()});
        send({at.text(), "PING", "x"}); // a request: it has a body
        CHECK(*router.receive(10s) == wire::Frames{at.text(), "PING", "x", at.text()});
    }
    SECTION("a client") {
        net::SocketOptions options;
        options.routing_id = at.text();
        net::Socket router = *net::Socket::open(context, net::SocketType::router, options);
        REQUIRE(router.bind(at));
        FreelanceClient client =
            *FreelanceClient::open(context, options_of({at}, FreelanceMode::sticky));
        wire::Frames request{"one", "two"};
        const auto call = client.begin(request, 10s);
        REQUIRE(call);
        bool answered = false;
        while (!answered) {
            REQUIRE(client.process(5ms));
            while (auto message = router.receive(0ns)) {
                if ((*message)[1] == ByteView{"PING"}) {
                    CHECK(message->size() == 2);
                    (*message)[1] = Blob::copy("PONG");
                } else {
                    REQUIRE(message->size() == 4);
                    CHECK((*message)[1].size() == 8);
                    CHECK((*message)[2] == ByteView{"one"});
                    message->pop_back();
                    answered = true;
                }
                REQUIRE(router.send(*message, 1s));
            }
        }
        while (client.under_way() > 0)
            REQUIRE(client.process(1s));
        CHECK(client.take()->outcome->body == wire::Frames{"one"});
    }
}

TEST_CASE("freelance: under CURVE, over inproc, and with a server that stops softly",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    const auto keys = *net::generate_key_pair();
    const auto mine = *net::generate_key_pair();
    net::AllowList allowed;
    REQUIRE(allowed.add(mine.public_key));
    const test::ScratchFolder scratch;
    const bool curve = GENERATE(true, false);
    FreelanceServerOptions with;
    with.bind = curve ? scratch.ipc("server") : test::fresh_inproc();
    if (curve)
        with.security = net::CurveServer{keys, allowed};
    FreelanceServer server = *FreelanceServer::open(context, with);
    std::thread thread([&] {
        (void)server.run([](wire::Frames& request) { return std::optional{std::move(request)}; });
    });
    auto options = options_of({server.endpoint()}, FreelanceMode::sticky);
    if (curve)
        options.security = net::CurveClient{mine, keys.public_key};
    {
        FreelanceClient client = *FreelanceClient::open(context, options);
        wire::Frames request{"secret"};
        const auto reply = client.call(request, 10s);
        CHECK(reply);
    }
    server.stop_soon();
    thread.join();
    CHECK(server.counters().answered_total >= 1);
}

TEST_CASE("freelance: options out of their ranges are refused", "[integration][request]") {
    net::Context context = *net::Context::open();
    FreelanceServerOptions server;
    CHECK(FreelanceServer::open(context, server).error().code == Errc::bad_option);
    server.bind = test::any_tcp();
    CHECK(FreelanceServer::open(context, server).error().code == Errc::bad_option);
    server.public_endpoint = *net::Endpoint::parse("tcp://127.0.0.1:5555");
    CHECK(FreelanceServer::open(context, server));
    const auto client = [&](auto change) {
        FreelanceClientOptions options;
        change(options);
        const auto opened = FreelanceClient::open(context, options);
        return opened ? "" : std::string(name(opened.error().code));
    };
    CHECK(client([](auto&) {}).empty());
    CHECK(client([](auto& o) { o.limits.ping = 1ms; }) == "bad_option");
    CHECK(client([](auto& o) { o.limits.liveness = 0; }) == "bad_option");
    CHECK(client([](auto& o) { o.limits.attempt_max = 0s; }) == "bad_option");
    CHECK(client([](auto& o) { o.limits.attempts_max = 0; }) == "bad_option");
    CHECK(client([](auto& o) { o.limits.calls_max = 0; }) == "bad_option");
    CHECK(client([](auto& o) { o.message_bytes_max = 0; }) == "bad_option");
    CHECK(client([](auto& o) { o.servers = {test::any_tcp()}; }) == "bad_endpoint");
    FreelanceClient open = *FreelanceClient::open(context, {});
    wire::Frames none;
    CHECK(open.call(none, 1s).error().code == Errc::bad_option);
    wire::Frames one{"x"};
    CHECK(open.call(one, 25h).error().code == Errc::bad_option);
    CHECK(one.size() == 1);
}
