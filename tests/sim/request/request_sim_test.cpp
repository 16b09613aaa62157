// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <algorithm>

using namespace flotilla;
using namespace flotilla::sim;
using test::Seeds;

namespace {

RequestPlan small_plan(Random& random) {
    RequestPlan plan;
    plan.limits.heartbeat = 50ms;
    plan.limits.service.busy_max = 2s;
    plan.limits.service.expiry = 3s;
    plan.limits.service.requeue = random.one_in(2);
    plan.limits.service.attempts_max = static_cast<std::uint32_t>(1 + random.below(6));
    plan.limits.service.prefetch = static_cast<std::uint32_t>(1 + random.below(3));
    plan.limits.service.queue_messages_max = random.one_in(3) ? 5 : 1'000;
    plan.limits.service.when_full =
        random.one_in(2) ? request::WhenFull::refuse : request::WhenFull::drop_oldest;
    plan.limits.kept_answers_max = 10'000;
    plan.clients = static_cast<std::uint32_t>(1 + random.below(5));
    plan.services = static_cast<std::uint32_t>(1 + random.below(2));
    plan.workers = plan.services + static_cast<std::uint32_t>(random.below(4));
    return plan;
}

RequestWeather storm(Random& random) {
    RequestWeather storm;
    storm.lose_percent = static_cast<std::uint32_t>(random.below(15));
    storm.double_percent = random.one_in(2) ? 0 : static_cast<std::uint32_t>(random.below(15));
    storm.delay_max = random.one_in(2) ? 5ms : 40ms;
    storm.in_order = random.one_in(2);
    storm.worker_crash_every = random.one_in(3) ? 0ms : 150ms;
    storm.broker_crash_every = random.one_in(2) ? 0ms : 400ms;
    storm.hint_percent = static_cast<std::uint32_t>(random.below(101));
    storm.hang_percent = random.one_in(2) ? 0 : 3;
    storm.retry_percent = static_cast<std::uint32_t>(random.below(20));
    return storm;
}

} // namespace

TEST_CASE("requests: every asker gets its own answer, whatever network, workers and broker do",
          "[sim][request]") {
    std::uint64_t resends = 0;
    std::uint64_t requeued = 0;
    std::uint64_t restarts = 0;
    std::uint64_t expired_workers = 0;
    std::uint64_t repeated_work = 0;
    const Seeds seeds(2'000);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        RequestPlan plan = small_plan(random);
        plan.storm = storm(random);
        RequestWorld world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        resends += world.resends();
        requeued += world.requeued();
        restarts += world.restarts();
        expired_workers += world.expired_workers();
        repeated_work +=
            world.worked() - std::min<std::uint64_t>(world.worked(), plan.clients * plan.asks);
    }
    if (!seeds.are_many())
        return;
    // The storms were storms.
    CHECK(resends > seeds.count());
    CHECK(requeued > seeds.count() / 4);
    CHECK(restarts > seeds.count() / 4);
    CHECK(expired_workers > seeds.count() / 4);
    CHECK(repeated_work > seeds.count());
}

TEST_CASE("requests: rights that come and go leave no request with who may not serve it, and every "
          "asker is answered in the end",
          "[sim][request]") {
    std::uint64_t revoked = 0;
    const Seeds seeds(300);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        RequestPlan plan = small_plan(random);
        plan.storm = storm(random);
        plan.storm.rights_change_every = random.one_in(2) ? 20ms : 100ms;
        RequestWorld world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        revoked += world.counters().requests_revoked_total + world.counters().workers_revoked_total;
    }
    CHECK((revoked > seeds.count() || !seeds.are_many()));
}

TEST_CASE("requests: bodies of all sizes wait for no worker that would take them",
          "[sim][request]") {
    std::uint64_t expired = 0;
    const Seeds seeds(300);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        RequestPlan plan = small_plan(random);
        plan.storm = storm(random);
        plan.padding_bytes = 4'000;
        plan.storm.leave_percent = 10;
        plan.limits.held_messages_max = 3;
        plan.limits.held_bytes_max = 5'000;
        plan.limits.service.prefetch = 4;
        plan.limits.service.expiry = 200ms;
        if (random.one_in(3))
            plan.storm.rights_change_every = 50ms;
        RequestWorld world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        expired += world.counters().expired_total;
    }
    CHECK((expired > seeds.count() || !seeds.are_many()));
}

TEST_CASE("requests: in fine weather nothing is sent twice and everything is answered once",
          "[sim][request]") {
    const Seeds seeds(300);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random random(seed);
        RequestPlan plan = small_plan(random);
        plan.limits.service.queue_messages_max = 1'000;
        plan.storm.in_order = true;
        RequestWorld world(plan, seed);
        world.run();
        REQUIRE(world.all_done());
        const request::BrokerCounters& counters = world.counters();
        CHECK(counters.malformed_total == 0);
        CHECK(counters.workers_expired_total == 0);
        CHECK(counters.requeued_total == 0);
        CHECK(counters.failed_total == 0);
        CHECK(counters.answered_total >= plan.clients * plan.asks);
    }
}
