// SPDX-License-Identifier: Apache-2.0
// What a SUB door with metadata counts as lost, and what of its feed it stores.
#include "serving.hpp"

#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/server.hpp>
#include <flotilla/wire/envelope.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

// A store whose door hears a publisher that numbers its messages by hand.
struct FeedShop {
    net::Context context = *net::Context::open();
    net::Endpoint at = test::fresh_inproc();
    QueueServer server;
    net::Socket publisher = *net::Socket::open(context, net::SocketType::xpub);
    std::uint64_t stored = 0;

    explicit FeedShop(std::vector<std::string> topics)
        : server(*QueueServer::open(context, std::make_unique<MemoryStore>(),
                                    with_door(std::move(topics)))) {
        REQUIRE(server.declare("q", {}));
        REQUIRE(publisher.connect(at));
        std::vector<std::string> asked;
        until([&] {
            while (auto subscription = publisher.receive(0ms))
                asked.emplace_back((*subscription)[0].view().substr(1));
            return asked.size() >= server_topics + 1; // and for heartbeats
        });
        CHECK(std::count(asked.begin(), asked.end(), feed::heartbeat_topic) == 1);
    }
    QueueServerOptions with_door(std::vector<std::string> topics) {
        server_topics = topics.size();
        Door door;
        door.kind = Door::Kind::sub;
        door.queue = "q";
        door.topics = std::move(topics);
        door.metadata = true;
        door.endpoints = {{at, net::Attach::bind}};
        QueueServerOptions options;
        options.doors = {door};
        return options;
    }
    template <class Done>
    void until(Done&& done) {
        test::serve_until(server, done);
    }
    void send(wire::Frames message) { REQUIRE(publisher.send(message, 30s)); }
    void publish(const char* topic, std::uint64_t epoch, std::uint64_t sequence) {
        wire::Envelope envelope;
        envelope.publisher_epoch = epoch;
        envelope.sequence = sequence;
        send(wire::Frames{topic, "body", *wire::encode(envelope)});
        ++stored;
    }
    void beat(std::uint64_t epoch, std::vector<feed::Heartbeat::Topic> topics) {
        for (const std::string& body : feed::encode_heartbeats({epoch, 1s, std::move(topics)}))
            send(wire::Frames{feed::heartbeat_topic, body});
    }
    // Whatever was sent so far has been read: the door reads in order.
    DoorStat settled(const char* topic) {
        send(wire::Frames{topic, "no number"});
        ++stored;
        until([&] { return server.doors()[0].messages_total == stored; });
        return server.doors()[0];
    }
    std::size_t server_topics = 0;
};

} // namespace

TEST_CASE("doors: two publishers of one topic are counted each by its own numbers",
          "[integration][queue]") {
    FeedShop shop({"a"});
    for (std::uint64_t sequence = 1; sequence <= 199; sequence += 2) {
        shop.publish("a", 7, sequence);
        shop.publish("a", 8, sequence);
    }
    const DoorStat stat = shop.settled("a");
    CHECK(stat.lost_total == 2 * 99);
    CHECK_FALSE(stat.is_loss_unknown);
}

TEST_CASE("doors: heartbeats tell what was lost at the end, and are not stored",
          "[integration][queue]") {
    FeedShop shop({"a", "b."});
    shop.publish("a", 7, 1);
    shop.publish("b.x", 7, 1);
    shop.beat(7, {{"a", 0, 5}, {"b.x", 0, 1}, {"c", 0, 9}}); // c is somebody else's
    shop.send(wire::Frames{feed::heartbeat_topic, "garbage"});
    shop.send(wire::Frames{feed::heartbeat_topic});
    CHECK(shop.settled("a").lost_total == 4);
    shop.beat(7, {{"a", 0, 5}});
    CHECK(shop.settled("a").lost_total == 4); // once
}

TEST_CASE("doors: of a whole feed, heartbeats and other words of Flotilla's own are not stored",
          "[integration][queue]") {
    FeedShop shop({""});
    shop.publish("a", 7, 1);
    shop.beat(7, {{"a", 0, 2}});
    shop.send(wire::Frames{std::string(feed::reserved_prefix) + "new", "x"});
    CHECK(shop.settled("a").lost_total == 1);
}
