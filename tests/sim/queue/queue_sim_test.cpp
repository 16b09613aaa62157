// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <support/catch.hpp>
#include <support/seed.hpp>

using namespace flotilla;
using namespace flotilla::sim;
using test::Seeds;

namespace {

Plan small_plan() {
    Plan plan;
    plan.properties.lease = 150ms;
    plan.properties.attempts_max = 1'000'000;
    plan.properties.message_bytes_max = 1000;
    plan.limits.heartbeat = 50ms;
    plan.limits.silence_max = 400ms;
    plan.limits.return_grace = 30ms;
    return plan;
}

Weather storm(Random& random) {
    Weather storm;
    storm.lose_percent = static_cast<std::uint32_t>(random.below(12));
    storm.double_percent = static_cast<std::uint32_t>(random.below(12));
    storm.delay_max = random.one_in(2) ? 2ms : 30ms;
    storm.crash_every = random.one_in(3) ? 0ms : 150ms;
    storm.consumer_dies_every = random.one_in(3) ? 0ms : 150ms;
    storm.clock_jumps_every = random.one_in(2) ? 0ms : 200ms;
    storm.holds_every = random.one_in(2) ? 0ms : 50ms;
    storm.drains_every = random.one_in(3) ? 300ms : 0ms;
    storm.hangs_every = random.one_in(2) ? 0ms : 60ms;
    storm.hang_max = random.one_in(2) ? 300ms : 900ms;
    storm.nack_percent = static_cast<std::uint32_t>(random.below(12));
    storm.forget_percent = static_cast<std::uint32_t>(random.below(5));
    storm.faults.failed_percent = static_cast<std::uint32_t>(random.below(12));
    storm.faults.in_doubt_percent = static_cast<std::uint32_t>(random.below(12));
    storm.faults.full_percent = static_cast<std::uint32_t>(random.below(3));
    return storm;
}

// What the series of runs of one case saw, so that a quiet world does not pass for a good one.
struct Sum {
    std::uint64_t confirmed = 0;
    std::uint64_t repeats = 0;
    std::uint64_t maybes = 0;
    std::uint64_t dead = 0;
    std::uint64_t expired = 0;
    std::uint64_t crashes = 0;
    std::uint64_t in_doubt = 0;
    std::uint64_t mute = 0;
    std::uint64_t broken = 0; // runs

    void add(const World& world) {
        const Oracle& oracle = world.oracle();
        confirmed += oracle.confirmed();
        repeats += oracle.repeats();
        maybes += oracle.maybes();
        dead += oracle.dead();
        expired += oracle.expired();
        crashes += world.crashes();
        in_doubt += world.disk().in_doubt_total;
        mute += world.mute();
        broken += oracle.breaches().empty() ? 0 : 1;
    }
};

template <class Shape>
Sum run_all(const Seeds& seeds, Shape&& shape) {
    Sum sum;
    for (const std::uint64_t seed : seeds) {
        Random random(seed);
        Plan plan = small_plan();
        plan.storm = storm(random);
        plan.producers = 1 + random.below(3);
        plan.consumers = 1 + random.below(4);
        shape(plan, random);
        World world(plan, seed);
        world.run();
        sum.add(world);
        const auto& breaches = world.oracle().breaches();
        INFO("seed " << seed << (breaches.empty() ? "" : ": " + breaches.front()));
        REQUIRE(breaches.empty());
    }
    return sum;
}

// As run_all, of a store that lies: how many runs the oracle caught.
template <class Shape>
std::uint64_t caught(const Seeds& seeds, Shape&& shape) {
    Sum sum;
    for (const std::uint64_t seed : seeds) {
        Random random(seed);
        Plan plan = small_plan();
        plan.storm = storm(random);
        plan.storm.crash_every = 80ms;
        shape(plan);
        World world(plan, seed);
        world.run();
        sum.add(world);
    }
    return sum.broken;
}

} // namespace

TEST_CASE("queue: nothing confirmed is lost and no repeat is silent, whatever disk, network and "
          "programs do",
          "[sim][queue]") {
    const Seeds seeds(80);
    const Sum sum = run_all(seeds, [](Plan& plan, Random& random) {
        plan.delay_percent = random.one_in(2) ? 30 : 0;
        plan.ttl_percent = random.one_in(3) ? 20 : 0;
        plan.repeat_percent = random.one_in(2) ? 15 : 0;
        plan.too_large_percent = random.one_in(2) ? 8 : 0;
        plan.properties.priority_levels = static_cast<std::uint32_t>(1 + random.below(3));
        if (plan.repeat_percent > 0) {
            plan.properties.duplicate_window = 1h;
            plan.properties.duplicate_messages_max = 10'000;
        }
        if (random.one_in(3))
            plan.properties.messages_max = 8;
        if (random.one_in(3))
            plan.properties.retry_delays = {5ms, 50ms};
        if (random.one_in(3))
            plan.properties.compression = "lz4";
    });
    if (!seeds.are_many())
        return;
    // The storms were storms.
    CHECK(sum.confirmed > seeds.count() * 20);
    CHECK(sum.repeats > seeds.count() * 5);
    CHECK(sum.maybes > seeds.count());
    CHECK(sum.crashes > seeds.count());
    CHECK(sum.in_doubt > seeds.count());
    CHECK(sum.expired > 0);
    CHECK(sum.mute > seeds.count() / 20);
}

TEST_CASE("queue: what fails every time ends as a dead letter, or is dropped and counted",
          "[sim][queue]") {
    const Seeds seeds(40);
    const Sum sum = run_all(seeds, [](Plan& plan, Random& random) {
        plan.poison_percent = 20;
        plan.properties.attempts_max = static_cast<std::uint32_t>(2 + random.below(3));
        if (random.one_in(4))
            return;
        plan.properties.dead_letter_queue = "dead";
        plan.redrives = random.one_in(2);
    });
    CHECK((sum.dead > seeds.count() / 2 || !seeds.are_many()));
}

TEST_CASE(
    "queue: a consumer that hangs, connected, takes no message's attempts while another works",
    "[sim][queue]") {
    const Seeds seeds(60);
    const Sum sum = run_all(seeds, [](Plan& plan, Random& random) {
        plan.storm = {};
        plan.one_hangs = true;
        plan.consumers = 2 + random.below(3);
        plan.messages = 50;
        plan.limits.silence_max = 10s;    // nothing but the leases tells
        plan.properties.attempts_max = 3; // twice by who hangs, if its last word was within a lease
        if (random.one_in(3))
            plan.properties.order = random.one_in(2) ? queue::Order::key : queue::Order::strict;
        plan.keys = plan.properties.order == queue::Order::key ? 3 : 0;
    });
    CHECK((sum.repeats > 0 || !seeds.are_many()));
    CHECK(sum.dead == 0);
}

TEST_CASE("queue: order=key gives out each key's messages one after the other", "[sim][queue]") {
    const Seeds seeds(40);
    const Sum sum = run_all(seeds, [](Plan& plan, Random& random) {
        plan.properties.order = queue::Order::key;
        plan.keys = static_cast<std::uint32_t>(1 + random.below(4));
        if (random.one_in(2))
            plan.properties.retry_delays = {20ms};
    });
    CHECK((sum.repeats > seeds.count() || !seeds.are_many()));
}

TEST_CASE("queue: order=strict gives out in order, and again from what came back", "[sim][queue]") {
    const Seeds seeds(40);
    const Sum sum = run_all(seeds, [](Plan& plan, Random& random) {
        plan.properties.order = queue::Order::strict;
        if (random.one_in(2))
            plan.properties.retry_delays = {20ms};
    });
    CHECK((sum.repeats > seeds.count() || !seeds.are_many()));
}

TEST_CASE("queue: acknowledge=auto gives out nothing twice", "[sim][queue]") {
    run_all(Seeds(30), [](Plan& plan, Random& random) {
        plan.properties.acknowledge = queue::Acknowledge::automatic;
        plan.delay_percent = random.one_in(2) ? 30 : 0;
        plan.properties.priority_levels = static_cast<std::uint32_t>(1 + random.below(3));
    });
}

TEST_CASE("queue: durability=relaxed and memory may forget in a crash, and are never silent",
          "[sim][queue]") {
    run_all(Seeds(30), [](Plan& plan, Random& random) {
        plan.properties.durability =
            random.one_in(2) ? queue::Durability::relaxed : queue::Durability::memory;
        plan.properties.relaxed_interval = random.one_in(2) ? 2ms : 50ms;
        plan.delay_percent = random.one_in(2) ? 30 : 0;
        plan.properties.order = random.one_in(2) ? queue::Order::plain : queue::Order::key;
    });
}

TEST_CASE("queue: what is dropped, purged or waited for is counted and told as it is",
          "[sim][queue]") {
    run_all(Seeds(40), [](Plan& plan, Random& random) {
        plan.waits_percent = random.one_in(2) ? 20 : 0;
        plan.delay_percent = random.one_in(2) ? 30 : 0;
        if (random.one_in(2))
            plan.purges_every = 100ms;
        if (random.one_in(3))
            plan.properties.consumer_rate_max = 300;
        plan.properties.messages_max = 5 + random.below(10);
        switch (random.below(3)) {
        case 0:
            plan.properties.overflow = queue::Overflow::drop_oldest;
            break;
        case 1:
            plan.properties.overflow = queue::Overflow::dead_letter;
            plan.properties.dead_letter_queue = "dead";
            break;
        default:
            break;
        }
    });
}

TEST_CASE("queue: rights that come and go lose nothing, and nobody gets what it may not have",
          "[sim][queue]") {
    run_all(Seeds(60), [](Plan& plan, Random& random) {
        plan.storm.rights_change_every = random.one_in(2) ? 20ms : 80ms;
        plan.waits_percent = random.one_in(2) ? 20 : 0;
        plan.properties.order = random.one_in(3)   ? queue::Order::key
                                : random.one_in(2) ? queue::Order::strict
                                                   : queue::Order::plain;
        plan.keys = plan.properties.order == queue::Order::key ? 3 : 0;
        plan.delay_percent = plan.properties.order == queue::Order::plain ? 30 : 0;
    });
}

TEST_CASE("queue: a store that forgets producers loses nothing that it confirmed", "[sim][queue]") {
    run_all(Seeds(40), [](Plan& plan, Random& random) {
        plan.producers = 3;
        plan.producers_known = static_cast<std::uint32_t>(1 + random.below(2));
        plan.delay_percent = random.one_in(2) ? 30 : 0;
    });
}

TEST_CASE("queue: a queue that is deleted and made anew has nothing of the old one",
          "[sim][queue]") {
    run_all(Seeds(60), [](Plan& plan, Random& random) {
        plan.deletes_every = random.one_in(2) ? 60ms : 200ms;
        plan.delay_percent = random.one_in(2) ? 30 : 0;
        plan.waits_percent = random.one_in(2) ? 20 : 0;
        plan.producers_known = random.one_in(3) ? 2 : 0;
        plan.properties.priority_levels = static_cast<std::uint32_t>(1 + random.below(3));
        if (random.one_in(2))
            plan.properties.retry_delays = {5ms, 50ms};
    });
}

TEST_CASE("queue: with free credit a delayed message is at most a turn and 5 ms late",
          "[sim][queue]") {
    const Seeds seeds(30);
    for (const std::uint64_t seed : seeds) {
        Plan plan = small_plan();
        plan.properties.lease = 1h;
        plan.delay_percent = 100;
        plan.consumers = 1;
        plan.credit = 1000;
        World world(plan, seed);
        world.run();
        INFO("seed " << seed);
        REQUIRE(world.oracle().breaches().empty());
        REQUIRE(world.oracle().confirmed() == plan.producers * plan.messages);
        REQUIRE(world.oracle().worst_lateness() <= 5ms + 1ms); // a turn here waits up to 1 ms
    }
}

TEST_CASE("queue: the simulator notices a store that breaks its word", "[sim][queue]") {
    Seeds seeds(12);
    seeds.limit(12, 100);
    const std::uint64_t half = seeds.count() / 2;
    CHECK(caught(seeds, [](Plan&) {}) == 0);
    // It says that it has written what it has not.
    CHECK(caught(seeds, [](Plan& plan) { plan.storm.faults.lie_percent = 10; }) > half);
    // A crash takes the last commit with it.
    CHECK(caught(seeds, [](Plan& plan) { plan.storm.faults.loses_last = true; }) > half);
    // Who put what is forgotten at every restart: a repeat is stored as a new message.
    CHECK(caught(seeds, [](Plan& plan) { plan.storm.faults.forgets_producers = true; }) > half);
    // A put whose predecessor is missing is taken, and its confirmation settles both.
    CHECK(caught(seeds, [](Plan& plan) { plan.gaps_are_accepted = true; }) > half);
    // What was acknowledged in a block that has more in it.
    CHECK(caught(seeds, [](Plan& plan) { plan.storm.faults.forgets_done = true; }) > 0);
}
