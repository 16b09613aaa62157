// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include <flotilla/feed/heartbeat.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pubsub;
using feed::encode_heartbeats;
using feed::heartbeat_topic;
using namespace flotilla::test;
using wire::Frames;

namespace {

TopicPattern pattern(std::string_view text) {
    return Link::take(TopicPattern::parse(text));
}

SubscriberOptions with_metadata() {
    SubscriberOptions options;
    options.metadata = Metadata::on;
    return options;
}

// A bound subscriber and a raw publisher that it has subscribed to.
struct Exposed {
    explicit Exposed(SubscriberOptions options)
        : context(Link::take(net::Context::open())),
          subscriber(Link::take(Subscriber::open(context, std::move(options)))),
          endpoint(Link::take(subscriber.bind(any_tcp()))), raw(raw_publisher()) {}

    net::Socket raw_publisher() {
        REQUIRE(subscriber.subscribe("t"));
        net::SocketOptions options;
        options.subscriptions = net::SocketOptions::Subscriptions::every;
        auto made = Link::take(net::Socket::open(context, net::SocketType::xpub, options));
        REQUIRE(made.connect(endpoint));
        const Instant deadline = deadline_after(net::now(), patience);
        net::Part subscription;
        while (!made.receive(subscription, 1ms) || subscription.view() != "\x01t") {
            REQUIRE(net::now() < deadline);
            meet();
        }
        return made;
    }
    // A bound subscriber greets new publishers from within its own calls.
    void meet() { REQUIRE(subscriber.receive(0s).error().code == Errc::would_block); }
    void send(Frames message) { REQUIRE(raw.send(message, patience)); }

    net::Context context;
    Subscriber subscriber;
    net::Endpoint endpoint;
    net::Socket raw;
};

std::string envelope(std::uint64_t epoch, std::uint64_t sequence, WallTime timestamp) {
    wire::Envelope made;
    made.publisher_epoch = epoch;
    made.sequence = sequence;
    made.timestamp = timestamp;
    return Link::take(wire::encode(made));
}

} // namespace

TEST_CASE("subscriber: patterns are filtered behind their native prefix", "[integration][pubsub]") {
    Link link;
    auto subscriber = link.subscriber();
    REQUIRE(subscriber.subscribe_pattern(pattern("orders.*.eu")));
    link.await(1, "orders.7.eu");
    publish(link.publisher, "orders.7.eu", "yes");
    publish(link.publisher, "orders.7.us", "no");
    publish(link.publisher, "orders.7.8.eu", "no");
    publish(link.publisher, "order", "not even sent");
    publish(link.publisher, "orders.9.eu", "yes");
    CHECK(next_text(subscriber) == "orders.7.eu|yes");
    CHECK(next_text(subscriber) == "orders.9.eu|yes");
    CHECK(subscriber.counters().filtered_total == 2);
    REQUIRE(subscriber.subscribe("orders.7.us"));
    REQUIRE(subscriber.unsubscribe_pattern(pattern("orders.*.eu")));
    link.await_fewer(1, "orders.");
    publish(link.publisher, "orders.9.eu", "no");
    publish(link.publisher, "orders.7.us", "now");
    CHECK(next_text(subscriber) == "orders.7.us|now");
    CHECK(subscriber.unsubscribe_pattern(pattern("a")).error().code == Errc::not_found);
    CHECK(subscriber.unsubscribe("a").error().code == Errc::not_found);
}

TEST_CASE("subscriber: parts and batches bring the same messages", "[integration][pubsub]") {
    const Metadata metadata = GENERATE(Metadata::off, Metadata::on);
    PublisherOptions options;
    options.metadata = metadata;
    Link link(options);
    SubscriberOptions asks;
    asks.metadata = metadata;
    auto subscriber = link.subscriber(asks);
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");
    for (int i = 0; i < 5; ++i)
        publish(link.publisher, "t", std::to_string(i));
    Frames several{"first", "second", "third"};
    REQUIRE(link.publisher.send("t", several));
    Frames none;
    REQUIRE(link.publisher.send("t", none));
    publish(link.publisher, "t", "last");
    net::Part topic;
    net::Part body;
    for (const std::string_view expected : {"0", "1"}) {
        REQUIRE(subscriber.receive(topic, body, patience));
        CHECK(topic.view() == "t");
        CHECK(body.view() == expected);
    }
    std::vector<std::string> batched;
    while (batched.size() < 3) {
        const auto batch = subscriber.receive_batch(3 - batched.size(), patience);
        REQUIRE(batch);
        for (const Message& message : *batch)
            batched.push_back(text(message));
    }
    CHECK(batched == std::vector<std::string>{"t|2", "t|3", "t|4"});
    for (const std::string_view expected : {"first", "", "last"}) {
        REQUIRE(subscriber.receive(topic, body, patience));
        CHECK(body.view() == expected);
    }
    CHECK(subscriber.counters().skipped_frames_total == 2);
    CHECK(subscriber.receive_batch(9, 0s).error().code == Errc::would_block);
    CHECK(subscriber.receive(topic, body, 10ms).error().code == Errc::timeout);
    CHECK(subscriber.loss().lost == 0);
    CHECK(subscriber.counters().unnumbered_total == 0);
}

TEST_CASE("subscriber: garbage from a hostile publisher costs nothing", "[integration][pubsub]") {
    Exposed exposed(with_metadata());
    auto honest = Link::take(Publisher::open(exposed.context, [] {
        PublisherOptions options;
        options.metadata = Metadata::on;
        return options;
    }()));
    REQUIRE(honest.connect(exposed.endpoint));
    const Instant deadline = deadline_after(net::now(), patience);
    while (!honest.wait_subscribers(1, "t", 1ms)) {
        REQUIRE(net::now() < deadline);
        exposed.meet();
    }
    publish(honest, "t", "1");
    CHECK(next_text(exposed.subscriber) == "t|1");

    const std::string magic{"\xF1"
                            "FM"};
    exposed.send({"t", "body", magic + "\x01 garbage"});
    exposed.send({"t", "body", magic + "\x02 newer"});
    exposed.send({"t", "body", magic});
    exposed.send({"t"});
    exposed.send({"t", envelope(9, 0, WallTime{1s})});
    exposed.send({"t", envelope(9, UINT64_MAX, WallTime{1s})});
    exposed.send({heartbeat_topic});
    exposed.send({heartbeat_topic, ""});
    exposed.send({heartbeat_topic, "garbage"});
    exposed.send({heartbeat_topic, "several", "frames"});
    exposed.send({heartbeat_topic, encode_heartbeats({5, 1s, {{"t", 0, 1}}})[0] + "x"});
    exposed.send({std::string{heartbeat_topic} + "x", "unknown"});
    // Well-formed, but of a publisher that never sent what it says it sent.
    exposed.send({heartbeat_topic, encode_heartbeats({5, 1s, {{"t", 0, 1'000'000}}})[0]});
    exposed.send({"t", "end"});

    std::vector<std::size_t> body_frames;
    for (std::string got; got != "t|end"; body_frames.push_back(0)) {
        const auto message = exposed.subscriber.receive(patience);
        REQUIRE(message);
        got = text(*message);
        if (!body_frames.empty())
            body_frames.back() = message->body.size();
    }
    CHECK(body_frames.size() == 7);
    const auto counters = exposed.subscriber.counters();
    CHECK(counters.malformed_metadata_total == 2);
    CHECK(counters.malformed_heartbeats_total == 5);
    CHECK(counters.reserved_total == 1);
    CHECK(counters.heartbeats_total >= 1);
    CHECK(counters.unnumbered_total == 7);
    publish(honest, "t", "2");
    publish(honest, "t", "3");
    CHECK(next_text(exposed.subscriber) == "t|2");
    CHECK(next_text(exposed.subscriber) == "t|3");
    CHECK(exposed.subscriber.loss().lost == 0);
    CHECK(exposed.subscriber.loss().repeats == 0);
    CHECK_FALSE(exposed.subscriber.loss().unknown);
}

TEST_CASE("subscriber: without metadata reserved topics are not delivered either",
          "[integration][pubsub]") {
    Exposed exposed({});
    REQUIRE(exposed.subscriber.subscribe(""));
    exposed.meet();
    net::Part subscription;
    REQUIRE(exposed.raw.receive(subscription, patience));
    exposed.send({heartbeat_topic, encode_heartbeats({5, 1s, {}})[0]});
    exposed.send({"t", "x", envelope(5, 1, WallTime{1s})});
    const auto message = exposed.subscriber.receive(patience);
    REQUIRE(message);
    CHECK(message->body.size() == 2);
    CHECK_FALSE(message->envelope);
    CHECK(exposed.subscriber.counters().reserved_total == 1);
    CHECK(exposed.subscriber.publishers().empty());
    CHECK(exposed.subscriber.loss().topics == 0);
}

TEST_CASE("subscriber: messages over the limits are dropped whole and counted",
          "[integration][pubsub]") {
    SubscriberOptions options;
    options.socket.frames_max = 3;
    options.socket.message_bytes_max = 100;
    Exposed exposed(options);
    exposed.send({"t", "1", "2", "3"});
    exposed.send({"t", std::string(50, 'x'), std::string(50, 'x')});
    exposed.send({"t", "1", "2"});
    CHECK(exposed.subscriber.receive(patience).error().code == Errc::too_many);
    CHECK(exposed.subscriber.receive(patience).error().code == Errc::too_large);
    CHECK(next_text(exposed.subscriber) == "t|1|2");
    CHECK(exposed.subscriber.counters().oversize_total == 2);
    CHECK(exposed.subscriber.counters().received_total == 1);
}

TEST_CASE("subscriber: a message that is too old disconnects it until it rejoins",
          "[integration][pubsub]") {
    auto options = with_metadata();
    options.lag_max = 10s;
    Exposed exposed(options);
    exposed.send({"t", "fresh", envelope(5, 1, net::wall_now())});
    CHECK(next_text(exposed.subscriber) == "t|fresh");
    exposed.send({"t", "stale", envelope(5, 2, net::wall_now() - 11s)});
    const auto refused = exposed.subscriber.receive(patience);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::refused);
    INFO(refused.error().detail);
    CHECK(refused.error().detail.find("too slow: a message was") == 0);
    CHECK(exposed.subscriber.receive(0s).error().code == Errc::refused);
    CHECK(exposed.subscriber.wait_readable(0s).error().code == Errc::refused);
    CHECK(exposed.subscriber.fd() == -1);
    CHECK(exposed.subscriber.counters().too_slow_total == 1);
}

TEST_CASE("subscriber: one that lost too much disconnects itself, and can rejoin",
          "[integration][pubsub]") {
    PublisherOptions options;
    options.metadata = Metadata::on;
    options.unsent_messages_max = 10;
    Link link(options);
    auto asks = with_metadata();
    asks.lost_messages_max = 100;
    asks.unread_messages_max = 10;
    auto subscriber = link.subscriber(asks);
    REQUIRE(subscriber.subscribe_pattern(pattern("t.#")));
    link.await(1, "t.1");
    const std::string body(10'000, 'x');
    publish(link.publisher, "t.1", body);
    REQUIRE(subscriber.receive(patience));
    Errc ended{};
    for (int i = 0; i < 100'000 && ended != Errc::refused; ++i) {
        publish(link.publisher, "t.1", body);
        if (i % 1'000 != 999)
            continue;
        for (int read = 0; read < 100 && ended != Errc::refused; ++read)
            if (const auto message = subscriber.receive(0s); !message)
                ended = message.error().code;
    }
    CHECK(ended == Errc::refused);
    CHECK(subscriber.loss().lost > 100);
    link.await_fewer(1, "t.1");

    const std::uint64_t lost = subscriber.loss().lost;
    REQUIRE(subscriber.rejoin());
    link.await(1, "t.1");
    publish(link.publisher, "t.1", "again");
    CHECK(next_text(subscriber) == "t.1|again");
    CHECK(subscriber.loss().lost == lost); // what passed in between was not asked for
    CHECK(subscriber.rejoin());
}

TEST_CASE("subscriber: shutting the context down ends its waits", "[integration][pubsub]") {
    Link link;
    auto subscriber = link.subscriber();
    link.context().shutdown();
    CHECK(subscriber.receive(patience).error().code == Errc::stopped);
    CHECK(link.publisher.wait_subscribers(1, "", patience).error().code == Errc::stopped);
    CHECK(link.publisher.process().error().code == Errc::stopped);
}

TEST_CASE("subscriber: has at most 64 endpoints", "[integration][pubsub]") {
    Link link;
    auto subscriber = Link::take(Subscriber::open(link.context()));
    for (int i = 0; i < 64; ++i)
        REQUIRE(subscriber.bind(fresh_inproc()));
    CHECK(subscriber.bind(fresh_inproc()).error().code == Errc::too_many);
}
