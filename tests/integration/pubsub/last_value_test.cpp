// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::pubsub;
using namespace flotilla::test;
using wire::Frames;

namespace {

PublisherOptions keeping(Metadata metadata) {
    PublisherOptions options;
    options.metadata = metadata;
    options.last_value = LastValueLimits{};
    return options;
}

} // namespace

TEST_CASE("last value: a late subscriber gets the value alone, then live, and no gap",
          "[integration][pubsub]") {
    Link link(keeping(Metadata::on));
    auto early = link.subscriber(counting());
    REQUIRE(early.subscribe("t"));
    link.await(1, "t");
    for (int i = 1; i <= 5; ++i)
        publish(link.publisher, "t", std::to_string(i));
    auto late = link.subscriber(counting());
    REQUIRE(late.subscribe("t"));
    link.await(2, "t");
    publish(link.publisher, "t", "6");

    const auto value = late.receive(patience);
    REQUIRE(value);
    CHECK(text(*value) == "t|5");
    CHECK(value->snapshot);
    CHECK(value->envelope->sequence == std::uint64_t{5});
    const auto live = late.receive(patience);
    REQUIRE(live);
    CHECK(text(*live) == "t|6");
    CHECK_FALSE(live->snapshot);
    for (int i = 1; i <= 6; ++i)
        CHECK(next_text(early) == "t|" + std::to_string(i));
    CHECK(early.receive(quiet).error().code == Errc::timeout);
    for (const Subscriber* each : {&early, &late}) {
        CHECK(each->loss().lost == 0);
        CHECK(each->loss().repeats == 0);
        CHECK_FALSE(each->loss().unknown);
    }
    CHECK(early.counters().old_snapshots_total == 0); // it was not even sent to the early one
    CHECK(late.counters().snapshots_total == 1);
    CHECK(link.publisher.counters().snapshots_total == 1);
}

TEST_CASE("last value: of several values the others are marked, and nobody gets them twice",
          "[integration][pubsub]") {
    Link link(keeping(Metadata::on));
    auto early = link.subscriber(counting());
    REQUIRE(early.subscribe(""));
    link.await(1, "");
    for (const std::string_view topic : {"a", "b", "c"})
        publish(link.publisher, topic, "value");
    auto late = link.subscriber(counting());
    REQUIRE(late.subscribe(""));
    link.await(2, "");
    publish(link.publisher, "a", "live");
    for (const std::string_view expected : {"a|value", "b|value", "c|value", "a|live"}) {
        CHECK(next_text(late) == expected);
        CHECK(next_text(early) == expected);
    }
    CHECK(late.counters().snapshots_total == 3);
    CHECK(early.counters().snapshots_total == 0);
    CHECK(early.counters().old_snapshots_total == 2); // the first went to the late one alone
    CHECK(early.loss().repeats == 0);
    CHECK(late.loss().lost == 0);
}

TEST_CASE("last value: a subscription without a value does not capture the next message",
          "[integration][pubsub]") {
    Link link(keeping(Metadata::off));
    auto early = link.raw_subscriber("t");
    link.await(1, "t");
    auto late = link.raw_subscriber("t");
    link.await(2, "t");
    publish(link.publisher, "t", "first");
    CHECK(*early.receive(patience) == Frames{"t", "first"});
    CHECK(*late.receive(patience) == Frames{"t", "first"});
    REQUIRE(late.unsubscribe("t"));
    link.await_fewer(2, "t");
    publish(link.publisher, "t", "second");
    CHECK(*early.receive(patience) == Frames{"t", "second"});
    CHECK(late.receive(quiet).error().code == Errc::timeout);
}

TEST_CASE("last value: raw subscribers join with the plain frames, whole multipart bodies",
          "[integration][pubsub]") {
    Link link(keeping(Metadata::off));
    Frames body{"one", "", std::string(100'000, 'x')};
    REQUIRE(link.publisher.send("t", body));
    net::Part part = net::Part::copy("part");
    REQUIRE(link.publisher.send("u", part));
    auto raw = link.raw_subscriber("t");
    link.await(1, "t");
    CHECK(*raw.receive(patience) == Frames{"t", "one", "", std::string(100'000, 'x')});
    auto other = link.raw_subscriber("u");
    link.await(1, "u");
    CHECK(*other.receive(patience) == Frames{"u", "part"});
    CHECK(link.publisher.counters().values == 2);
    CHECK(link.publisher.forget_value("t"));
    CHECK_FALSE(link.publisher.forget_value("t"));
    auto late = link.raw_subscriber("t");
    link.await(2, "t");
    publish(link.publisher, "t", "new");
    CHECK(*late.receive(patience) == Frames{"t", "new"});
}

TEST_CASE("last value: one that expired is not sent", "[integration][pubsub]") {
    Link link(keeping(Metadata::on));
    wire::Envelope expired;
    expired.expiry = net::wall_now() - 1s;
    wire::Envelope fresh;
    fresh.expiry = net::wall_now() + 1h;
    Frames old{"old"};
    Frames current{"current"};
    REQUIRE(link.publisher.send("t.1", old, expired));
    REQUIRE(link.publisher.send("t.2", current, fresh));
    auto early = link.subscriber(counting());
    REQUIRE(early.subscribe("t"));
    link.await(1, "t");
    CHECK(next_text(early) == "t.2|current");
    // The one that was skipped did not use up the right to be alone.
    auto late = link.subscriber(counting());
    REQUIRE(late.subscribe("t"));
    link.await(2, "t");
    CHECK(next_text(late) == "t.2|current");
    CHECK(early.receive(quiet).error().code == Errc::timeout);
    CHECK(early.counters().old_snapshots_total == 0);
}

TEST_CASE("last value: heartbeats are never kept", "[integration][pubsub]") {
    Link link(keeping(Metadata::on));
    publish(link.publisher, "t", "x");
    REQUIRE(link.publisher.send_heartbeat());
    CHECK(link.publisher.counters().heartbeats_total > 0);
    CHECK(link.publisher.counters().values == 1);
    auto raw = link.raw_subscriber(std::string_view{"\0", 1});
    link.await(1, std::string_view{"\0", 1});
    CHECK(link.publisher.counters().snapshots_total == 0);
}

TEST_CASE("last value: a dropped message is still the newest value", "[integration][pubsub]") {
    auto options = keeping(Metadata::on);
    options.overflow = Overflow::drop;
    options.unsent_messages_max = 10;
    options.last_value->entries_max = 10;
    Link link(options);
    SubscriberOptions narrow = counting();
    narrow.unread_messages_max = 10;
    auto stopped = link.subscriber(narrow);
    REQUIRE(stopped.subscribe("t"));
    link.await(1, "t");
    Sent outcome = Sent::accepted;
    std::string last;
    const std::string filling(100'000, '.');
    for (int i = 0; i < 10'000 && outcome == Sent::accepted; ++i) {
        Frames body{last = std::to_string(i), filling};
        outcome = *link.publisher.send("t", body);
    }
    REQUIRE(outcome == Sent::dropped);
    auto late = link.subscriber(narrow);
    REQUIRE(late.subscribe("t"));
    link.await(2, "t");
    const auto value = late.receive(patience);
    REQUIRE(value);
    CHECK(value->snapshot);
    CHECK(value->body[0] == last);
}
