// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <support/catch.hpp>
#include <support/seed.hpp>

using namespace flotilla;
using namespace flotilla::sim;
using request::Dialect;
using test::Seeds;

namespace {

Plan plan_of(Random& random) {
    Plan plan;
    plan.brokers = static_cast<std::uint32_t>(1 + random.below(2));
    plan.workers = static_cast<std::uint32_t>(1 + random.below(3));
    plan.client.attempt_max = 400ms;
    plan.client.broker_silence_max = 300ms;
    plan.client.attempts_max = 1'000;
    plan.client.reconnect_min = 5ms;
    plan.client.reconnect_max = 50ms;
    plan.client.connections_max = static_cast<std::uint32_t>(1 + random.below(6));
    plan.storm.lose_percent = static_cast<std::uint32_t>(random.below(15));
    plan.storm.delay_max = random.one_in(2) ? 5ms : 40ms;
    plan.storm.in_order = random.one_in(2);
    plan.storm.restart_every = random.one_in(2) ? 0ms : 300ms;
    plan.storm.crash_every = random.one_in(2) ? 0ms : 100ms;
    plan.storm.hint_percent = static_cast<std::uint32_t>(random.below(101));
    return plan;
}

struct Sum {
    std::uint64_t retries = 0;
    std::uint64_t unexpected = 0;
    std::uint64_t failovers = 0;
    std::uint64_t restarted = 0;
    std::uint64_t missed = 0;
    std::uint64_t kept = 0;
    std::uint64_t joined = 0;

    void add(const World& world) {
        const request::ClientCounters& counters = world.client().counters();
        retries += counters.retries_total;
        unexpected += counters.unexpected_total;
        failovers += counters.failovers_total;
        restarted += world.restarted();
        missed += world.missed();
        kept += world.kept();
        joined += world.joined();
    }
};

void check_counters(const request::ClientMachine& client) {
    const request::ClientCounters& counters = client.counters();
    REQUIRE(counters.calls_total == counters.answered_total + counters.refused_total +
                                        counters.timeout_total + counters.cancelled_total +
                                        client.under_way());
}

} // namespace

TEST_CASE("request client: every call is answered once, with its own answer, in FLR1",
          "[sim][request]") {
    Sum sum;
    const Seeds seeds(1'000);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = plan_of(random);
        if (random.one_in(2))
            plan.dialect = Dialect::flotilla;
        plan.workers_speak = static_cast<Dialect>(random.below(3));
        plan.storm.double_percent = static_cast<std::uint32_t>(random.below(15));
        World world(plan, seed);
        world.run();
        REQUIRE(world.ended() == plan.calls);
        REQUIRE(world.answered() == plan.calls);
        check_counters(world.client());
        sum.add(world);
    }
    if (!seeds.are_many())
        return;
    // The storms were storms.
    CHECK(sum.retries > seeds.count());
    CHECK(sum.unexpected > seeds.count());
    CHECK(sum.failovers > 0);
    CHECK(sum.restarted > seeds.count() / 10);
    CHECK(sum.missed > seeds.count() / 10);
    CHECK(sum.kept > 0);
    CHECK(sum.joined > 0);
}

TEST_CASE("request client: every call is answered once, with its own answer, in MDP",
          "[sim][request]") {
    Sum sum;
    const Seeds seeds(1'000);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = plan_of(random);
        plan.dialect = random.one_in(2) ? Dialect::mdp_01 : Dialect::mdp_02;
        plan.workers_speak = static_cast<Dialect>(random.below(3));
        plan.storm.in_order = true; // pieces have no numbers there
        World world(plan, seed);
        world.run();
        REQUIRE(world.ended() == plan.calls);
        REQUIRE(world.answered() == plan.calls);
        check_counters(world.client());
        sum.add(world);
    }
    if (!seeds.are_many())
        return;
    CHECK(sum.retries > seeds.count());
    CHECK(sum.failovers > 0);
    CHECK(sum.restarted > 0);
}

TEST_CASE("request client: cancelling and giving up take nothing else with them",
          "[sim][request]") {
    std::uint64_t answered = 0;
    std::uint64_t timed_out = 0;
    const Seeds seeds(1'000);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = plan_of(random);
        if (random.one_in(2))
            plan.dialect = random.one_in(2) ? Dialect::flotilla : Dialect::mdp_02;
        plan.storm.in_order = plan.dialect == Dialect::mdp_02;
        plan.cancel_percent = 30;
        plan.deadline = 300ms;
        World world(plan, seed);
        world.run();
        REQUIRE(world.ended() == plan.calls);
        REQUIRE(world.client().under_way() == 0);
        check_counters(world.client());
        answered += world.answered();
        timed_out += world.timed_out();
    }
    if (!seeds.are_many())
        return;
    CHECK(answered > 5 * seeds.count());
    CHECK(timed_out > seeds.count() / 10);
}

TEST_CASE("request client: calls that may be sent once are sent once", "[sim][request]") {
    const Seeds seeds(250);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        Plan plan = plan_of(random);
        plan.dialect = random.one_in(2) ? Dialect::flotilla : Dialect::mdp_02;
        plan.storm.in_order = true;
        plan.client.attempts_max = 1;
        plan.deadline = 3s;
        World world(plan, seed);
        world.run();
        REQUIRE(world.ended() == plan.calls);
        REQUIRE(world.client().counters().retries_total == 0);
    }
}
