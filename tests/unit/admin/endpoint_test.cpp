// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <admin/endpoint.hpp>
#include <admin/unread_answers.hpp>
#include <nlohmann/json.hpp>
#include <support/admin_loop.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::admin;
using flotilla::admin::test::AdminLoop;

namespace {

struct EndpointWorld {
    AdminLoop loop{10};
    std::shared_ptr<Office> office = std::make_shared<Office>(
        loop.desk(), loop.audit(), Office::Options{"fake", Token{}, Office::Reading::open});
    net::Context context = *net::Context::open();
    net::Endpoint place = flotilla::test::any_tcp();
    Endpoint endpoint = *Endpoint::open(context, {place, net::Plaintext{}, "fake"}, office);

    net::Socket connect(net::SocketType type) {
        auto socket = *net::Socket::open(context, type);
        REQUIRE(socket.connect(endpoint.bound()));
        return socket;
    }
};

std::string text(const wire::Frames& frames, std::size_t i) {
    return std::string(frames[i].view());
}

} // namespace

TEST_CASE("endpoint: a REQ is answered with a code and JSON", "[unit][admin]") {
    EndpointWorld world;
    auto peer = world.connect(net::SocketType::req);
    wire::Frames request{"status", R"({"kind":"queue","rows":2})"};
    REQUIRE(peer.send(request, 10s));
    const auto answer = peer.receive(10s);
    REQUIRE(answer);
    REQUIRE(answer->size() == 2);
    CHECK(text(*answer, 0) == "200");
    CHECK(nlohmann::json::parse(text(*answer, 1))["objects"]["queue"].size() == 2);

    wire::Frames change{"purge", R"({"queue":"queue-0001"})"};
    REQUIRE(peer.send(change, 10s));
    CHECK(text(*peer.receive(10s), 0) == "403");
    CHECK(world.loop.orders().empty());
}

TEST_CASE("endpoint: a DEALER gets its envelope back, and malformed requests are answered",
          "[unit][admin]") {
    EndpointWorld world;
    auto peer = world.connect(net::SocketType::dealer);
    const auto ask = [&](wire::Frames request) {
        REQUIRE(peer.send(request, 10s));
        auto answer = peer.receive(10s);
        REQUIRE(answer);
        return std::move(*answer);
    };
    const wire::Frames health = ask({"17", "", "health"});
    REQUIRE(health.size() == 4);
    CHECK(text(health, 0) == "17");
    CHECK(text(health, 2) == "200");
    CHECK(text(ask({"", "status", "{}", "more"}), 1) == "400");
    CHECK(text(ask({"", "status", "["}), 1) == "400");
    CHECK(text(ask({"", std::string(65, 'v')}), 1) == "400");
    CHECK(text(ask({"", "dance"}), 1) == "501");
    CHECK(text(ask({"", "metrics"}), 1) == "200");
}

TEST_CASE("endpoint: the audit calls a peer as the table of connections does", "[unit][admin]") {
    const auto address_seen = [](EndpointWorld& world) {
        auto peer = world.connect(net::SocketType::req);
        wire::Frames change{"purge", R"({"queue":"queue-0001"})"};
        REQUIRE(peer.send(change, 10s));
        REQUIRE(peer.receive(10s));
        const auto audit = nlohmann::json::parse(world.loop.audit()->json(1));
        return audit["entries"][0]["address"].get<std::string>();
    };
    EndpointWorld tcp;
    const std::string port = address_seen(tcp);
    CHECK(port.starts_with("127.0.0.1:"));
    CHECK(port.size() > std::string("127.0.0.1:").size());
    const flotilla::test::ScratchFolder folder;
    EndpointWorld ipc{.place = *net::Endpoint::parse("ipc://" + folder.file("admin"))};
    CHECK(address_seen(ipc) == "process " + std::to_string(::getpid()));
}

TEST_CASE("endpoint: whoever asks and does not read is hung up on, and nobody else",
          "[unit][admin]") {
    AdminLoop loop{2'000};
    const auto office = std::make_shared<Office>(
        loop.desk(), loop.audit(), Office::Options{"fake", Token{}, Office::Reading::open});
    net::Context context = *net::Context::open();
    std::mutex mutex;
    std::vector<std::string> hung_up;
    Endpoint::Options options{flotilla::test::any_tcp(), net::Plaintext{}, "fake"};
    // Well below what 16 answers take, which is as many as wait for one peer.
    options.unread_bytes_max = std::size_t{1} << 20;
    options.on_unread = [&](const std::string& address) {
        const std::lock_guard lock(mutex);
        hung_up.push_back(address);
    };
    Endpoint endpoint = *Endpoint::open(context, options, office);
    net::Context elsewhere = *net::Context::open(); // whose queues are not those of the endpoint
    net::SocketOptions deaf;
    deaf.receive_messages_max = 1;
    net::Socket asks = *net::Socket::open(elsewhere, net::SocketType::dealer, deaf);
    REQUIRE(asks.connect(endpoint.bound()));
    net::Socket reads = *net::Socket::open(elsewhere, net::SocketType::req);
    REQUIRE(reads.connect(endpoint.bound()));
    const auto is_hung_up_on = [&] {
        const std::lock_guard lock(mutex);
        return !hung_up.empty();
    };
    const std::string all = R"({"kind":"queue","rows":2000})";
    const Instant deadline = deadline_after(net::now(), 60s);
    while (!is_hung_up_on() && net::now() < deadline) {
        wire::Frames request{"", "status", all};
        (void)asks.send(request, Duration::zero());
        wire::Frames honest{"health"};
        REQUIRE(reads.send(honest, 10s));
        const auto answer = reads.receive(10s);
        REQUIRE(answer);
        CHECK(text(*answer, 0) == "200");
    }
    CHECK(is_hung_up_on());
}

TEST_CASE("unread answers: counted by connection until the transport is done with them",
          "[unit][admin]") {
    const auto unread = std::make_shared<UnreadAnswers>();
    std::optional<net::Part> first = unread->lend(std::string(100, 'a'), 5);
    std::optional<net::Part> second = unread->lend(std::string(70, 'b'), 6);
    std::optional<net::Part> third = unread->lend(std::string(70, 'c'), 6);
    CHECK(first->view() == std::string(100, 'a'));
    CHECK_FALSE(unread->heaviest_beyond(240));
    CHECK(unread->heaviest_beyond(239) == 6);
    second.reset();
    CHECK(unread->heaviest_beyond(100) == 5);
    first.reset();
    third.reset();
    CHECK(unread->bytes() == 0);
}

TEST_CASE("endpoint: a token among the arguments is no argument", "[unit][admin]") {
    const auto request = zeromq_request({"purge", R"({"queue":"orders","token":"secret"})"});
    REQUIRE(request);
    CHECK(request->token == "secret");
    CHECK(request->arguments.size() == 1);
    CHECK_FALSE(zeromq_request({}));
}
