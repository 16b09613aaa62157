// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/socket.hpp>

#include <admin/endpoint.hpp>
#include <nlohmann/json.hpp>
#include <support/admin_loop.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <unistd.h>

#include <string>

using namespace flotilla;
using namespace flotilla::admin;
using flotilla::admin::test::AdminLoop;

namespace {

struct World {
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
    World world;
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
    World world;
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
    const auto address_seen = [](World& world) {
        auto peer = world.connect(net::SocketType::req);
        wire::Frames change{"purge", R"({"queue":"queue-0001"})"};
        REQUIRE(peer.send(change, 10s));
        REQUIRE(peer.receive(10s));
        const auto audit = nlohmann::json::parse(world.loop.audit()->json(1));
        return audit["entries"][0]["address"].get<std::string>();
    };
    World tcp;
    const std::string port = address_seen(tcp);
    CHECK(port.starts_with("127.0.0.1:"));
    CHECK(port.size() > std::string("127.0.0.1:").size());
    const flotilla::test::ScratchFolder folder;
    World ipc{.place = *net::Endpoint::parse("ipc://" + folder.file("admin"))};
    CHECK(address_seen(ipc) == "process " + std::to_string(::getpid()));
}

TEST_CASE("endpoint: a token among the arguments is no argument", "[unit][admin]") {
    const auto request = zeromq_request({"purge", R"({"queue":"orders","token":"secret"})"});
    REQUIRE(request);
    CHECK(request->token == "secret");
    CHECK(request->arguments.size() == 1);
    CHECK_FALSE(zeromq_request({}));
}
