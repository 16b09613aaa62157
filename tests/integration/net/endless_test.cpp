// SPDX-License-Identifier: Apache-2.0
// Peers that never end a message, at a listener with a gate, and honest ones that are much like
// them.
#include "gate_listener.hpp"

#include <support/memory.hpp>

using namespace flotilla;
using namespace flotilla::net;
using namespace flotilla::net_test;
using flotilla::test::RawZmtpPeer;

namespace {

constexpr std::uint64_t message_max = test::mebibyte;
constexpr std::size_t frame_bytes = 60'000;

const std::string part(frame_bytes, 'x');

Listener limited() {
    return Listener(plaintext, {}, 10s, test::any_tcp(), message_max);
}

// A loop that receives what there is and looks at the monitor, as daemons have one.
bool serve_until(Listener& listener, const std::function<bool()>& done) {
    return listener.until([&] {
        while (listener.socket.receive(Duration::zero())) {
        }
        return done();
    });
}

bool is_cut(const Listener& listener) {
    return listener.gate->counters().endless_total > 0;
}

} // namespace

TEST_CASE("endless: a message without an end costs its connection, and little memory",
          "[integration][net]") {
    Listener listener = limited();
    RawZmtpPeer endless(listener.endpoint, "DEALER");
    Socket good = listener.peer(Plaintext{});
    REQUIRE(listener.hears(good));
    const std::uint64_t before = test::is_memory_told ? test::memory_bytes() : 0;
    CHECK(serve_until(listener, [&] { return !endless.go_on(part) || is_cut(listener); }));
    CHECK(test::uses_less_than(before + 32 * test::mebibyte));
    const auto told = listener.gate->take_endless();
    REQUIRE(told.size() == 1);
    CHECK(told[0].listener == listener.endpoint.text());
    CHECK(told[0].peer.starts_with("127.0.0.1:"));
    CHECK(told[0].bytes > message_max);
    CHECK(serve_until(listener, [&] { return listener.gate->counters().connections == 1; }));
    CHECK(listener.hears(good));
    CHECK(listener.gate->counters().endless_total == 1);
    CHECK(listener.failures() == 0); // its handshake was none
}

TEST_CASE("endless: a PUSH, which receives nothing, is no place for one", "[integration][net]") {
    auto gate = std::make_shared<Gate>();
    Context context = *Context::open();
    SocketOptions options;
    options.security = plaintext(gate);
    Socket push = *Socket::open(context, SocketType::push, options);
    Monitor monitor = *Monitor::open(push);
    RawZmtpPeer endless(*push.bind(test::any_tcp()), "PULL");
    const Instant deadline = deadline_after(now(), patience);
    while (gate->counters().endless_total == 0 && now() < deadline) {
        while (monitor.next()) {
        }
        push.housekeep();
        (void)endless.go_on(part);
        (void)monitor.socket().wait_readable(5ms);
    }
    CHECK(gate->counters().endless_total == 1);
}

TEST_CASE("endless: many messages, and large ones in many parts, are none", "[integration][net]") {
    Listener listener = limited();
    RawZmtpPeer honest(listener.endpoint, "DEALER");
    constexpr int parts = 17;
    constexpr std::size_t messages = 20; // many times what one may have
    std::uint64_t received = 0;
    for (std::size_t i = 0; i < messages; ++i) {
        for (int each = 1; each < parts; ++each)
            honest.frame(part, More::yes);
        honest.frame(part);
        REQUIRE(honest.flush());
        // Slowly, so that looks fall between.
        const Instant later = deadline_after(now(), 50ms);
        REQUIRE(listener.until([&] {
            while (listener.socket.receive(Duration::zero()))
                ++received;
            return received == i + 1 && now() >= later;
        }));
    }
    CHECK_FALSE(is_cut(listener));
    CHECK(listener.gate->counters().connections == 1);
}

TEST_CASE("endless: nobody is cut for what its receiver left lying", "[integration][net]") {
    Listener listener = limited();
    RawZmtpPeer honest(listener.endpoint, "DEALER");
    constexpr std::size_t messages = 100; // six times what one may have
    for (std::size_t i = 0; i < messages; ++i)
        honest.frame(part);
    REQUIRE(honest.flush());
    const Instant later = deadline_after(now(), 1s); // looks, and no receive
    REQUIRE(listener.until([&] {
        listener.socket.housekeep();
        return now() >= later;
    }));
    std::size_t received = 0;
    CHECK(listener.until([&] {
        while (listener.socket.receive(Duration::zero()))
            ++received;
        return received == messages;
    }));
    CHECK_FALSE(is_cut(listener));
}
