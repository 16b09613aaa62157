// SPDX-License-Identifier: Apache-2.0
#include "worker_bench.hpp"

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("worker: a broker whose clock is faster than ours is answered, an echo is not") {
    WorkerBench bench(Dialect::mdp_02);
    bench.connect();
    bench.out.clear();
    const auto beats_sent = [&] {
        std::size_t beats = 0;
        for (const Message& each : bench.out.sends)
            beats += each.verb == Verb::heartbeat ? 1 : 0;
        bench.out.clear();
        return beats;
    };
    for (int i = 0; i < 9; ++i) { // a tenth of our own clock
        bench.pass(100ms);
        bench.hear(Verb::heartbeat);
        CHECK(beats_sent() == 1);
    }
    for (int i = 0; i < 50; ++i) { // each of ours comes back at once
        bench.now += 100us;
        bench.hear(Verb::heartbeat);
    }
    CHECK(beats_sent() <= 1);
    for (int i = 0; i < 10; ++i) { // the same clock: one of us speaks a period, not both twice
        bench.pass(500ms);
        bench.pass(500ms);
        bench.now += 1ms;
        bench.hear(Verb::heartbeat);
        CHECK(beats_sent() == 1);
    }
}
