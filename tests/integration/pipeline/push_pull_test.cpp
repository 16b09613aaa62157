// SPDX-License-Identifier: Apache-2.0
#include "ends.hpp"

#include <flotilla/base/random.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <poll.h>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>
#include <support/seed.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::pipeline;
using flotilla::net::Attach;
using flotilla::net::Attachment;
using flotilla::net::Context;
using flotilla::net::Endpoint;
using flotilla::wire::Frames;

namespace {

using flotilla::test::context;
using flotilla::test::patience;
using flotilla::test::puller;
using flotilla::test::pusher;

PusherOptions batching(Batching how = {}) {
    PusherOptions options;
    options.batching = how;
    return options;
}

PullerOptions unpacking() {
    PullerOptions options;
    options.unpack = true;
    return options;
}

// A message whose bytes tell its number; every seventh has two frames when they are mixed.
Frames numbered(std::uint64_t number, bool mixed) {
    Frames message;
    message.add(std::to_string(number));
    if (mixed && number % 7 == 0)
        message.add(std::string(number % 50, 'x'));
    return message;
}

net::Socket raw(Context& context, net::SocketType type, const Endpoint& at, Attach how) {
    auto socket = net::Socket::open(context, type);
    REQUIRE(socket.has_value());
    REQUIRE(socket->attach({at, how}).has_value());
    return std::move(*socket);
}

} // namespace

TEST_CASE("push/pull: nothing is lost and the order is kept, batched or not, mixed or not",
          "[integration][pipeline]") {
    constexpr std::uint64_t messages = 100'000;
    const test::ScratchFolder folder;
    for (const bool batched : {false, true})
        for (const bool mixed : {false, true})
            for (const bool tcp : {false, true}) {
                INFO("batched " << batched << ", mixed " << mixed << ", tcp " << tcp);
                Context push_context = context();
                Context pull_context = context();
                Puller to = puller(pull_context, batched ? unpacking() : PullerOptions{},
                                   tcp ? test::any_tcp() : folder.ipc("p"), Attach::bind);
                std::thread sender([&, at = to.endpoints()[0]] {
                    Pusher from = pusher(push_context, batched ? batching() : PusherOptions{}, at,
                                         Attach::connect);
                    for (std::uint64_t i = 0; i < messages; ++i) {
                        Frames message = numbered(i, mixed);
                        if (!from.send(message, patience))
                            return;
                    }
                    (void)from.close(patience);
                });
                std::uint64_t received = 0;
                while (received < messages) {
                    const auto message = to.receive(patience);
                    if (!message || !(*message == numbered(received, mixed)))
                        break;
                    ++received;
                }
                sender.join();
                CHECK(received == messages);
                CHECK(to.receive(0s).error().code == Errc::would_block);
                CHECK(to.counters().messages_total == messages);
                CHECK((to.counters().batch_frames_total > 0) == batched);
                CHECK(to.counters().malformed_total == 0);
            }
}

TEST_CASE("push/pull: views and batches give the same messages as receive",
          "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
    Pusher from = pusher(shared, batching(), to.endpoints()[0], Attach::connect);
    constexpr std::uint64_t messages = 3'000;
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < messages; ++i) {
        Frames message = numbered(i, true);
        bytes += message.bytes();
        REQUIRE(from.send(message, patience).has_value());
        CHECK(message.empty());
    }
    REQUIRE(from.flush(patience).gathered == 0);
    std::uint64_t received = 0;
    const auto check = [&](MessageView view) {
        const Frames expected = numbered(received++, true);
        REQUIRE(view.size() == expected.size());
        for (std::size_t i = 0; i < view.size(); ++i)
            REQUIRE(view[i] == expected[i].view());
    };
    while (received < messages) {
        if (received % 3 == 0) {
            const auto view = to.receive_view(patience);
            REQUIRE(view.has_value());
            check(*view);
        } else if (received % 3 == 1) {
            const auto message = to.receive(patience);
            REQUIRE(message.has_value());
            REQUIRE(*message == numbered(received++, true));
        } else {
            auto batch = to.receive_batch(patience);
            REQUIRE(batch.has_value());
            while (batch->left() > 0)
                check(batch->next());
        }
    }
    CHECK(to.counters().messages_total == messages);
    CHECK(to.counters().bytes_total == bytes);
    CHECK(from.counters().messages_total == messages);
    CHECK(from.counters().bytes_total == bytes);
}

TEST_CASE("push/pull: several consumers share the work and nothing is lost",
          "[integration][pipeline]") {
    Context shared = context();
    std::vector<Puller> consumers;
    PusherOptions options = batching();
    for (int i = 0; i < 3; ++i) {
        consumers.push_back(puller(shared, unpacking(), test::any_tcp(), Attach::bind));
        options.attach.push_back({consumers.back().endpoints()[0], Attach::connect});
    }
    auto from = Pusher::open(shared, std::move(options));
    REQUIRE(from.has_value());
    constexpr std::uint64_t messages = 50'000;
    std::vector<int> seen(messages, 0);
    std::uint64_t received = 0;
    const auto drain = [&] {
        for (Puller& to : consumers)
            while (auto view = to.receive_view(0s)) {
                ++seen[std::stoull(std::string{view->body()})];
                ++received;
            }
    };
    for (std::uint64_t i = 0; i < messages; ++i)
        while (!from->send(std::to_string(i), 0s))
            drain();
    const Instant deadline = net::now() + patience;
    while (!from->flush(0s).none() && net::now() < deadline)
        drain();
    while (received < messages && net::now() < deadline)
        drain();
    CHECK(received == messages);
    CHECK(std::count(seen.begin(), seen.end(), 1) == std::ptrdiff_t(messages));
    for (const Puller& to : consumers)
        CHECK(to.counters().messages_total > 0);
}

TEST_CASE("push/pull: compressed batches expand to what was sent", "[integration][pipeline]") {
    for (const auto how : {wire::Compression::lz4, wire::Compression::zstd}) {
        if (!wire::is_available(how)) {
            Context shared = context();
            PusherOptions options = batching({.compression = how});
            options.attach.push_back({test::any_tcp(), Attach::bind});
            CHECK(Pusher::open(shared, std::move(options)).error().code == Errc::unsupported);
            continue;
        }
        Context shared = context();
        Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
        Pusher from =
            pusher(shared, batching({.compression = how}), to.endpoints()[0], Attach::connect);
        constexpr int messages = 20'000;
        std::thread sender([&] {
            for (int i = 0; i < messages; ++i)
                if (!from.send("line " + std::to_string(i) + " of a log that repeats itself",
                               patience))
                    return;
            (void)from.flush(patience);
        });
        int received = 0;
        while (received < messages) {
            const auto view = to.receive_view(patience);
            if (!view || view->body() !=
                             "line " + std::to_string(received) + " of a log that repeats itself")
                break;
            ++received;
        }
        sender.join();
        CHECK(received == messages);
    }
}

TEST_CASE("push/pull: a lone message leaves at once", "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
    Pusher from = pusher(shared, batching(), to.endpoints()[0], Attach::connect);
    for (int i = 0; i < 50; ++i) {
        const auto sent = from.send("ping", patience);
        REQUIRE(sent.has_value());
        CHECK(sent->left());
        REQUIRE(to.receive_view(patience).has_value());
        REQUIRE(from.flush(patience).gathered == 0);
    }
    CHECK(from.counters().batch_frames_total == 50);
}

TEST_CASE("push/pull: a raw PULL gets the documented batch frame, and plain frames in plain mode",
          "[integration][pipeline]") {
    Context shared = context();
    net::Socket to = raw(shared, net::SocketType::pull, test::fresh_inproc(), Attach::bind);
    const auto at = test::any_tcp();
    const auto bound = to.bind(at);
    REQUIRE(bound.has_value());

    Pusher from = pusher(shared, batching(), *bound, Attach::connect);
    REQUIRE(from.send("hi", patience)->left());
    const auto batch = to.receive(patience);
    REQUIRE(batch.has_value());
    REQUIRE(batch->size() == 1);
    CHECK((*batch)[0].view() == ByteView{"\xf1\x46\x42\x01\0\0\0\1\0\0\0\0\6\0\0\0\2hi", 19});
    Frames multipart{"a", "", "c"};
    REQUIRE(from.send(multipart, patience).has_value());
    CHECK(*to.receive(patience) == Frames{"a", "", "c"});

    Pusher plain = pusher(shared, {}, *bound, Attach::connect);
    REQUIRE(plain.send("hi", patience).has_value());
    CHECK(*to.receive(patience) == Frames{"hi"});
}

TEST_CASE("push/pull: a raw PUSH reaches an unpacking Puller as plain messages",
          "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
    net::Socket from = raw(shared, net::SocketType::push, to.endpoints()[0], Attach::connect);
    REQUIRE(from.send("plain", patience));
    Frames multipart{"\xf1\x46\x42\x01 looks like a batch", "but has two frames"};
    REQUIRE(from.send(multipart, patience));
    REQUIRE(from.send("", patience));
    CHECK(*to.receive(patience) == Frames{"plain"});
    CHECK(*to.receive(patience) ==
          Frames{"\xf1\x46\x42\x01 looks like a batch", "but has two frames"});
    CHECK(*to.receive(patience) == Frames{""});
    CHECK(to.counters().malformed_total == 0);
}

TEST_CASE(
    "push/pull: a large message that looks like a batch passes, or is refused where it is sent",
    "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
    Pusher from = pusher(shared, batching(), to.endpoints()[0], Attach::connect);
    std::string message = "\xf1\x46\x42";
    for (const std::size_t bytes : {(1U << 20) - 3, 1U << 20, (16U << 20) - 4}) {
        message.resize(bytes, 'm');
        REQUIRE(from.send(message, patience));
        CHECK(to.receive_view(patience)->body() == message);
    }
    message.resize((16U << 20) - 3, 'm');
    CHECK(from.send(message, patience).error().code == Errc::too_large);
    CHECK(from.counters().too_large_total == 1);
}

TEST_CASE("push/pull: in process every frame of a message goes back with the next call",
          "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, {}, test::fresh_inproc(), Attach::bind);
    PusherOptions counted;
    counted.count_unsent = true;
    Pusher from = pusher(shared, counted, to.endpoints()[0], Attach::connect);
    Frames message{std::string(2'000, 'a'), std::string(2'000, 'b')};
    REQUIRE(from.send(message, patience));
    REQUIRE(to.receive_view(patience)->size() == 2);
    CHECK(from.counters().unsent.with_transport == 1U);
    CHECK(to.receive_view(0s).error().code == Errc::would_block);
    CHECK(from.counters().unsent.none());
}

TEST_CASE("push/pull: a wait with a limit ends with timeout, also behind a batch that has to leave",
          "[integration][pipeline]") {
    Context shared = context();
    Batching small;
    small.batch_bytes = 1'024;
    Pusher from = pusher(shared, batching(small), test::any_tcp(), Attach::bind);
    CHECK(from.send(std::string(600, 'm'), 1ms).error().code == Errc::timeout);
    CHECK(from.send("short", 1ms).has_value()); // gathered
    CHECK(from.send(std::string(600, 'm'), 1ms).error().code == Errc::timeout);
}

TEST_CASE("push/pull: only a Puller told to unpack looks into messages",
          "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, {}, test::any_tcp(), Attach::bind);
    Pusher from = pusher(shared, batching(), to.endpoints()[0], Attach::connect);
    REQUIRE(from.send("hi", patience)->left());
    const auto message = to.receive(patience);
    REQUIRE(message.has_value());
    CHECK(wire::has_batch_magic((*message)[0]));
}

TEST_CASE("push/pull: broken batches of a hostile PUSH cost only themselves",
          "[integration][pipeline]") {
    const std::uint64_t seed = test::seed(3);
    INFO("seed " << seed);
    Random random(seed);
    Context shared = context();
    Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
    net::Socket hostile = raw(shared, net::SocketType::push, to.endpoints()[0], Attach::connect);
    Pusher honest = pusher(shared, batching(), to.endpoints()[0], Attach::connect);

    constexpr int rounds = 2'000;
    std::thread sender([&] {
        for (int i = 0; i < rounds; ++i) {
            std::string garbage = "\xf1\x46\x42";
            for (std::uint64_t n = random.below(40); n > 0; --n)
                garbage += static_cast<char>(random.below(4));
            garbage += '\x7f'; // never the end of a well-formed batch of this alphabet
            if (!hostile.send(garbage, patience) || !honest.send(std::to_string(i), patience))
                return;
        }
        (void)honest.flush(patience);
        (void)hostile.send("bye", patience);
    });
    int received = 0;
    bool bye = false;
    while (received < rounds || !bye) {
        const auto view = to.receive_view(patience);
        if (!view)
            break;
        if (view->body() == "bye")
            bye = true;
        else if (view->body() == std::to_string(received))
            ++received;
        else
            break;
    }
    sender.join();
    CHECK(received == rounds);
    CHECK(bye);
    CHECK(to.counters().malformed_total == rounds);
}

TEST_CASE("push/pull: a batch that expands to more than allowed is dropped and counted",
          "[integration][pipeline]") {
    Context shared = context();
    PullerOptions small = unpacking();
    small.batch_bytes_max = 1'024;
    Puller to = puller(shared, small, test::any_tcp(), Attach::bind);
    net::Socket from = raw(shared, net::SocketType::push, to.endpoints()[0], Attach::connect);
    std::string memory(4'000, '\0');
    wire::BatchWriter writer(memory.data(), memory.size());
    writer.add(std::string(1'000, 'a'));
    writer.add(std::string(1'000, 'a'));
    wire::Compressor compressor(wire::is_available(wire::Compression::zstd)
                                    ? wire::Compression::zstd
                                    : wire::Compression::none);
    std::string packed(4'000, '\0');
    REQUIRE(from.send(writer.finish(compressor, packed.data()), patience));
    REQUIRE(from.send("after", patience));
    CHECK(*to.receive(patience) == Frames{"after"});
    CHECK(to.counters().malformed_total == 1);
}

TEST_CASE("push/pull: messages over the limits are refused by the sender, dropped by the receiver",
          "[integration][pipeline]") {
    Context shared = context();
    PullerOptions limits;
    limits.message_bytes_max = 1'000;
    limits.message_frames_max = 2;
    Puller to = puller(shared, limits, test::any_tcp(), Attach::bind);
    PusherOptions options;
    options.message_bytes_max = 2'000;
    Pusher from = pusher(shared, options, to.endpoints()[0], Attach::connect);
    CHECK(from.send(std::string(2'001, 'x'), patience).error().code == Errc::too_large);
    Frames message{std::string(1'001, 'x'), std::string(1'000, 'y')};
    CHECK(from.send(message, patience).error().code == Errc::too_large);
    CHECK(message.size() == 2); // untouched
    CHECK(from.counters().too_large_total == 2);

    Frames too_long{std::string(900, 'x'), std::string(101, 'y')};
    REQUIRE(from.send(too_long, patience).has_value());
    Frames too_many{"1", "2", "3"};
    REQUIRE(from.send(too_many, patience).has_value());
    REQUIRE(from.send("fine", patience).has_value());
    CHECK(*to.receive(patience) == Frames{"fine"});
    CHECK(to.counters().oversize_total == 2);
}

TEST_CASE("push/pull: a large message that looks like a batch arrives as it was sent",
          "[integration][pipeline]") {
    Context shared = context();
    Puller to = puller(shared, unpacking(), test::any_tcp(), Attach::bind);
    Pusher from = pusher(shared, batching(), to.endpoints()[0], Attach::connect);
    const std::string large = "\xf1\x46\x42" + std::string(100'000, 'x');
    const std::string small = "\xf1\x46\x42\x01";
    REQUIRE(from.send(large, patience).has_value());
    REQUIRE(from.send(small, patience).has_value());
    REQUIRE(from.send(std::string(50'000, 'p'), patience).has_value());
    CHECK(to.receive_view(patience)->body() == large);
    CHECK(to.receive_view(patience)->body() == small);
    CHECK(to.receive_view(patience)->body() == std::string(50'000, 'p'));
    CHECK(to.counters().malformed_total == 0);
}
