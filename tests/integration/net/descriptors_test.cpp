// SPDX-License-Identifier: Apache-2.0
//
// A process that runs out of descriptors.
#include <flotilla/base/check.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/open_files.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <netinet/in.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::net;
using Kind = ConnectionEvent::Kind;

namespace {

// While it lives, `free` descriptors are left of the process's limit. Nothing is checked meanwhile:
// the undefined sanitizer opens a pipe to look at an object, and takes one it cannot look at as
// bad.
class FewDescriptors {
public:
    explicit FewDescriptors(std::size_t free) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit low = before_;
        low.rlim_cur = 200;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
        for (int each = 0; (each = ::dup(0)) >= 0;)
            taken_.push_back(each);
        FLOTILLA_CHECK(taken_.size() >= free, "the limit leaves that many");
        for (std::size_t i = 0; i < free; ++i, taken_.pop_back())
            ::close(taken_.back());
    }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;
    ~FewDescriptors() {
        ::setrlimit(RLIMIT_NOFILE, &before_);
        for (const int each : taken_)
            ::close(each);
    }

private:
    rlimit before_{};
    std::vector<int> taken_{};
};

} // namespace

TEST_CASE("a server is told that it would hang up on everybody", "[integration][net]") {
    CHECK(check_room_for_connections());
    for (const std::size_t left : {0U, 30U}) {
        CAPTURE(left);
        Status room;
        {
            const FewDescriptors few{left};
            room = check_room_for_connections();
        }
        REQUIRE_FALSE(room);
        CHECK(room.error().code == Errc::out_of_files);
        CHECK(room.error().detail.find("open files, 200, leaves no room") != std::string::npos);
    }
    Status room;
    {
        const FewDescriptors enough{60};
        room = check_room_for_connections();
    }
    CHECK(room);
}

TEST_CASE("with few descriptors left a socket and its monitor open or are refused, and do not hang",
          "[integration][net]") {
    std::size_t refused = 0;
    std::size_t opened = 0;
    for (std::size_t free = 4; free <= 60; free += 2) {
        std::optional<Errc> outcome;
        {
            const FewDescriptors few(free);
            Context context = *Context::open();
            auto socket = Socket::open(context, SocketType::router);
            auto monitor = socket ? Monitor::open(*socket) : fail(socket.error());
            if (!monitor)
                outcome = monitor.error().code;
        }
        CAPTURE(free);
        CHECK(outcome.value_or(Errc::out_of_files) == Errc::out_of_files);
        ++(outcome ? refused : opened);
    }
    CHECK(refused > 0);
    CHECK(opened > 0);
}

namespace {

// A ROUTER with one peer, who has said something.
struct Door {
    explicit Door(const Endpoint& at) : endpoint(*router.bind(at)) {
        REQUIRE(early.connect(endpoint));
        REQUIRE(early.send(ByteView{"early"}, 5s));
        REQUIRE(router.receive(5s));
        while (monitor.next()) {
        }
    }
    bool hears_of(Kind kind) {
        const Instant latest = deadline_after(now(), 20s);
        while (now() < latest)
            while (const auto event = monitor.next())
                if (event->kind == kind)
                    return true;
        return false;
    }
    bool serves_early() { return early.send(ByteView{"still here"}, 5s) && router.receive(5s); }
    void check_late() {
        Socket late = *Socket::open(context, SocketType::dealer);
        REQUIRE(late.connect(endpoint));
        REQUIRE(late.send(ByteView{"late"}, 0s));
        Result<wire::Frames> heard = fail(Errc::would_block);
        const Instant until = deadline_after(now(), 20s);
        while (!heard && now() < until) {
            while (monitor.next()) {
            }
            heard = router.receive(10ms);
        }
        REQUIRE(heard);
        CHECK(heard->back() == ByteView{"late"});
    }

    Context context = *Context::open();
    Socket router = *Socket::open(context, SocketType::router);
    Monitor monitor = *Monitor::open(router);
    Endpoint endpoint;
    Socket early = *Socket::open(context, SocketType::dealer);
};

// Those who connect and say nothing.
class Crowd {
public:
    Crowd(int family, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            sockets_.push_back(::socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;
    ~Crowd() {
        for (const int each : sockets_)
            ::close(each);
    }
    void connect(const sockaddr* address, socklen_t size) {
        for (const int each : sockets_)
            (void)::connect(each, address, size);
    }
    bool is_hung_up() const {
        std::array<char, 256> greeting{};
        for (const int each : sockets_) {
            ssize_t got = 1;
            while (got > 0 || (got < 0 && errno == EINTR))
                got = ::recv(each, greeting.data(), greeting.size(), MSG_DONTWAIT);
            if (got < 0 && errno != ECONNRESET)
                return false;
        }
        return true;
    }

private:
    std::vector<int> sockets_{};
};

} // namespace

TEST_CASE("out of descriptors a listener turns newcomers away, keeps its peers, and accepts later",
          "[integration][net]") {
    Door door(test::any_tcp());
    Crowd crowd(AF_INET, 1);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(door.endpoint.port());
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool failed = false;
    bool hung_up = false;
    bool served = false;
    bool quiet = false;
    {
        const FewDescriptors few(0);
        crowd.connect(reinterpret_cast<sockaddr*>(&name), sizeof name);
        failed = door.hears_of(Kind::accept_failed);
        const Instant latest = deadline_after(now(), 20s);
        while (!crowd.is_hung_up() && now() < latest)
            (void)door.monitor.next();
        hung_up = crowd.is_hung_up();
        // Nobody spins now: there is an end to what is to be heard, be the last of it late.
        served = true;
        for (int round = 0; round < 100 && served && !quiet; ++round) {
            while (door.monitor.next()) {
            }
            served = door.serves_early();
            quiet = !door.monitor.next();
        }
    }
    CHECK(failed);
    CHECK(hung_up);
    CHECK(served);
    CHECK(quiet);
    door.check_late();
}

TEST_CASE("short of descriptors an ipc listener turns newcomers away before the last one is gone",
          "[integration][net]") {
    const test::ScratchFolder scratch;
    Door door(scratch.ipc("door"));
    Crowd crowd(AF_UNIX, 20);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = scratch.file("door");
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    bool turned_away = false;
    bool served = false;
    {
        const FewDescriptors few(34);
        crowd.connect(reinterpret_cast<sockaddr*>(&name), sizeof name);
        turned_away = door.hears_of(Kind::disconnected);
        served = door.serves_early();
    }
    CHECK(turned_away);
    CHECK(served);
    door.check_late();
}
