// SPDX-License-Identifier: Apache-2.0
#include <admin/http_wire.hpp>
#include <poll.h>
#include <support/catch.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::admin;

namespace {

// A client; the wire has the other end.
class Peer {
public:
    Peer(HttpWire& wire, const std::string& text) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
        socket_ = ends[0];
        CHECK(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(text.size()));
        wire.enter(ends[1]);
    }
    Peer(Peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    ~Peer() {
        if (socket_ >= 0)
            ::close(socket_);
    }
    // Waits for it.
    bool is_hung_up_on() const {
        pollfd item{socket_, POLLIN, 0};
        char byte = 0;
        return ::poll(&item, 1, 30'000) == 1 && ::recv(socket_, &byte, 1, 0) <= 0;
    }

private:
    int socket_ = -1;
};

std::string numbered(std::size_t number) {
    return "GET /" + std::to_string(number) + " HTTP/1.1\r\n\r\n";
}

} // namespace

TEST_CASE("http wire: without a descriptor it is not open, and ends at once", "[unit][admin]") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    bool is_open = true;
    {
        HttpWire wire([] {});
        is_open = wire.is_open();
        wire.stop(30s);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK_FALSE(is_open);
}

TEST_CASE("http wire: who is hung up on before a thread is free is never worked for",
          "[unit][admin]") {
    constexpr std::size_t max = HttpServer::connections_max;
    std::counting_semaphore<> calls{0};
    HttpWire wire([&] { calls.release(); });
    std::vector<Peer> peers;
    for (std::size_t i = 0; i < 3 * max; ++i) {
        peers.emplace_back(wire, numbered(i));
        if (i < max)
            REQUIRE(calls.try_acquire_for(30s)); // it has asked
        else
            REQUIRE(peers[i - max].is_hung_up_on()); // the oldest makes room
    }
    CHECK_FALSE(calls.try_acquire()); // what waits to take() is bounded, too
    for (std::size_t i = 2 * max; i < 3 * max; ++i) {
        const auto request = wire.take();
        REQUIRE(request);
        CHECK(request->bytes == numbered(i));
    }
    CHECK_FALSE(wire.take());
    const Peer next(wire, numbered(7)); // and it goes on
    REQUIRE(calls.try_acquire_for(30s));
    CHECK(wire.take()->bytes == numbered(7));
}
