// SPDX-License-Identifier: Apache-2.0
#include "worker_bench.hpp"

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("worker machine: a broker has taken it when it was heard from behind READY",
          "[unit][request]") {
    WorkerBench bench(GENERATE(Dialect::flotilla, Dialect::mdp_02, Dialect::mdp_01));
    bench.connect();
    CHECK(bench.machine.is_registered());
    CHECK_FALSE(bench.machine.is_kept());
    bench.hear(GENERATE(Verb::heartbeat, Verb::request));
    CHECK(bench.machine.is_kept());
    bench.machine.connection_lost(bench.now, bench.out);
    CHECK_FALSE(bench.machine.is_kept());
    bench.pass_on();
    bench.connect();
    CHECK(bench.machine.is_registered());
    CHECK_FALSE(bench.machine.is_kept());
}

TEST_CASE("worker machine: a heartbeat behind READY asks for the broker's", "[unit][request]") {
    WorkerLimits limits = limits_of(Dialect::flotilla);
    limits.behind_ready = WorkerLimits::BehindReady::heartbeat;
    WorkerMachine machine(limits, 1);
    WorkerOutputs out;
    machine.tick(Instant{}, out);
    out.clear();
    machine.connection_made(Instant{}, out);
    REQUIRE(out.sends.size() == 2);
    CHECK(out.sends[0].verb == Verb::ready);
    CHECK(out.sends[1].verb == Verb::heartbeat);
}
