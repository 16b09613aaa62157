// SPDX-License-Identifier: Apache-2.0
// A pull door in front of Pushers that batch.
#include "serving.hpp"

#include <flotilla/net/socket.hpp>
#include <flotilla/pipeline/pusher.hpp>
#include <flotilla/pipeline/work_taker.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/server.hpp>
#include <flotilla/wire/batch.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

constexpr Duration patience = 30s;

struct BatchShop {
    net::Context context = *net::Context::open();
    net::Endpoint at = test::fresh_inproc();
    QueueServer server;
    net::Endpoint place;

    explicit BatchShop(bool unpack)
        : server(*QueueServer::open(context, std::make_unique<MemoryStore>(), with_door(unpack))),
          place(*server.bind(test::any_tcp())) {
        REQUIRE(server.declare("q", {}));
    }
    QueueServerOptions with_door(bool unpack) const {
        Door door;
        door.queue = "q";
        door.unpack = unpack;
        door.endpoints = {{at, net::Attach::bind}};
        QueueServerOptions options;
        options.doors = {door};
        return options;
    }
    template <class Done>
    void until(Done&& done) {
        test::serve_until(server, done);
    }
    std::uint64_t accepted() const { return server.queues()[0].counters.accepted_total; }
};

std::string number(int i) {
    return "message " + std::to_string(i);
}

} // namespace

TEST_CASE("server: a pull door that unpacks stores the messages of batches one by one, in order",
          "[integration][queue]") {
    constexpr int messages = 5'000; // more than one put carries
    BatchShop shop(true);
    pipeline::PusherOptions options;
    options.attach = {{shop.at, net::Attach::connect}};
    options.batching.emplace();
    options.batching->compression = wire::is_available(wire::Compression::lz4)
                                        ? wire::Compression::lz4
                                        : wire::Compression::none;
    auto pusher = *pipeline::Pusher::open(shop.context, options);
    for (int i = 0; i < messages;) {
        if (pusher.send(number(i), 0ms))
            ++i;
        else
            REQUIRE(shop.server.process(1ms));
    }
    shop.until([&] { return pusher.flush(0ms).none(); });
    // Neither is in a batch: one of several frames, and a frame that only says that it is one.
    net::Socket raw = *net::Socket::open(shop.context, net::SocketType::push);
    REQUIRE(raw.connect(shop.at));
    shop.until([&] { return shop.accepted() == messages; });
    wire::Frames two{"\xf1\x46\x42", "second"};
    REQUIRE(raw.send(two, patience));
    wire::Frames damaged{std::string("\xf1\x46\x42\x01\x00\x00\x00\x09", 8)};
    REQUIRE(raw.send(damaged, patience));
    shop.until([&] {
        return shop.accepted() == messages + 1 && shop.server.doors()[0].refused_total == 1;
    });
    CHECK(shop.server.doors()[0].messages_total == messages + 1);

    pipeline::WorkTakerOptions taking;
    taking.sources = {shop.place};
    taking.limits.queue = "q";
    auto taker = *pipeline::WorkTaker::open(shop.context, taking);
    int next = 0;
    shop.until([&] {
        while (auto work = taker.take(0ms)) {
            CHECK(work->body[0] == (next < messages ? number(next) : std::string("\xf1\x46\x42")));
            REQUIRE(taker.ack(*work));
            ++next;
        }
        return next == messages + 1;
    });
}

TEST_CASE("server: a pull door that drains stores what it has read of a batch",
          "[integration][queue]") {
    constexpr int messages = 10'000;
    BatchShop shop(true);
    wire::Frames batch;
    {
        std::vector<char> memory(1 << 20);
        wire::BatchWriter writer(memory.data(), memory.size());
        for (int i = 0; i < messages; ++i)
            writer.add(number(i));
        batch.add(writer.finish());
    }
    net::Socket raw = *net::Socket::open(shop.context, net::SocketType::push);
    REQUIRE(raw.connect(shop.at));
    REQUIRE(raw.send(batch, patience));
    shop.until([&] { return shop.accepted() > 0; });
    shop.until([&] { return *shop.server.drain(0ms); });
    CHECK(shop.accepted() == messages);
}

TEST_CASE("server: a pull door that does not unpack stores a batch as it came",
          "[integration][queue]") {
    BatchShop shop(false);
    std::vector<char> memory(1 << 10);
    wire::BatchWriter writer(memory.data(), memory.size());
    writer.add("one");
    writer.add("two");
    wire::Frames batch;
    batch.add(writer.finish());
    net::Socket raw = *net::Socket::open(shop.context, net::SocketType::push);
    REQUIRE(raw.connect(shop.at));
    REQUIRE(raw.send(batch, patience));
    shop.until([&] { return shop.accepted() == 1; });
    CHECK(shop.server.doors()[0].refused_total == 0);
}
