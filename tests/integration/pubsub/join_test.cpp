// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::pubsub;
using namespace flotilla::test;
using wire::Frames;

TEST_CASE("publisher: whoever wait_subscribers saw misses nothing", "[integration][pubsub]") {
    Link link;
    auto first = link.subscriber();
    auto second = link.subscriber();
    REQUIRE(first.subscribe("news"));
    REQUIRE(second.subscribe(""));
    link.await(2, "news.7");
    for (int i = 0; i < 1'000; ++i)
        publish(link.publisher, "news.7", std::to_string(i));
    for (int i = 0; i < 1'000; ++i) {
        const std::string expected = "news.7|" + std::to_string(i);
        REQUIRE(next_text(first) == expected);
        REQUIRE(next_text(second) == expected);
    }
    CHECK(link.publisher.counters().sent_total == 1'000);
    CHECK(link.publisher.counters().connections == 2);
    CHECK(first.counters().received_total == 1'000);
    CHECK(first.counters().received_bytes == link.publisher.counters().sent_bytes);
}

TEST_CASE("publisher: wait_subscribers counts those whose prefix fits, and says how many",
          "[integration][pubsub]") {
    Link link;
    auto subscriber = link.subscriber();
    REQUIRE(subscriber.subscribe("a.b"));
    REQUIRE(subscriber.subscribe("a"));
    link.await(1, "a.x"); // the second of its subscriptions, so the first is there too
    CHECK(link.publisher.subscriber_count("a.b.c") == 1);
    CHECK(link.publisher.subscriber_count("b") == 0);
    const auto waited = link.publisher.wait_subscribers(2, "a.b.c", 30ms);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().code == Errc::timeout);
    CHECK(waited.error().detail == "there are 1 of 2 subscribers");
    CHECK(link.publisher.wait_subscribers(1, "b", 0s).error().code == Errc::timeout);
}

TEST_CASE("publisher: three subscribers are three, and two when one leaves",
          "[integration][pubsub]") {
    const ScratchFolder folder;
    const bool over_ipc = GENERATE(false, true);
    Link link({}, over_ipc ? folder.ipc("feed") : any_tcp());
    auto one = link.raw_subscriber("a");
    auto two = link.raw_subscriber("a");
    {
        auto three = link.raw_subscriber("a");
        REQUIRE(three.subscribe("b"));
        link.await(3, "a");
        link.await(1, "b");
        CHECK(link.publisher.counters().connections == 3);
    }
    link.await_fewer(3, "a");
    CHECK(link.publisher.subscriber_count("a") == 2);
    CHECK(link.publisher.subscriber_count("b") == 0);
    CHECK(link.publisher.counters().connections == 2);
    REQUIRE(one.unsubscribe("a"));
    link.await_fewer(2, "a");
    CHECK(link.publisher.subscriber_count("a") == 1);
}

TEST_CASE("publisher: inproc subscribers are waited for too, beside others",
          "[integration][pubsub]") {
    Link link;
    const auto inproc = Link::take(link.publisher.bind(fresh_inproc()));
    auto over_tcp = link.subscriber();
    REQUIRE(over_tcp.subscribe("a"));
    auto inside = Link::take(Subscriber::open(link.context()));
    REQUIRE(inside.subscribe("a"));
    REQUIRE(inside.connect(inproc));
    link.await(2, "a");
    publish(link.publisher, "a", "x");
    CHECK(next_text(inside) == "a|x");
    CHECK(next_text(over_tcp) == "a|x");
    { const Subscriber gone = std::move(inside); }
    link.await_fewer(2, "a");
    CHECK(link.publisher.subscriber_count("a") == 1);
}

TEST_CASE("publisher: a raw subscriber gets the plain frames", "[integration][pubsub]") {
    Link link;
    auto raw = link.raw_subscriber("t");
    link.await(1, "t");
    Frames body{"one", "", "three"};
    REQUIRE(link.publisher.send("t.1", body));
    CHECK(body.empty());
    publish(link.publisher, "t.2", "x");
    Frames none;
    REQUIRE(link.publisher.send("t.3", none));
    CHECK(*raw.receive(patience) == Frames{"t.1", "one", "", "three"});
    CHECK(*raw.receive(patience) == Frames{"t.2", "x"});
    CHECK(*raw.receive(patience) == Frames{"t.3"});
    CHECK(raw.receive(quiet).error().code == Errc::timeout);
}

TEST_CASE("publisher: with metadata a raw subscriber sees one more frame, and heartbeats if it "
          "asked for everything",
          "[integration][pubsub]") {
    PublisherOptions options;
    options.metadata = Metadata::on;
    Link link(options);
    auto raw = link.raw_subscriber("t");
    auto all = link.raw_subscriber("");
    link.await(2, "t");
    publish(link.publisher, "t", "x");
    REQUIRE(link.publisher.send_heartbeat());
    const auto message = raw.receive(patience);
    REQUIRE(message);
    REQUIRE(message->size() == 3);
    CHECK((*message)[1] == "x");
    const auto envelope = wire::decode_envelope((*message)[2]);
    REQUIRE(envelope);
    CHECK(envelope->publisher_epoch == link.publisher.epoch());
    CHECK(envelope->sequence == std::uint64_t{1});
    CHECK(envelope->timestamp);
    CHECK(raw.receive(quiet).error().code == Errc::timeout);
    bool heartbeat = false;
    while (!heartbeat) {
        const auto seen = all.receive(patience);
        REQUIRE(seen);
        heartbeat = (*seen)[0].view().substr(0, 10) == reserved_prefix;
    }
}

TEST_CASE("publisher: the caller's metadata arrives with the message", "[integration][pubsub]") {
    PublisherOptions options;
    options.metadata = Metadata::on;
    Link link(options);
    SubscriberOptions asks;
    asks.metadata = Metadata::on;
    auto subscriber = link.subscriber(asks);
    auto plain = link.subscriber();
    REQUIRE(subscriber.subscribe("t"));
    REQUIRE(plain.subscribe("t"));
    link.await(2, "t");
    wire::Envelope envelope;
    envelope.key = "k";
    envelope.headers = {{"tenant", "blue"}};
    Frames body{"one", "two"};
    REQUIRE(link.publisher.send("t", body, envelope));
    const auto message = subscriber.receive(patience);
    REQUIRE(message);
    CHECK(message->body == Frames{"one", "two"});
    REQUIRE(message->envelope);
    CHECK(message->envelope->key == "k");
    CHECK(message->envelope->headers == envelope.headers);
    CHECK_FALSE(message->snapshot);
    // Who did not ask sees it as one more frame.
    const auto untouched = plain.receive(patience);
    REQUIRE(untouched);
    CHECK(untouched->body.size() == 3);
    CHECK_FALSE(untouched->envelope);

    envelope.key = std::string(256, 'k');
    Frames kept{"kept"};
    CHECK(link.publisher.send("t", kept, envelope).error().code == Errc::too_large);
    CHECK(kept == Frames{"kept"});
    publish(link.publisher, "t", "next");
    CHECK(subscriber.receive(patience)->envelope->sequence == std::uint64_t{2});
    Link without;
    CHECK(without.publisher.send("t", kept, {}).error().code == Errc::unsupported);
    CHECK(kept == Frames{"kept"});
}

TEST_CASE("publisher: topics that are too long or reserved are refused", "[integration][pubsub]") {
    Link link;
    CHECK(link.publisher.send(std::string(256, 't'), "x").error().code == Errc::too_large);
    CHECK(link.publisher.send(reserved_prefix, "x").error().code == Errc::refused);
    net::Part part = net::Part::copy("body");
    CHECK(link.publisher.send(reserved_prefix, part).error().code == Errc::refused);
    CHECK(part.view() == "body");
    CHECK(link.publisher.send(std::string(255, 't'), "x"));
    CHECK(link.publisher.counters().sent_total == 1);
    REQUIRE(link.publisher.close(0s));
    CHECK(link.publisher.close(0s));
    CHECK(link.publisher.send("t", "x").error().code == Errc::stopped);
    CHECK(link.publisher.process().error().code == Errc::stopped);
}

TEST_CASE("publisher: options out of range are refused by name", "[integration][pubsub]") {
    auto context = Link::take(net::Context::open());
    const auto refuses = [&](PublisherOptions options, const std::string& field) {
        const auto opened = Publisher::open(context, std::move(options));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::bad_option);
        CHECK(opened.error().detail.find(field) == 0);
    };
    PublisherOptions options;
    options.block_wait = 0s;
    refuses(options, "block_wait is 0");
    options = {};
    options.heartbeat_interval = 1ms;
    refuses(options, "heartbeat_interval is 1ms");
    options = {};
    options.unsent_messages_max = 0;
    refuses(options, "unsent_messages_max is 0");
    options = {};
    options.linger = 2h;
    refuses(options, "linger is 2h");
    options = {};
    options.topics_max = 0;
    refuses(options, "topics_max is 0");
    options = {};
    options.last_value = LastValueLimits{20'000, 1};
    refuses(options, "last_value.entries_max is 20000; it must be from 1 to 10000");
    options.last_value = LastValueLimits{1, 0};
    refuses(options, "last_value.bytes_max is 0");

    const auto declines = [&](SubscriberOptions wrong, const std::string& field) {
        const auto opened = Subscriber::open(context, std::move(wrong));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::bad_option);
        CHECK(opened.error().detail.find(field) == 0);
    };
    SubscriberOptions wrong;
    wrong.unread_messages_max = 0;
    declines(wrong, "unread_messages_max is 0");
    wrong = {};
    wrong.lag_max = 1s;
    declines(wrong, "lag_max and lost_messages_max need metadata");
    wrong.metadata = Metadata::on;
    wrong.lag_max = -1s;
    declines(wrong, "lag_max is -1s");
    wrong = {};
    wrong.publishers_max = 0;
    declines(wrong, "publishers_max is 0");
}

TEST_CASE("publisher: input that is no subscription is counted and costs nothing",
          "[integration][pubsub]") {
    Link link;
    auto raw = Link::take(net::Socket::open(link.context(), net::SocketType::xsub));
    REQUIRE(raw.connect(link.endpoint));
    REQUIRE(raw.send("hello", patience));
    Frames several{"x", "y"};
    REQUIRE(raw.send(several, patience));
    for (int repeat = 0; repeat < 5; ++repeat)
        REQUIRE(raw.send("\x01t", patience));
    link.await(1, "t");
    CHECK(link.publisher.subscriber_count("t") == 1);
    CHECK(link.publisher.counters().unexpected_total == 3);
    publish(link.publisher, "t", "x");
    CHECK(*raw.receive(patience) == Frames{"t", "x"});
}
