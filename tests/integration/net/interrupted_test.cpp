// SPDX-License-Identifier: Apache-2.0
// Waits under a storm of signals: each goes on to its end, and not a moment less.
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/time.h>

#include <atomic>
#include <csignal>

using namespace flotilla;
using namespace flotilla::net;

namespace {

std::atomic<int> signals_seen{0};

// SIGALRM five thousand times a second, until this ends. libzmq's threads block signals, so that it
// is the one that waits which is interrupted.
class SignalStorm {
public:
    SignalStorm() {
        struct sigaction counts {};
        counts.sa_handler = [](int) { ++signals_seen; };
        // Without SA_RESTART: what is interrupted fails with EINTR.
        REQUIRE(::sigaction(SIGALRM, &counts, &before_) == 0);
        const itimerval often{{0, 200}, {0, 200}};
        REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
    }
    SignalStorm(const SignalStorm&) = delete;
    SignalStorm& operator=(const SignalStorm&) = delete;
    ~SignalStorm() {
        const itimerval never_more{};
        ::setitimer(ITIMER_REAL, &never_more, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }

private:
    struct sigaction before_ {};
};

// How many of several waits ended before their time. The kernel's cheap clock stands still for
// milliseconds: they begin at different moments of that.
template <class Wait>
int early_ends(Wait&& wait) {
    constexpr Duration length = 21ms;
    int early = 0;
    for (int i = 0; i < 30; ++i) {
        const int seen = signals_seen;
        const Instant began = now();
        const Status ended = wait(length);
        const Duration took = now() - began;
        REQUIRE_FALSE(ended);
        CHECK(ended.error().code == Errc::timeout);
        CHECK(signals_seen > seen);
        early += took < length ? 1 : 0;
    }
    return early;
}

} // namespace

TEST_CASE("socket: a wait that signals interrupt does not end early", "[integration][net]") {
    auto context = Context::open();
    REQUIRE(context.has_value());
    auto pull = Socket::open(*context, SocketType::pull);
    auto push = Socket::open(*context, SocketType::push);
    REQUIRE((pull.has_value() && push.has_value()));
    REQUIRE(pull->bind(test::any_tcp()));
    REQUIRE(push->bind(test::any_tcp()));
    const SignalStorm storm;
    Part part;
    CHECK(early_ends([&](Duration wait) { return pull->receive(part, wait); }) == 0);
    CHECK(early_ends([&](Duration wait) { return push->send("to nobody", wait); }) == 0);
    CHECK(early_ends([&](Duration wait) { return pull->wait_readable(wait); }) == 0);
}
