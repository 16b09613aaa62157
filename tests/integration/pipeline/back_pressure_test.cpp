// SPDX-License-Identifier: Apache-2.0
// What a Pusher does when its consumers do not take what it has.
#include "ends.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <poll.h>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <optional>
#include <string>
#include <thread>

using namespace flotilla;
using namespace flotilla::pipeline;
using flotilla::net::Attach;
using flotilla::net::Context;
using flotilla::net::Endpoint;
using flotilla::wire::Frames;

namespace {

using flotilla::test::context;
using flotilla::test::patience;
using flotilla::test::puller;
using flotilla::test::pusher;

// Small, so that a few hundred messages fill everything.
PusherOptions small_batches() {
    PusherOptions options;
    options.batching = Batching{.batch_bytes = 4'096, .buffers_max = 6, .unsent_frames_max = 4};
    return options;
}

// Sends until the Pusher refuses; how many it took.
std::uint64_t fill(Pusher& from, const std::string& message, Duration wait = 0s) {
    std::uint64_t taken = 0;
    while (from.send(message, wait))
        ++taken;
    return taken;
}

bool becomes_readable(int descriptor) {
    pollfd item{descriptor, POLLIN, 0};
    return ::poll(&item, 1, 20'000) == 1;
}

} // namespace

TEST_CASE("back-pressure: a stopped consumer makes send refuse, at the stated number of bytes",
          "[integration][pipeline]") {
    Context shared = context();
    net::SocketOptions few;
    few.receive_messages_max = 1;
    few.kernel_receive_bytes = 4'096;
    auto stopped = net::Socket::open(shared, net::SocketType::pull, few);
    REQUIRE(stopped.has_value());
    const auto at = stopped->bind(test::any_tcp());
    REQUIRE(at.has_value());
    PusherOptions options = small_batches();
    options.socket.kernel_send_bytes = 4'096;
    Pusher from = pusher(shared, options, *at, Attach::connect);

    const std::string message(100, 'm');
    // The kernel and the consumer go on taking a little for a moment; then nothing moves.
    std::uint64_t taken = 0;
    std::uint64_t refused_in_a_row = 0;
    for (const Instant latest = net::now() + patience;
         refused_in_a_row < 1'000 && net::now() < latest;) {
        if (!from.send(message, refused_in_a_row == 0 ? 1s : 0s)) {
            ++refused_in_a_row;
        } else {
            ++taken;
            refused_in_a_row = 0;
        }
    }
    REQUIRE(refused_in_a_row == 1'000);
    const PusherCounters counters = from.counters();
    CHECK(counters.messages_total == taken);
    CHECK(counters.refused_total >= 1'000);
    const std::uint64_t bound = 6 * 4'096; // buffers_max * batch_bytes
    const std::uint64_t unsent = counters.unsent.gathered + *counters.unsent.with_transport;
    CHECK(unsent * message.size() <= bound);
    CHECK(unsent > 0);

    const auto refused = from.send(message, 1ms);
    CHECK(refused.error().code == Errc::timeout);
    Frames untouched{"a", "b"};
    CHECK(from.send(untouched, 0s).error().code == Errc::would_block);
    CHECK(untouched == Frames{"a", "b"});

    // Reading again lets everything through, in order and complete.
    std::uint64_t received = 0;
    wire::Expander expander;
    const Instant deadline = net::now() + patience;
    while (received < taken && net::now() < deadline) {
        (void)from.process();
        (void)from.flush(0s);
        if (const auto frame = stopped->receive(1ms)) {
            auto batch = wire::BatchReader::open((*frame)[0], expander);
            REQUIRE(batch.has_value());
            received += batch->left();
        }
    }
    CHECK(received == taken);
    CHECK(from.counters().unsent.gathered == 0);
}

TEST_CASE("back-pressure: without a consumer a bound Pusher gathers one batch, then refuses",
          "[integration][pipeline]") {
    Context shared = context();
    Pusher from = pusher(shared, small_batches(), test::any_tcp(), Attach::bind);
    const auto first = from.send("first", 0s);
    REQUIRE(first.has_value());
    CHECK_FALSE(first->left());
    CHECK(first->gathered == 1);
    const std::uint64_t taken = 1 + fill(from, std::string(96, 'm'));
    CHECK(taken > 30);
    CHECK(taken < 45);

    Unsent unsent = from.flush(5ms);
    CHECK(unsent.gathered == taken);
    CHECK(unsent.with_transport == 0U);
    CHECK_FALSE(unsent.none());

    // A consumer comes: the descriptor says so, and everything leaves without another send.
    const auto descriptor = from.fd();
    REQUIRE(descriptor.has_value());
    Puller to = puller(shared, from.endpoints()[0], Attach::connect);
    const Instant deadline = net::now() + patience;
    while (from.counters().unsent.gathered > 0 && net::now() < deadline) {
        REQUIRE(becomes_readable(*descriptor));
        REQUIRE(from.process());
    }
    for (std::uint64_t i = 0; i < taken; ++i)
        REQUIRE(to.receive_view(patience).has_value());
    CHECK(to.counters().messages_total == taken);
}

TEST_CASE("back-pressure: the tail of a burst leaves by fd and process alone",
          "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, test::any_tcp(), Attach::bind);
    PusherOptions options = small_batches();
    options.batching->busy_frames = 1;
    Pusher from = pusher(shared, options, to.endpoints()[0], Attach::connect);
    const auto descriptor = from.fd();
    REQUIRE(descriptor.has_value());
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t tails = 0;
    for (int burst = 0; burst < 200; ++burst) {
        for (int i = 0; i < 20; ++i)
            sent += from.send("message", patience) ? 1U : 0U;
        tails += from.counters().unsent.gathered > 0 ? 1U : 0U;
        while (from.counters().unsent.gathered > 0) {
            REQUIRE(becomes_readable(*descriptor));
            REQUIRE(from.process());
        }
        for (; received < sent; ++received)
            REQUIRE(to.receive_view(patience).has_value());
    }
    CHECK(sent == 4'000);
    INFO("bursts that left a tail: " << tails);
    CHECK(from.counters().batch_frames_total < sent);
}

TEST_CASE("back-pressure: one stopped consumer does not hold up the messages of another",
          "[integration][pipeline]") {
    Context shared = context();
    net::SocketOptions few;
    few.receive_messages_max = 1;
    few.kernel_receive_bytes = 4'096;
    auto stopped = net::Socket::open(shared, net::SocketType::pull, few);
    REQUIRE(stopped.has_value());
    const auto at = stopped->bind(test::any_tcp());
    REQUIRE(at.has_value());
    Puller live = puller(shared, test::any_tcp(), Attach::bind);
    PusherOptions options;
    options.batching = Batching{.batch_bytes = 4'096, .buffers_max = 64, .unsent_frames_max = 8};
    options.socket.kernel_send_bytes = 4'096;
    options.attach.push_back({*at, Attach::connect});
    Pusher from = pusher(shared, options, live.endpoints()[0], Attach::connect);

    std::uint64_t received = 0;
    const auto drain = [&] {
        while (live.receive_view(0s))
            ++received;
    };
    for (int sent = 0; sent < 3'000;) {
        sent += from.send(std::string(1'000, 'm'), 0s) ? 1 : 0;
        drain();
    }
    CHECK(received > 1'000); // while the stopped one filled up
    const auto descriptor = from.fd();
    REQUIRE(descriptor.has_value());
    while (from.counters().unsent.gathered > 0) {
        REQUIRE(becomes_readable(*descriptor));
        REQUIRE(from.process());
        drain();
    }
    while (live.receive_view(100ms)) {
    }
    REQUIRE(*from.counters().unsent.with_transport > 8U); // busy, if it counted

    for (int i = 0; i < 50; ++i) {
        REQUIRE(from.send("ping", 0s).has_value());
        while (from.counters().unsent.gathered > 0) {
            REQUIRE(becomes_readable(*descriptor));
            REQUIRE(from.process());
        }
        REQUIRE(live.receive_view(patience)->body() == "ping");
    }
}

TEST_CASE("back-pressure: close reports the messages that did not leave",
          "[integration][pipeline]") {
    Context shared = context();
    for (const bool counted : {true, false}) {
        PusherOptions options;
        options.count_unsent = counted;
        options.unsent_messages_max = 10;
        // Nobody is there: what is taken stays.
        Pusher from = pusher(shared, options, *Endpoint::parse("ipc:///nonexistent/flotilla"),
                             Attach::connect);
        const std::uint64_t taken = fill(from, "message");
        CHECK(taken == 10);
        const Unsent unsent = from.close(10ms);
        CHECK_FALSE(unsent.none());
        CHECK(unsent.gathered == 0);
        CHECK(unsent.with_transport == (counted ? std::optional<std::uint64_t>{10} : std::nullopt));
    }
    {
        Pusher from = pusher(shared, small_batches(),
                             *Endpoint::parse("ipc:///nonexistent/flotilla"), Attach::connect);
        const std::uint64_t taken = fill(from, std::string(100, 'm'));
        const Unsent unsent = from.close(10ms);
        CHECK(unsent.gathered + *unsent.with_transport == taken);
        CHECK(unsent.gathered > 0);
    }
}

TEST_CASE("back-pressure: close waits until everything left, and says so",
          "[integration][pipeline]") {
    Context shared = context();
    for (const int mode : {0, 1, 2}) {
        INFO("mode " << mode);
        Puller to = puller(shared, test::any_tcp(), Attach::bind);
        PusherOptions options;
        options.count_unsent = mode == 1;
        if (mode == 2)
            options = small_batches();
        options.linger = 0s; // so that nothing but close() can have sent it
        Pusher from = pusher(shared, options, to.endpoints()[0], Attach::connect);
        for (int i = 0; i < 100; ++i)
            REQUIRE(from.send("message", patience).has_value());
        CHECK(from.close(patience).none());
        for (int i = 0; i < 100; ++i)
            REQUIRE(to.receive_view(patience).has_value());
    }
}

TEST_CASE("back-pressure: a send that waits goes on when the consumer reads again",
          "[integration][pipeline]") {
    Context shared = context();
    // In process the consumer holds the Pusher's own buffers, so these run out before the frames.
    for (const Endpoint& at : {test::any_tcp(), test::fresh_inproc()}) {
        Puller to = puller(shared, at, Attach::bind);
        PusherOptions options = small_batches();
        options.batching->unsent_frames_max = 100;
        constexpr int messages = 20'000;
        int sent = 0;
        Unsent unsent{};
        bool waited_in_vain = false;
        std::thread sender([&, where = to.endpoints()[0]] {
            Pusher from = pusher(shared, options, where, Attach::connect);
            while (sent < messages && from.send(std::string(200, 'm'), patience))
                ++sent;
            const Instant deadline = net::now() + patience;
            unsent = from.close(patience);
            waited_in_vain = net::now() >= deadline;
        });
        int received = 0;
        while (received < messages && to.receive_view(patience))
            ++received;
        (void)to.receive_view(0s); // lets go of the last one, which in process is the Pusher's own
        sender.join();
        CHECK(sent == messages);
        CHECK(received == messages);
        CHECK(unsent.gathered == 0);
        CHECK(unsent.with_transport == 0U);
        CHECK_FALSE(waited_in_vain); // for the Puller's next call, say
    }
}

TEST_CASE("back-pressure: a shut down context ends every wait", "[integration][pipeline]") {
    Context shared = context();
    Pusher from = pusher(shared, small_batches(), test::any_tcp(), Attach::bind);
    Puller to = puller(shared, test::any_tcp(), Attach::bind);
    (void)fill(from, std::string(100, 'm'));
    std::thread other([&] { shared.shutdown(); });
    CHECK(from.send(std::string(100, 'm'), no_limit).error().code == Errc::stopped);
    other.join();
    CHECK(to.receive(no_limit).error().code == Errc::stopped);
    CHECK(from.process().error().code == Errc::stopped);
    CHECK(from.flush(patience).gathered > 0);
}

TEST_CASE("back-pressure: options out of range are refused by name", "[integration][pipeline]") {
    Context shared = context();
    const auto refusal = [&](auto change) {
        PusherOptions options = small_batches();
        options.attach.push_back({test::any_tcp(), Attach::bind});
        change(options);
        auto opened = Pusher::open(shared, std::move(options));
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code == Errc::bad_option);
        return opened.error().detail;
    };
    CHECK(refusal([](PusherOptions& o) { o.attach.clear(); }).find("endpoints") !=
          std::string::npos);
    CHECK(refusal([](PusherOptions& o) { o.batching->batch_bytes = 1'023; }).find("batch_bytes") !=
          std::string::npos);
    CHECK(refusal([](PusherOptions& o) { o.batching->buffers_max = 2; }).find("buffers_max") !=
          std::string::npos);
    CHECK(refusal([](PusherOptions& o) {
              o.batching->unsent_frames_max = 0;
          }).find("unsent_frames_max") != std::string::npos);
    CHECK(refusal([](PusherOptions& o) { o.batching->busy_frames = 0; }).find("busy_frames") !=
          std::string::npos);
    CHECK(refusal([](PusherOptions& o) { o.batching->stall_max = 0s; }).find("stall_max") !=
          std::string::npos);
    CHECK(refusal([](PusherOptions& o) {
              o.unsent_messages_max = 0;
          }).find("unsent_messages_max") != std::string::npos);
    PullerOptions pulls;
    CHECK(Puller::open(shared, pulls).error().code == Errc::bad_option);
    pulls.attach.push_back({test::any_tcp(), Attach::bind});
    pulls.batch_bytes_max = 17U << 20;
    CHECK(Puller::open(shared, pulls).error().code == Errc::bad_option);
    pulls.batch_bytes_max = 1U << 20;
    pulls.unread_frames_max = 0;
    CHECK(Puller::open(shared, pulls).error().code == Errc::bad_option);
    pulls.unread_frames_max = 1;
    pulls.message_frames_max = 0;
    CHECK(Puller::open(shared, pulls).error().code == Errc::bad_option);
    pulls.message_frames_max = 1;
    pulls.message_bytes_max = UINT64_MAX;
    CHECK(Puller::open(shared, pulls).error().code == Errc::bad_option);
}
