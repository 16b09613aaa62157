// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/last_value.hpp>
#include <flotilla/pubsub/liveness.hpp>
#include <flotilla/pubsub/subscriptions.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pubsub;
using wire::Frames;

namespace {

std::vector<std::string> under(const LastValueTable& table, ByteView prefix) {
    std::vector<std::string> found;
    table.each_under(prefix, [&](ByteView topic, const Frames& frames) {
        found.push_back(std::string{topic} + "=" + std::string{frames[0].view()});
    });
    return found;
}

Liveness liveness_of(const PublisherTable& table, std::uint64_t epoch, Instant now) {
    for (const PublisherReport& each : table.report(now))
        if (each.epoch == epoch)
            return each.liveness;
    FAIL("publisher " << epoch << " is not known");
    return Liveness::dead;
}

} // namespace

TEST_CASE("last value: the newest of each topic, found by prefix", "[unit][pubsub]") {
    LastValueTable table({10, 1'000});
    table.put("b.1", Frames{"old"});
    table.put("a.1", Frames{"x"});
    table.put("b.2", Frames{"y"});
    table.put("b.1", Frames{"new"});
    CHECK(under(table, "b") == std::vector<std::string>{"b.1=new", "b.2=y"});
    CHECK(under(table, "").size() == 3);
    CHECK(under(table, "b.1") == std::vector<std::string>{"b.1=new"});
    CHECK(under(table, "c").empty());
    CHECK(table.bytes() == 3 + 3 + 3 + 1 + 3 + 1);
    CHECK(table.erase("b.1"));
    CHECK_FALSE(table.erase("b.1"));
    CHECK(under(table, "b") == std::vector<std::string>{"b.2=y"});
    CHECK(table.bytes() == 8);
}

TEST_CASE("last value: the oldest value goes when entries run out", "[unit][pubsub]") {
    LastValueTable table({2, 1'000});
    table.put("a", Frames{"1"});
    table.put("b", Frames{"2"});
    table.put("a", Frames{"3"});
    table.put("c", Frames{"4"});
    CHECK(under(table, "") == std::vector<std::string>{"a=3", "c=4"});
    CHECK(table.forgotten_total() == 1);
    CHECK(table.bytes() == 4);
}

TEST_CASE("last value: the oldest values go when bytes run out", "[unit][pubsub]") {
    LastValueTable table({10, 30});
    table.put("a", Frames{std::string(9, 'a')});
    table.put("b", Frames{std::string(9, 'b')});
    table.put("c", Frames{std::string(9, 'c')});
    CHECK(table.bytes() == 30);
    table.put("d", Frames{std::string(19, 'd')});
    CHECK(table.size() == 2);
    CHECK(table.bytes() == 30);
    CHECK(table.forgotten_total() == 2);
}

TEST_CASE("last value: one that is too large replaces nothing by its older value",
          "[unit][pubsub]") {
    LastValueTable table({10, 30});
    table.put("a", Frames{"old"});
    table.put("a", Frames{std::string(30, 'x')});
    CHECK(table.size() == 0);
    CHECK(table.bytes() == 0);
    CHECK(table.forgotten_total() == 1);
}

TEST_CASE("liveness: alive, silent and dead follow from messages and heartbeats",
          "[unit][pubsub]") {
    PublisherTable table(10, 3);
    const Instant start{1'000s};
    table.heartbeat(7, 1s, 0, start);
    CHECK(liveness_of(table, 7, start) == Liveness::silent);
    table.message(7, 0, start + 1s);
    CHECK(liveness_of(table, 7, start + 4s) == Liveness::alive);
    CHECK(liveness_of(table, 7, start + 4s + 1ns) == Liveness::dead);
    table.heartbeat(7, 1s, 0, start + 4s);
    CHECK(liveness_of(table, 7, start + 5s) == Liveness::silent);
    CHECK(liveness_of(table, 7, start + 7s) == Liveness::silent);
    CHECK(liveness_of(table, 7, start + 8s) == Liveness::dead);
    table.message(7, 2, start + 9s);
    CHECK(liveness_of(table, 7, start + 9s) == Liveness::alive);
    const auto report = table.report(start + 9s);
    REQUIRE(report.size() == 1);
    CHECK(report[0].messages_total == 2);
    CHECK(report[0].lost_total == 2);
    CHECK(report[0].heartbeat_interval == 1s);
    CHECK(report[0].last_heard == start + 9s);
}

TEST_CASE("liveness: the publisher's own interval is what counts", "[unit][pubsub]") {
    PublisherTable table(10, 2);
    const Instant start{1'000s};
    table.message(1, 0, start);
    CHECK(liveness_of(table, 1, start + 2s) == Liveness::alive); // the default interval
    CHECK(liveness_of(table, 1, start + 3s) == Liveness::dead);
    table.heartbeat(1, 10s, 0, start);
    CHECK(liveness_of(table, 1, start + 20s) == Liveness::alive);
}

TEST_CASE("liveness: is bounded, and forgets who was not heard for longest", "[unit][pubsub]") {
    PublisherTable table(2, 3);
    table.message(1, 0, Instant{1s});
    table.message(2, 0, Instant{2s});
    table.message(1, 0, Instant{3s});
    table.message(3, 0, Instant{4s});
    const auto report = table.report(Instant{4s});
    REQUIRE(report.size() == 2);
    CHECK(report[0].epoch == 3);
    CHECK(report[1].epoch == 1);
}

TEST_CASE("subscriptions: connections are counted, not messages", "[unit][pubsub]") {
    SubscriptionTable table({10, 100});
    for (int descriptor : {5, 6, 7}) {
        table.connected(descriptor);
        for (int repeat = 0; repeat < 3; ++repeat)
            table.subscribe(descriptor, "a");
    }
    CHECK(table.count("a") == 3);
    CHECK(table.count("a.b") == 3);
    CHECK(table.count("b") == 0);
    CHECK(table.subscriptions() == 3);
    table.disconnected(6);
    table.unsubscribe(SubscriptionTable::no_descriptor, "a"); // what the transport then says
    CHECK(table.count("a") == 2);
    CHECK(table.connections() == 2);
    table.unsubscribe(5, "a");
    CHECK(table.count("a") == 1);
    table.unsubscribe(5, "a");
    CHECK(table.count("a") == 1);
}

TEST_CASE("subscriptions: a connection with several matching prefixes counts once",
          "[unit][pubsub]") {
    SubscriptionTable table({10, 100});
    table.connected(5);
    table.subscribe(5, "");
    table.subscribe(5, "a");
    table.subscribe(5, "a.b");
    CHECK(table.count("a.b.c") == 1);
    table.unsubscribe(5, "a");
    CHECK(table.count("a.b.c") == 1);
    CHECK(table.count("") == 1);
}

TEST_CASE("subscriptions: one that arrives after its connection ended is ignored",
          "[unit][pubsub]") {
    SubscriptionTable table({10, 100});
    table.connected(5);
    table.disconnected(5);
    table.subscribe(5, "a");
    CHECK(table.count("a") == 0);
    CHECK(table.ignored_total() == 1);
    table.unsubscribe(5, "a");
    table.disconnected(5);
    table.subscribe(99, "a");
    CHECK(table.count("a") == 0);
}

TEST_CASE("subscriptions: a descriptor used again belongs to the new connection",
          "[unit][pubsub]") {
    SubscriptionTable table({10, 100});
    table.connected(5);
    table.subscribe(5, "a");
    table.connected(5);
    CHECK(table.count("a") == 0);
    table.subscribe(5, "b");
    CHECK(table.count("b") == 1);
    CHECK(table.subscriptions() == 1);
}

TEST_CASE("subscriptions: inproc peers are counted by their messages", "[unit][pubsub]") {
    constexpr int inproc = SubscriptionTable::no_descriptor;
    SubscriptionTable table({10, 100});
    table.subscribe(inproc, "a");
    table.subscribe(inproc, "a");
    table.connected(5);
    table.subscribe(5, "a");
    CHECK(table.count("a.b") == 3);
    // The end of a tcp connection is reported without a name, too, and is not an inproc peer's.
    table.disconnected(5);
    table.unsubscribe(inproc, "a");
    CHECK(table.count("a") == 2);
    table.unsubscribe(inproc, "a");
    CHECK(table.count("a") == 1);
    table.unsubscribe(inproc, "a");
    table.unsubscribe(inproc, "a");
    CHECK(table.count("a") == 0);
    CHECK(table.subscriptions() == 0);
}

TEST_CASE("subscriptions: limits bound the table and say what they cost", "[unit][pubsub]") {
    SubscriptionTable table({2, 3});
    table.connected(1);
    table.connected(2);
    table.connected(3);
    CHECK(table.connections() == 2);
    CHECK(table.ignored_total() == 1);
    table.subscribe(1, "a");
    table.subscribe(1, "b");
    table.subscribe(2, "a");
    table.subscribe(2, "b");
    table.subscribe(SubscriptionTable::no_descriptor, "c");
    CHECK(table.subscriptions() == 3);
    CHECK(table.ignored_total() == 3);
    table.disconnected(1);
    table.subscribe(2, "b");
    CHECK(table.count("b") == 1);
}
