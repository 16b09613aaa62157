// SPDX-License-Identifier: Apache-2.0
//
// What a queue's properties make of it: order, priority, at most once, durability, limits.
#include "engine_rig.hpp"

#include <map>
#include <set>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::ErrorCode;
using leased::Redelivered;

namespace {

std::vector<std::string> bodies(const std::vector<Seen>& messages) {
    std::vector<std::string> all;
    for (const Seen& message : messages)
        all.push_back(message.body);
    return all;
}

} // namespace

TEST_CASE("the lower level goes first, and within a level the older message") {
    EngineRig rig;
    QueueProperties properties;
    properties.priority_levels = 3;
    rig.create("orders", properties);
    for (const auto& [body, priority] : std::vector<std::pair<std::string, int>>{
             {"c1", 2}, {"a1", 0}, {"b1", 1}, {"a2", 0}, {"c2", 2}}) {
        Put put = EngineRig::one("orders", body);
        put.priority = static_cast<std::uint8_t>(priority);
        rig.ask<PutOk>("producer", std::move(put));
    }
    rig.hello("worker", "orders", 10);
    CHECK(bodies(rig.seen("worker")) == std::vector<std::string>{"a1", "a2", "b1", "c1", "c2"});
}

TEST_CASE("a level that the queue does not have is refused, and the levels are named") {
    EngineRig rig;
    QueueProperties properties;
    properties.priority_levels = 3;
    rig.create("orders", properties);
    Put put = EngineRig::one("orders", "one");
    put.priority = 3;
    const auto refused = rig.ask<leased::ErrorReply>("producer", std::move(put));
    CHECK(refused.code == leased::ErrorCode::bad_option);
    CHECK(refused.text == "priority=3; queue 'orders' has priority_levels=3, so 0 to 2");
    PutWriter writer;
    for (const std::uint8_t priority : {std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{0}}) {
        PutRecord head;
        head.priority = priority;
        head.is_plain = priority == 0;
        writer.begin(head, 1);
        writer.add_frame("x");
    }
    wire::Compressor none{wire::Compression::none};
    PutPacked packed;
    packed.queue = "orders";
    packed.from = {"p", 1, false};
    packed.packed = Blob::copy(writer.finish(none));
    const PutOk ok = rig.ask<PutOk>("producer", std::move(packed));
    CHECK(ok.accepted == 2);
    CHECK(ok.sequence == 3); // its number is used up
    REQUIRE(ok.exceptions.refused.size() == 1);
    CHECK(ok.exceptions.refused[0].index == 1);
    CHECK(ok.exceptions.refused[0].code == leased::ErrorCode::bad_option);
}

TEST_CASE("order=key: a key's messages come one after the other, different keys at once") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::key;
    rig.create("orders", properties);
    for (const char* key : {"x", "y", "x", "", "x", "z"})
        rig.put("orders", std::string("of ") + key, key);
    rig.hello("one", "orders", 10);
    auto held = rig.seen("one");
    CHECK(held.size() == 4);
    std::multiset<std::string> keys;
    for (const Seen& message : held)
        keys.insert(message.key);
    CHECK(keys == std::multiset<std::string>{"", "x", "y", "z"});
    Seen x;
    for (const Seen& message : held)
        if (message.key == "x")
            x = message;
    CHECK(x.id == 1);
    rig.hello("two", "orders", 10);
    CHECK(rig.seen("two").empty());
    rig.nack("one", {x}); // comes again before those behind it
    std::vector<Seen> again = rig.seen("two");
    for (const Seen& message : rig.seen("one"))
        again.push_back(message);
    REQUIRE(again.size() == 1);
    CHECK(again[0].id == 1);
    CHECK(again[0].attempt == 2);
    const std::string holder = rig.seen("two").empty() ? "one" : "two";
    rig.ack(holder, again);
    std::vector<Seen> next = rig.seen("two");
    for (const Seen& message : rig.seen("one"))
        next.push_back(message);
    REQUIRE(next.size() == 1);
    CHECK(next[0].id == 3);
}

TEST_CASE("order=key: a retry delay holds its key back, and no other") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::key;
    properties.retry_delays = {1s};
    rig.create("orders", properties);
    rig.put("orders", "x1", "x");
    rig.put("orders", "x2", "x");
    rig.hello("worker", "orders", 10);
    rig.nack("worker", rig.seen("worker"));
    CHECK(rig.seen("worker").empty());
    rig.put("orders", "y1", "y");
    CHECK(bodies(rig.seen("worker")) == std::vector<std::string>{"y1"});
    rig.pass(1001ms);
    rig.turns();
    CHECK(bodies(rig.seen("worker")) == std::vector<std::string>{"x1"});
    rig.ack("worker", rig.seen("worker"));
    CHECK(bodies(rig.seen("worker")) == std::vector<std::string>{"x2"});
}

TEST_CASE("order=key: one hot key does not hold others back, and nothing is lost or doubled") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::key;
    rig.create("orders", properties);
    std::map<std::string, std::vector<std::uint64_t>> put;
    for (int i = 0; i < 3'000; ++i) {
        const std::string key = i % 3 != 0 ? "hot" : "k" + std::to_string(i % 17);
        rig.say("producer", EngineRig::one("orders", std::to_string(i), key));
        put[key].push_back(static_cast<std::uint64_t>(i) + 1);
    }
    rig.hello("worker", "orders", 50, true);
    std::map<std::string, std::vector<std::uint64_t>> got;
    for (auto held = rig.seen("worker"); !held.empty(); held = rig.seen("worker")) {
        std::set<std::string> keys;
        for (const Seen& message : held) {
            CHECK(keys.insert(message.key).second);
            got[message.key].push_back(message.id);
        }
        rig.ack("worker", held);
    }
    CHECK(got == put);
}

TEST_CASE("order=strict: one consumer has it, and what it returns takes back what is behind") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::strict;
    rig.create("orders", properties);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 5, "m"));
    rig.hello("one", "orders", 3);
    const auto held = rig.seen("one");
    REQUIRE(held.size() == 3);
    rig.hello("two", "orders", 10);
    CHECK(rig.seen("two").empty());
    rig.ack("one", {held[0]});
    rig.nack("one", {held[1]});
    const auto again = rig.seen("one");
    CHECK(bodies(again) == std::vector<std::string>{"m1", "m2", "m3"});
    CHECK(rig.ask<leased::ErrorReply>("one",
                                      leased::Command{leased::Ack{EngineRig::leases_of({held[2]})}})
              .code == ErrorCode::lease_lost);
    rig.say("one", leased::Command{leased::Bye{}});
    rig.turns();
    CHECK(bodies(rig.seen("two")) == std::vector<std::string>{"m1", "m2", "m3", "m4"});
}

TEST_CASE("order=strict: a delay is waited out by everybody") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::strict;
    rig.create("orders", properties);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 2, "m"));
    rig.hello("one", "orders", 10);
    const auto held = rig.seen("one");
    rig.nack("one", {held[0]}, 1s);
    CHECK(rig.seen("one").empty());
    CHECK(rig.engine->next_deadline() <= rig.times.now + 1s);
    rig.pass(1s);
    rig.turns();
    CHECK(bodies(rig.seen("one")) == std::vector<std::string>{"m0", "m1"});
}

TEST_CASE("acknowledge=auto: what was delivered is finished, and after a crash not sent again") {
    EngineRig rig;
    QueueProperties properties;
    properties.acknowledge = Acknowledge::automatic;
    rig.create("orders", properties);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "m"));
    CHECK(rig.take("worker", "orders").size() == 1);
    rig.hello("other", "orders", 4, true);
    const auto held = rig.seen("other");
    CHECK(held.size() == 4); // the window, until it says that it has done with them
    CHECK(rig.stat("orders").counters.finished_total == 5);
    CHECK(rig.stat("orders").levels.leased == 0);
    rig.ack("other", held);
    CHECK(rig.seen("other").size() == 4);
    rig.start();
    rig.hello("third", "orders", 10, true);
    const auto rest = rig.seen("third");
    for (const Seen& message : rest)
        CHECK(message.id == 10);
    CHECK(rig.stat("orders").levels.unfinished() == 0);
}

TEST_CASE("durability=memory: nothing is synced, and a restart empties the queue") {
    EngineRig rig;
    QueueProperties properties;
    properties.durability = Durability::memory;
    rig.create("fast", properties);
    rig.create("slow");
    const std::uint64_t commits = rig.disk->commits;
    rig.put("fast", "one");
    rig.put("fast", "two");
    const auto taken = rig.take("worker", "fast");
    REQUIRE(taken.size() == 1);
    rig.ack("worker", taken);
    CHECK(rig.disk->commits == commits);
    rig.put("slow", "one");
    CHECK(rig.disk->commits == commits + 1);
    // A failed commit drops the machine, not what is in memory.
    rig.disk->next_commit_fails = Errc::io;
    rig.say("producer", EngineRig::one("slow", "two"));
    rig.turn();
    CHECK(rig.take("worker", "fast")[0].body == "two");
    rig.start();
    CHECK(rig.take("worker", "fast").empty());
    CHECK(rig.put("fast", "three").accepted == 1);
    CHECK(rig.take("worker", "slow")[0].body == "one");
}

TEST_CASE("durability=relaxed: the confirm leaves before the commit, which comes in time") {
    EngineRig rig;
    QueueProperties properties;
    properties.durability = Durability::relaxed;
    properties.relaxed_interval = 50ms;
    rig.create("orders", properties);
    const std::uint64_t commits = rig.disk->commits;
    CHECK(rig.put("orders", "one").accepted == 1);
    CHECK(rig.put("orders", "two").accepted == 1);
    CHECK(rig.disk->commits == commits);
    CHECK(rig.engine->next_deadline() <= rig.times.now + 50ms);
    rig.pass(50ms);
    rig.turns();
    CHECK(rig.disk->commits == commits + 1);
    rig.hello("worker", "orders", 10); // who waits is served at once
    CHECK(rig.seen("worker").size() == 2);
    rig.put("orders", "three");
    CHECK(bodies(rig.seen("worker")) == std::vector<std::string>{"three"});
}

TEST_CASE("a queue is not the place for its own dead letters, unless a pattern made it so") {
    EngineRig rig;
    QueueProperties itself;
    itself.dead_letter_queue = "orders";
    const auto why = [&](Command command) {
        const auto refused = rig.ask<leased::ErrorReply>("operator", std::move(command));
        CHECK(refused.code == ErrorCode::bad_option);
        return refused.text;
    };
    CHECK(why(Create{"orders", itself}).find("another queue than 'orders'") != std::string::npos);
    rig.create("orders");
    CHECK(why(Alter{"orders", {{"dead_letter_queue", "orders"}}}).find("another queue") !=
          std::string::npos);
    rig.ask<Done>("operator", Alter{"orders", {{"dead_letter_queue", "dead"}}});

    StoreLimits limits;
    QueueProperties all;
    all.dead_letter_queue = "dead";
    limits.auto_create.push_back({"*", all});
    EngineRig made{limits};
    made.put("dead", "a letter");
    made.ask<Done>("operator", Alter{"dead", {{"messages_max", "5"}}});
}

TEST_CASE("a message that waits longer than its time to live is not delivered") {
    EngineRig rig;
    QueueProperties properties;
    properties.ttl = 10s;
    rig.create("orders", properties);
    rig.put("orders", "old");
    Put brief = EngineRig::one("orders", "brief");
    brief.ttl = 1s;
    rig.ask<PutOk>("producer", std::move(brief));
    rig.pass(5s);
    rig.put("orders", "young");
    rig.pass(6s);
    rig.hello("worker", "orders", 10);
    CHECK(bodies(rig.seen("worker")) == std::vector<std::string>{"young"});
    CHECK(rig.stat("orders").counters.expired_total == 2);
}

TEST_CASE("what expires after it came back takes the row of its attempts with it") {
    EngineRig rig;
    rig.create("orders");
    Put brief = EngineRig::one("orders", "brief");
    brief.ttl = 1s;
    rig.ask<PutOk>("producer", std::move(brief));
    rig.nack("worker", rig.take("worker", "orders"));
    rig.pass(1s);                                // nobody has cleaned up yet
    CHECK(rig.take("worker", "orders").empty()); // the rig looks at the rows
    CHECK(rig.stat("orders").counters.expired_total == 1);
    rig.pass(1h);
    rig.turns();
}

TEST_CASE("what nobody takes is cleaned up after its time to live") {
    EngineRig rig;
    QueueProperties properties;
    properties.ttl = 10s;
    rig.create("orders", properties);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 3'000, "m"));
    for (int i = 0; i < 20; ++i) {
        rig.pass(1s);
        rig.turns();
    }
    CHECK(rig.stat("orders").levels.unfinished() == 0);
    CHECK(rig.stat("orders").counters.expired_total == 3'000);
    CHECK(rig.engine->next_deadline() > rig.times.now + 1h);
}

TEST_CASE("a delayed message is not delivered before it is due, nor much later") {
    EngineRig rig;
    rig.create("orders");
    for (const int ms : {3'000, 20, 500}) {
        Put put = EngineRig::one("orders", std::to_string(ms));
        put.delay = std::chrono::milliseconds(ms);
        rig.ask<PutOk>("producer", std::move(put));
    }
    rig.hello("worker", "orders", 10);
    CHECK(rig.seen("worker").empty());
    CHECK(rig.stat("orders").levels.delayed == 3);
    Duration passed{0};
    std::vector<std::pair<std::string, Duration>> got;
    while (passed < 4s && got.size() < 3) {
        const Duration step =
            std::clamp<Duration>(rig.engine->next_deadline() - rig.times.now, 1ms, 1s);
        rig.pass(step);
        passed += step;
        rig.turns();
        for (const Seen& message : rig.seen("worker"))
            got.emplace_back(message.body, passed);
    }
    REQUIRE(got.size() == 3);
    for (const auto& [body, at] : got) {
        const Duration due = std::chrono::milliseconds(std::stoi(body));
        CHECK(at >= due);
        CHECK(at <= due + 10ms);
    }
    CHECK(got[0].first == "20");
}

TEST_CASE("consumer_rate_max spreads deliveries over time") {
    EngineRig rig;
    QueueProperties properties;
    properties.consumer_rate_max = 100;
    rig.create("orders", properties);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 200, "m"));
    rig.hello("worker", "orders", 1'000, true);
    std::size_t got = rig.seen("worker").size();
    CHECK(got <= 10);
    for (int i = 0; i < 100; ++i) {
        rig.pass(10ms);
        rig.turns();
        got += rig.seen("worker").size();
    }
    CHECK(got >= 95);
    CHECK(got <= 115);
}
