// SPDX-License-Identifier: Apache-2.0
// Processes that die under load: workers, and the broker itself.
#include "broker_load.hpp"

#include <flotilla/base/random.hpp>

#include <support/seed.hpp>

#include <csignal>
#include <optional>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("flotilla-broker: workers killed under load, every request of every client is answered",
          "[process][broker]") {
    const std::uint64_t used = seed(7);
    INFO("FLOTILLA_TEST_SEED=" << used);
    Random random(used);
    Daemon daemon = start_broker_anywhere({"--requeue", "--attempts-max", "1000", "--heartbeat",
                                           "250ms", "--prefetch", "4", "--log-level", "error"});
    const net::Endpoint broker = daemon.endpoints[0];
    std::vector<Process> workers;
    for (const std::string& dialect : dialects)
        for (int i = 0; i < 2; ++i)
            workers.push_back(start_worker(broker, dialect));
    auto context = net::Context::open();
    auto loads = make_loads(*context, {broker}, 4'000);
    int killed = 0;
    run(loads, 400, [&] {
        const std::size_t victim = random.below(workers.size());
        workers[victim].signal(SIGKILL);
        CHECK(workers[victim].wait_exit() == Exit::by(SIGKILL));
        workers[victim] = start_worker(broker, dialects[random.below(dialects.size())]);
        ++killed;
    });
    CHECK(killed > 5);
    for (Process& worker : workers) {
        worker.signal(SIGTERM);
        CHECK(worker.wait_exit() == Exit::with(0));
    }
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-broker: killed and started again under load, clients and workers come back",
          "[process][broker]") {
    const std::vector<std::string> settings{"--requeue", "--attempts-max", "1000", "--heartbeat",
                                            "250ms",     "--log-level",    "error"};
    const auto start = [&settings](const std::string& bind) {
        std::vector<std::string> arguments = settings;
        arguments.insert(arguments.end(), {"--bind", bind});
        return start_broker(std::move(arguments));
    };
    std::optional<Daemon> daemon = start("tcp://127.0.0.1:*");
    const net::Endpoint broker = daemon->endpoints[0];
    std::vector<Process> workers;
    for (const std::string& dialect : dialects)
        workers.push_back(start_worker(broker, dialect));
    auto context = net::Context::open();
    auto loads = make_loads(*context, {broker}, 3'000);
    int restarts = 0;
    run(loads, 1'000, [&] {
        daemon->process.signal(SIGKILL);
        CHECK(daemon->process.wait_exit() == Exit::by(SIGKILL));
        daemon.emplace(start(broker.text()));
        ++restarts;
    });
    CHECK(restarts > 2);
    daemon->process.signal(SIGTERM);
    CHECK(daemon->process.wait_exit() == Exit::with(0));
}
