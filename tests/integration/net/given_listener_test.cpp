// SPDX-License-Identifier: Apache-2.0
// Listening sockets that somebody else made.
#include <flotilla/net/socket.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

using namespace flotilla;
using namespace flotilla::net;

namespace {

int listen_at(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(listener, 8) == 0);
    return listener;
}

int listen_at_loopback() {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(listener, 8) == 0);
    return listener;
}

} // namespace

TEST_CASE("a bind takes the listening socket that was given for its address",
          "[integration][net]") {
    const test::ScratchFolder folder;
    for (const bool local : {true, false}) {
        Context context = *Context::open();
        const int listener = local ? listen_at(folder.file("door")) : listen_at_loopback();
        const auto endpoint = context.give_listener(listener);
        REQUIRE(endpoint);
        CHECK(context.listeners_left().size() == 1);
        // It comes first, and waits for whoever takes the socket over.
        auto client = Socket::open(context, SocketType::push);
        REQUIRE(client->connect(*endpoint));
        auto server = Socket::open(context, SocketType::pull);
        const auto bound = server->bind(*endpoint);
        REQUIRE(bound);
        CHECK(*bound == *endpoint);
        CHECK(context.listeners_left().empty());
        wire::Frames message{"hello"};
        REQUIRE(client->send(message, 30s));
        const auto got = server->receive(30s);
        REQUIRE(got);
        CHECK((*got)[0].view() == "hello");
        // Any other bind of the same socket is its own again.
        CHECK(server->bind(*Endpoint::parse("tcp://127.0.0.1:*")));
    }
    CHECK(std::filesystem::exists(folder.file("door"))); // its maker's
}

TEST_CASE("what does not listen is not taken for a listening socket", "[integration][net]") {
    Context context = *Context::open();
    const int idle = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK(context.give_listener(idle).error().code == Errc::bad_option);
    CHECK(context.give_listener(-1).error().code == Errc::bad_option);
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    CHECK(context.give_listener(pipe_ends[0]).error().code == Errc::bad_option);
    CHECK(context.listeners_left().empty());
    for (const int each : {idle, pipe_ends[0], pipe_ends[1]})
        ::close(each);
}
