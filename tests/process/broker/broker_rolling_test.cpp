// SPDX-License-Identifier: Apache-2.0
// Brokers that are restarted one after the other while clients ask.
#include "broker_load.hpp"

#include <array>
#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("flotilla-broker: two that are restarted in turn under load lose no request",
          "[process][broker]") {
    // Without --requeue: a broker that drains gives nothing up, so that nothing has to be asked
    // again for that.
    const auto start = [](const std::string& bind) {
        return start_broker(
            {"--heartbeat", "250ms", "--drain", "30s", "--log-level", "error", "--bind", bind});
    };
    std::array<Daemon, 2> brokers{start("tcp://127.0.0.1:*"), start("tcp://127.0.0.1:*")};
    const std::vector<net::Endpoint> endpoints{brokers[0].endpoints[0], brokers[1].endpoints[0]};
    std::vector<Process> workers;
    for (const net::Endpoint& endpoint : endpoints)
        for (const std::string& dialect : dialects)
            workers.push_back(start_worker(endpoint, dialect));

    auto context = net::Context::open();
    auto loads = make_loads(*context, endpoints, 4'000);
    std::size_t restarts = 0;
    run(loads, 1'000, [&] {
        Daemon& daemon = brokers[restarts++ % brokers.size()];
        const std::string bind = daemon.endpoints[0].text();
        daemon.process.signal(SIGTERM);
        CHECK(daemon.process.wait_exit() == Exit::with(0)); // everything it held is answered
        daemon = start(bind);
    });
    CHECK(restarts >= 5);
    for (Daemon& daemon : brokers) {
        daemon.process.signal(SIGTERM);
        CHECK(daemon.process.wait_exit() == Exit::with(0));
    }
}
