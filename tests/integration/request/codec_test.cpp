// SPDX-License-Identifier: Apache-2.0
//
// The three dialects through real sockets: what REQ and DEALER put around their messages is what
// the codec expects, and a bare REQ takes the answers.
#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/request/codec.hpp>

#include <support/catch.hpp>

#include <utility>

using namespace flotilla;
using namespace flotilla::request;

namespace {

// One question of `asking` to a ROUTER and its answer back.
void ask_and_answer(net::SocketType type, wire::Frames question, const wire::Frames& expected) {
    auto context = net::Context::open();
    REQUIRE(context);
    auto router = net::Socket::open(*context, net::SocketType::router);
    auto asking = net::Socket::open(*context, type);
    REQUIRE(router->bind(*net::Endpoint::parse("inproc://codec")));
    REQUIRE(asking->connect(*net::Endpoint::parse("inproc://codec")));
    REQUIRE(asking->send(question, 5s));
    auto received = router->receive(5s);
    REQUIRE(received);
    wire::Frames behind;
    for (std::size_t i = 1; i < received->size(); ++i)
        behind.add(std::move((*received)[i]));
    auto message = read_at_broker(behind);
    REQUIRE(message);
    CHECK(message->verb == Verb::request);
    message->verb = Verb::final;
    wire::Frames answer;
    answer.add(std::move((*received)[0]));
    write(std::move(*message), answer);
    REQUIRE(router->send(answer, 5s));
    CHECK(*asking->receive(5s) == expected);
}

} // namespace

TEST_CASE("a REQ speaks 7/MDP: its socket makes the empty frame and strips it") {
    ask_and_answer(net::SocketType::req, {"MDPC01", "echo", "hello"}, {"MDPC01", "echo", "hello"});
}

TEST_CASE("a DEALER speaks 18/MDP without an empty frame") {
    ask_and_answer(net::SocketType::dealer, {"MDPC02", "\x01", "echo", "hello"},
                   {"MDPC02", "\x03", "echo", "hello"});
}

TEST_CASE("a REQ speaks the flotilla dialect by hand") {
    ask_and_answer(net::SocketType::req, {"FLR1", "request", "id-1", "echo", "", "hello"},
                   {"FLR1", "final", "id-1", "echo", "", "hello"});
}
