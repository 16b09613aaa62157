// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/poller.hpp>
#include <flotilla/net/runner.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>
#include <unistd.h>

#include <atomic>
#include <string>

using namespace flotilla;
using namespace flotilla::net;

namespace {
using flotilla::test::patience;
}

TEST_CASE("poller: sockets, descriptors and timers share one loop", "[integration][net]") {
    auto context = Context::open();
    auto pull = Socket::open(*context, SocketType::pull);
    auto push = Socket::open(*context, SocketType::push);
    const auto endpoint = test::fresh_inproc();
    REQUIRE(pull->bind(endpoint));
    REQUIRE(push->connect(endpoint));
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    Poller poller;
    std::string seen;
    poller.on_readable(*pull, [&] {
        Part part;
        while (pull->receive(part, 0s))
            seen += part.view();
    });
    poller.on_readable(ends[0], [&] {
        char byte = 0;
        REQUIRE(::read(ends[0], &byte, 1) == 1);
        seen += byte;
        poller.forget(ends[0]);
    });
    poller.after(1ms, [&] {
        seen += 't';
        REQUIRE(::write(ends[1], "f", 1) == 1);
        REQUIRE(push->send(ByteView{"s"}, 0s));
    });
    while (seen.size() < 3)
        REQUIRE(poller.turn(patience));
    CHECK(seen.front() == 't');
    CHECK(seen.find('f') != std::string::npos);
    CHECK(seen.find('s') != std::string::npos);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("poller: a handler may forget itself and its neighbours", "[integration][net]") {
    auto context = Context::open();
    auto a = Socket::open(*context, SocketType::pair);
    auto b = Socket::open(*context, SocketType::pair);
    const auto endpoint = test::fresh_inproc();
    REQUIRE(a->bind(endpoint));
    REQUIRE(b->connect(endpoint));
    Poller poller;
    int calls = 0;
    const auto once = [&] {
        ++calls;
        poller.forget(*a);
        poller.forget(*b);
    };
    poller.on_writable(*a, once);
    poller.on_writable(*b, once);
    REQUIRE(poller.turn(patience));
    CHECK(calls == 1);
    REQUIRE(poller.turn(1ms));
    CHECK(calls == 1);
}

TEST_CASE("poller: stop wakes a sleeping run from another thread", "[integration][net]") {
    auto context = Context::open();
    Poller poller;
    auto runner = Runner::start(*context, "stopper", [&](Runner::Inside& inside) -> Status {
        inside.poller.after(1ms, [&] { poller.stop(); });
        return {};
    });
    REQUIRE(runner);
    CHECK(poller.run());
    CHECK(runner->stop());
}

TEST_CASE("runner: start hands over what setup found, post and stop are orderly",
          "[integration][net]") {
    auto context = Context::open();
    const auto refused = Runner::start(
        *context, "refuser", [](Runner::Inside&) -> Status { return fail(Errc::io, "no"); });
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail == "no");

    std::string got; // read only after stop() has joined the thread
    auto runner = Runner::start(*context, "taker", [&](Runner::Inside& inside) -> Status {
        inside.on_command = [&](ByteView command) { got += command; };
        return {};
    });
    REQUIRE(runner);
    for (int i = 0; i < 1000; ++i)
        REQUIRE(runner->post("x"));
    CHECK(runner->stop());
    CHECK(got == std::string(1000, 'x'));
}

TEST_CASE("runner: a thread that does not take its commands is told apart", "[integration][net]") {
    auto context = Context::open();
    std::atomic<bool> release{false};
    auto runner = Runner::start(*context, "busy", [&](Runner::Inside& inside) -> Status {
        inside.on_command = [&](ByteView) {
            while (!release)
                ;
        };
        return {};
    });
    REQUIRE(runner);
    Status posted;
    int count = 0;
    while (posted && count < 100'000) {
        posted = runner->post("x");
        ++count;
    }
    CHECK(posted.error().code == Errc::too_many);
    release = true;
    CHECK(runner->stop());
}
