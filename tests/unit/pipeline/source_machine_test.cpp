// SPDX-License-Identifier: Apache-2.0
#include "source_bench.hpp"

#include <set>

using namespace flotilla;
using namespace flotilla::pipeline;
using Bench = flotilla::pipeline::test::SourceBench;
using flotilla::pipeline::test::Ids;
namespace leased = flotilla::wire::leased;

TEST_CASE("source machine: work goes to whoever holds least", "[unit][work]") {
    Bench bench;
    bench.hello("a", 10);
    bench.hello("b", 10);
    bench.submit(4);
    CHECK(bench.given["a"] == Ids{1, 3});
    CHECK(bench.given["b"] == Ids{2, 4});
    bench.ack("a", 1);
    bench.ack("a", 3);
    bench.submit(2);
    CHECK(bench.given["a"] == Ids{1, 3, 5, 6});
}

TEST_CASE("source machine: weights share the work", "[unit][work]") {
    SourceLimits limits;
    limits.dispatch = Dispatch::weighted;
    Bench bench(limits);
    bench.hello("heavy", 1000, 3);
    bench.hello("light", 1000, 1);
    bench.submit(400);
    CHECK(bench.given["heavy"].size() == 300);
    CHECK(bench.given["light"].size() == 100);
}

TEST_CASE("source machine: nobody is given more than its window", "[unit][work]") {
    Bench bench;
    bench.hello("a", 2);
    bench.submit(5);
    CHECK(bench.given["a"] == Ids{1, 2});
    CHECK(bench.machine.levels().pending == 3);
    bench.say("a", leased::Credit{1}); // smaller: takes nothing back
    bench.ack("a", 1);
    CHECK(bench.given["a"] == Ids{1, 2});
    bench.ack("a", 2);
    CHECK(bench.given["a"] == Ids{1, 2, 3});
    bench.say("a", leased::Ping{3}); // a ping heals a lost credit
    CHECK(bench.given["a"] == Ids{1, 2, 3, 4, 5});
    bench.say("a", leased::Credit{0});
    bench.submit(1);
    CHECK(bench.given["a"].size() == 5);
}

TEST_CASE("source machine: by key, a key stays with one worker, whatever its room",
          "[unit][work]") {
    SourceLimits limits;
    limits.dispatch = Dispatch::by_key;
    Bench bench(limits);
    for (const char* peer : {"a", "b", "c"})
        bench.hello(peer, 1000);
    std::map<std::string, std::set<std::string>> takers;
    for (int key = 0; key < 60; ++key)
        bench.submit(3, "key " + std::to_string(key));
    for (const auto& [peer, ids] : bench.given)
        for (const std::uint64_t id : ids)
            takers[std::to_string((id - 1) / 3)].insert(peer);
    CHECK(takers.size() == 60);
    for (const auto& [key, peers] : takers)
        CHECK(peers.size() == 1);
    for (const char* peer : {"a", "b", "c"})
        CHECK(bench.given[peer].size() >= 30);
    // A key whose worker has no room waits for it, and others do not wait for that key.
    for (const char* peer : {"a", "b", "c"})
        bench.say(peer, leased::Credit{0});
    const std::string stuck =
        bench.given["a"].empty() ? "" : "key " + std::to_string((bench.given["a"][0] - 1) / 3);
    bench.submit(1, stuck);
    bench.say("b", leased::Credit{1000});
    bench.say("c", leased::Credit{1000});
    CHECK(bench.machine.levels().pending == 1);
    bench.submit(1); // without a key: anybody
    CHECK(bench.machine.levels().pending == 1);
    // When its worker goes, the key finds another.
    bench.say("a", leased::Bye{});
    CHECK(bench.machine.levels().pending == 0);
}

TEST_CASE("source machine: who comes or goes moves only its own share of the keys",
          "[unit][work]") {
    WorkSessions sessions(10, Dispatch::by_key);
    std::vector<Slot> slots;
    for (const char* peer : {"a", "b", "c", "d"}) {
        slots.push_back(sessions.open(peer));
        sessions[slots.back()].greeted = true;
        sessions[slots.back()].seed = work_hash(peer);
    }
    constexpr std::uint64_t keys = 10'000;
    std::vector<Slot> before;
    std::map<Slot, std::uint64_t> share;
    for (std::uint64_t key = 0; key < keys; ++key) {
        before.push_back(sessions.owner(work_hash(std::to_string(key))));
        ++share[before.back()];
    }
    for (const Slot slot : slots)
        CHECK(share[slot] > keys / 5);
    sessions[slots[1]].greeted = false;
    for (std::uint64_t key = 0; key < keys; ++key) {
        const Slot after = sessions.owner(work_hash(std::to_string(key)));
        if (before[key] == slots[1])
            CHECK(after != slots[1]);
        else
            REQUIRE(after == before[key]);
    }
    // Twice the weight, twice the share.
    sessions[slots[1]].greeted = true;
    sessions[slots[1]].weight = 2;
    std::uint64_t heavy = 0;
    for (std::uint64_t key = 0; key < keys; ++key)
        heavy += sessions.owner(work_hash(std::to_string(key))) == slots[1] ? 1 : 0;
    CHECK(heavy > keys * 35 / 100);
    CHECK(heavy < keys * 45 / 100);
}

TEST_CASE("source machine: what is over goes in front, oldest first, and says so", "[unit][work]") {
    Bench bench;
    bench.hello("a", 3);
    bench.submit(5);
    bench.say("a", leased::Credit{0});
    bench.hello("b", 0);
    bench.now += bench.limits.lease - 1ms;
    bench.say("b", leased::Ping{});
    bench.say("a", leased::Ping{});
    bench.pass(1ms);
    CHECK(bench.machine.counters().expired_total == 3);
    bench.say("b", leased::Credit{10});
    CHECK(bench.given["b"] == Ids{1, 2, 3, 4, 5});
    CHECK(bench.machine.counters().redelivered_total == 3);
    // Its new holder has it now: a late word of the old one is lost.
    bench.tokens[2].number = 2;
    bench.ack("a", 2);
    CHECK(bench.last_error() == leased::ErrorCode::lease_lost);
}

TEST_CASE("source machine: who lets a lease run out in silence gets nothing until it speaks",
          "[unit][work]") {
    SourceLimits limits;
    limits.lease = 5s; // much less than silence_max
    Bench bench(limits);
    bench.hello("hung", 4);
    bench.submit(2);
    bench.hello("well", 4);
    bench.now += bench.limits.lease - 1ms;
    bench.say("well", leased::Ping{});
    bench.out.sends.clear();
    bench.pass(1ms);
    CHECK(bench.given["hung"] == Ids{1, 2});
    CHECK(bench.given["well"] == Ids{1, 2});
    REQUIRE(bench.out.sends.size() == 1);
    CHECK(bench.out.sends[0].peer == "hung");
    CHECK(std::holds_alternative<leased::Ping>(bench.last())); // asked whether it is there
    bench.submit(1);
    CHECK(bench.given["well"] == Ids{1, 2, 3});
    bench.say("hung", leased::Ping{});
    bench.submit(1);
    CHECK(bench.given["hung"] == Ids{1, 2, 4});
}

TEST_CASE("source machine: who asks for a queue by name gets nobody else's work", "[unit][work]") {
    Bench bench;
    bench.submit(1);
    bench.say("req", leased::Take{0ms, "orders"});
    CHECK(bench.last_error() == leased::ErrorCode::bad_option);
    bench.say("dealer", leased::Hello{"", "orders", 1, true, {}, 0, 1});
    CHECK(bench.last_error() == leased::ErrorCode::bad_option);
    CHECK(bench.machine.levels().leased == 0);
    bench.say("req", leased::Take{});
    CHECK(bench.machine.levels().leased == 1);
}

TEST_CASE("source machine: a taker that waits for work is not silent", "[unit][work]") {
    Bench bench;
    bench.submit(1);
    bench.say("req", leased::Take{});
    bench.say("req", leased::Take{bench.limits.lease * 3});
    bench.pass(bench.limits.lease);
    CHECK(bench.given["req"] == Ids{1, 1});
}

TEST_CASE("source machine: a touched lease runs anew", "[unit][work]") {
    Bench bench;
    bench.hello("a", 3);
    bench.submit(2);
    for (int i = 0; i < 5; ++i) {
        bench.pass(bench.limits.lease * 2 / 3);
        bench.say("a", leased::Touch{{bench.machine.epoch(), {{2, 1}}}});
        CHECK(std::get<leased::Ok>(bench.last()).done == 1);
        if (i == 0)
            bench.say("a", leased::Credit{1});
    }
    CHECK(bench.machine.counters().expired_total == 1);
    CHECK(bench.machine.levels().leased == 1);
    CHECK(bench.machine.levels().pending == 1);
}

TEST_CASE("source machine: a late acknowledgement counts while nobody else holds it",
          "[unit][work]") {
    Bench bench;
    bench.say("a", leased::Hello{"", "", 1, true, {}, 0, 1}, "user one");
    bench.submit(1);
    bench.machine.receive({"a", "user one", -1}, {}, leased::Credit{0}, bench.now, bench.out);
    bench.pass(bench.limits.lease);
    CHECK(bench.machine.levels().pending == 1);
    bench.ack("x", 1, "user two");
    CHECK(bench.last_error() == leased::ErrorCode::lease_lost);
    bench.ack("y", 1, "user one");
    CHECK(std::get<leased::Ok>(bench.last()).late == 1);
    CHECK(bench.machine.counters().late_total == 1);
    CHECK(bench.machine.levels().unfinished() == 0);
    bench.ack("y", 1, "user one");
    CHECK(bench.last_error() == leased::ErrorCode::lease_lost);
}

TEST_CASE("source machine: a refused message comes back when its delay is over", "[unit][work]") {
    Bench bench;
    bench.hello("a", 1);
    bench.submit(3);
    bench.nack("a", 1, 100ms);
    CHECK(bench.given["a"] == Ids{1, 2});
    CHECK(bench.machine.levels().delayed == 1);
    bench.nack("a", 2); // without a delay: in front, at once
    CHECK(bench.given["a"] == Ids{1, 2, 2});
    bench.say("a", leased::Credit{0});
    bench.pass(100ms);
    CHECK(bench.machine.levels().delayed == 0);
    bench.say("a", leased::Credit{10});
    CHECK(bench.given["a"] == Ids{1, 2, 2, 1, 3});
    // Named twice in one message, it is one refusal.
    const leased::LeaseRange both{bench.tokens[3].number, 1};
    bench.say("a", leased::Nack{{bench.machine.epoch(), {both, both}}, 1s, ""});
    CHECK(bench.machine.levels().delayed == 1);
    CHECK(bench.machine.counters().nacked_total == 3);
}

TEST_CASE("source machine: after attempts_max deliveries a message is its owner's again",
          "[unit][work]") {
    SourceLimits limits;
    limits.attempts_max = 2;
    Bench bench(limits);
    bench.hello("a", 1);
    bench.submit(3);
    bench.nack("a", 1);
    bench.nack("a", 1);
    REQUIRE(bench.dead.size() == 1);
    CHECK(bench.dead[0].reason == DeadReason::nacked);
    CHECK(bench.dead[0].text == "why not");
    CHECK(bench.dead[0].attempts == 2);
    for (const char* peer : {"a", "b"}) {
        bench.hello(peer, 1);
        bench.say(peer, leased::Bye{});
    }
    REQUIRE(bench.dead.size() == 2);
    CHECK(bench.dead[1].reason == DeadReason::worker_gone);
    bench.hello("c", 1);
    for (int lease = 0; lease < 2; ++lease) {
        bench.pass(limits.lease - 1ms);
        bench.say("c", leased::Ping{});
        bench.pass(1ms);
    }
    REQUIRE(bench.dead.size() == 3);
    CHECK(bench.dead[2].reason == DeadReason::expired);
    CHECK(bench.machine.counters().dead_total == 3);
    CHECK(bench.machine.levels().unfinished() == 0);
}

TEST_CASE("source machine: limits of submission", "[unit][work]") {
    SourceLimits limits;
    limits.messages_max = 2;
    limits.bytes_max = 10;
    limits.message_bytes_max = 8;
    SourceMachine machine(limits, 1);
    CHECK(machine.submit(ByteView{"123456789"}, "").error().code == Errc::too_large);
    CHECK(machine.submit(ByteView{"12345678"}, "k"));
    CHECK(machine.submit(ByteView{"1"}, "k").error().code == Errc::would_block); // 11 bytes
    CHECK(machine.submit(ByteView{"1"}, ""));
    CHECK(machine.submit(ByteView{""}, "").error().code == Errc::would_block); // 3 messages
    machine.drain();
    CHECK(machine.submit(ByteView{"1"}, "").error().code == Errc::refused);
    CHECK(machine.counters().submitted_total == 2);
    machine.check();
}

TEST_CASE("source machine: stopped, it tells everybody and delivers no more", "[unit][work]") {
    Bench bench;
    bench.hello("a", 0);
    bench.submit(1);
    bench.out.clear();
    bench.machine.stop(bench.out);
    REQUIRE(bench.out.sends.size() == 1);
    CHECK(std::holds_alternative<leased::Bye>(bench.last()));
    bench.say("a", leased::Credit{5});
    CHECK(bench.given["a"].empty());
    bench.say("b", leased::Take{});
    CHECK(bench.last_error() == leased::ErrorCode::draining);
    bench.hello("b", 1);
    CHECK(bench.last_error() == leased::ErrorCode::draining);
}
