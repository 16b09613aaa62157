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
    plan.limits.lease = 200ms;
    plan.limits.heartbeat = 50ms;
    plan.limits.silence_max = 400ms;
    plan.limits.return_grace = 30ms;
    plan.limits.messages_max = 25;
    plan.limits.credit_max = 8;
    plan.limits.attempts_max = 1'000'000;
    return plan;
}

Weather storm(Random& random) {
    Weather storm;
    storm.lose_percent = static_cast<std::uint32_t>(random.below(15));
    storm.double_percent = static_cast<std::uint32_t>(random.below(15));
    storm.delay_max = random.one_in(2) ? 5ms : 40ms;
    storm.crash_every = random.one_in(3) ? 0ms : 150ms;
    storm.hang_up_every = random.one_in(3) ? 0ms : 200ms;
    storm.hang_every = random.one_in(2) ? 0ms : 150ms;
    storm.hang_max = random.one_in(2) ? 300ms : 900ms;
    storm.hint_percent = static_cast<std::uint32_t>(random.below(101));
    storm.false_hint_percent = static_cast<std::uint32_t>(random.below(50));
    storm.nack_percent = static_cast<std::uint32_t>(random.below(10));
    storm.stuck_percent = static_cast<std::uint32_t>(random.below(5));
    return storm;
}

} // namespace

TEST_CASE("work: nothing is lost and no repeat is silent, whatever the network and the workers do",
          "[sim][work]") {
    std::uint64_t repeats = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t late = 0;
    std::uint64_t resumed = 0;
    std::uint64_t hung = 0;
    const Seeds seeds(2'000);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = small_plan();
        plan.storm = storm(random);
        plan.workers = static_cast<std::uint32_t>(1 + random.below(4));
        plan.keys = random.one_in(2) ? 5 : 0;
        plan.limits.dispatch = static_cast<pipeline::Dispatch>(random.below(3));
        plan.storm_lasts = 500ms;
        World world(plan, seed);
        world.run();
        const pipeline::SourceCounters& counters = world.source().counters();
        REQUIRE(world.all_done());
        REQUIRE(counters.finished_total == plan.messages);
        REQUIRE(world.never_acked() == 0);
        REQUIRE(world.finished_without_ack() == 0);
        REQUIRE(world.silent_repeats() == 0);
        REQUIRE(world.repeats() <= counters.redelivered_total);
        repeats += world.repeats();
        duplicates += world.duplicates_dropped();
        late += counters.late_total;
        resumed += counters.sessions_resumed_total;
        hung += world.hung();
    }
    if (!seeds.are_many())
        return;
    // The storms were storms.
    CHECK(repeats > seeds.count());
    CHECK(duplicates > seeds.count() / 4);
    CHECK(late > 0);
    CHECK(resumed > 0);
    CHECK(hung > seeds.count() / 10);
}

TEST_CASE("work: a message delivered too often is given up, and said to be", "[sim][work]") {
    std::uint64_t dead = 0;
    const Seeds seeds(200);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = small_plan();
        plan.storm = storm(random);
        plan.storm.nack_percent = 50;
        plan.limits.attempts_max = 2;
        plan.storm_lasts = 1s;
        World world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        REQUIRE(world.never_acked() == 0);
        REQUIRE(world.source().counters().dead_total == world.dead().size());
        dead += world.dead().size();
    }
    if (!seeds.are_many())
        return;
    CHECK(dead > seeds.count());
}

TEST_CASE("work: a worker that hangs, connected, takes no message's attempts while another works",
          "[sim][work]") {
    std::uint64_t hung = 0;
    std::uint64_t expired = 0;
    const Seeds seeds(300);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = small_plan();
        plan.workers = static_cast<std::uint32_t>(2 + random.below(3));
        plan.limits.dispatch = static_cast<pipeline::Dispatch>(random.below(2));
        plan.limits.silence_max = 10s; // nothing but the leases tells
        plan.limits.attempts_max = 3;  // twice by who hangs, if its last word was within a lease
        plan.one_hangs = true;
        World world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        REQUIRE(world.dead().empty());
        REQUIRE(world.never_acked() == 0);
        hung += world.hung();
        expired += world.source().counters().expired_total;
    }
    if (!seeds.are_many())
        return;
    CHECK(hung > seeds.count() / 10);
    CHECK(expired > hung);
}

TEST_CASE("work: by key, each key goes to one worker in order while nobody comes or goes",
          "[sim][work]") {
    const Seeds seeds(300);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Plan plan = small_plan();
        plan.limits.dispatch = pipeline::Dispatch::by_key;
        plan.workers = 4;
        plan.keys = 7;
        plan.messages = 60;
        plan.storm.in_order = true;
        plan.storm.nack_percent = 10;
        plan.submit_after = 200ms; // everybody is there before the first message
        plan.limits.messages_max = 1000;
        World world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        REQUIRE(world.source().counters().finished_total == plan.messages);
        REQUIRE(world.broken_order() == 0);
    }
}
