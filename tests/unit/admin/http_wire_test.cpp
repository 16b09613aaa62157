// SPDX-License-Identifier: Apache-2.0
#include <admin/http_wire.hpp>
#include <poll.h>
#include <support/catch.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <latch>
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
    bool is_open() const {
        char byte = 0;
        return ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
    }
    // Waits for it: how much comes until it is hung up on.
    std::size_t rest() const {
        std::size_t all = 0;
        std::array<char, 65536> bytes{};
        for (;;) {
            pollfd item{socket_, POLLIN, 0};
            if (::poll(&item, 1, 30'000) != 1)
                return std::size_t(-1);
            const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
            if (count <= 0)
                return all;
            all += static_cast<std::size_t>(count);
        }
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

TEST_CASE("http wire: where few descriptors are left, newcomers take the place of those who wait",
          "[unit][admin]") {
    HttpWire wire([] {});
    const int next = ::dup(0);
    ::close(next);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(next) + 60;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    std::vector<Peer> idle;
    for (int i = 0; i < 26; ++i) // 52 descriptors, and 16 are to be left
        idle.emplace_back(wire, "GET ");
    CHECK(idle.front().is_hung_up_on());
    const Peer newest(wire, "GET ");
    CHECK(idle[1].is_hung_up_on());
    CHECK(newest.is_open());
    ::setrlimit(RLIMIT_NOFILE, &before);
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

TEST_CASE("http wire: a connection that is being worked for is not hung up on for others",
          "[unit][admin]") {
    constexpr std::size_t max = HttpServer::connections_max;
    std::counting_semaphore<> calls{0};
    HttpWire wire([&] { calls.release(); });
    const Peer first(wire, numbered(0));
    REQUIRE(calls.try_acquire_for(30s));
    const auto taken = wire.take();
    REQUIRE(taken);
    std::vector<Peer> others;
    for (std::size_t i = 1; i <= 2 * max; ++i) {
        others.emplace_back(wire, numbered(i));
        if (i <= max)
            REQUIRE(calls.try_acquire_for(30s));
        else
            REQUIRE(others[i - max - 1].is_hung_up_on()); // the oldest of those that wait
    }
    CHECK(first.is_open());
    wire.answer(taken->number, "here");
    CHECK(first.rest() == 4);
}

TEST_CASE("http wire: answers that nobody reads are bounded in total", "[unit][admin]") {
    constexpr std::size_t bytes_max = 8 << 20;
    constexpr std::size_t answer_bytes = 3 << 20; // more than a socket takes
    std::counting_semaphore<> calls{0};
    HttpWire wire([&] { calls.release(); }, bytes_max);
    std::vector<Peer> peers;
    const auto ask = [&] {
        peers.emplace_back(wire, numbered(peers.size()));
        REQUIRE(calls.try_acquire_for(30s));
        const auto request = wire.take();
        REQUIRE(request);
        return request->number;
    };
    // Handed over in one go, or seen one by one: two of three have room.
    for (int i = 0; i < 3; ++i)
        wire.answer(ask(), std::string(answer_bytes, 'a'));
    wire.answer(ask(), std::string(bytes_max + 1, 'b'));
    CHECK(peers[3].rest() == 0); // alone it is too much; the others have been taken in by now
    CHECK(peers[2].rest() + peers[1].rest() + peers[0].rest() <= 2 * answer_bytes + (1 << 20));
    wire.answer(ask(), "here"); // and it goes on
    CHECK(peers[4].rest() == 4);
}

TEST_CASE("http wire: those on their way in are bounded while its thread is busy",
          "[unit][admin]") {
    constexpr std::size_t max = HttpServer::connections_max;
    std::counting_semaphore<> busy{0};
    std::latch go_on{1}; // for good: a peer that hangs up before the wire ends asks, too
    HttpWire wire([&] {
        busy.release();
        go_on.wait();
    });
    const Peer first(wire, numbered(0));
    REQUIRE(busy.try_acquire_for(30s));
    std::vector<Peer> others;
    for (std::size_t i = 0; i <= max; ++i)
        others.emplace_back(wire, "GET /");
    CHECK(others.front().is_hung_up_on());
    CHECK(others[1].is_open());
    CHECK(others.back().is_open());
    go_on.count_down();
}
