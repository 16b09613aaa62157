// SPDX-License-Identifier: Apache-2.0
//
// The example programs of request routing, C++ and Python, in every pairing.
#include <process/broker/broker_program.hpp>
#include <support/process.hpp>

#include <csignal>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::test;

namespace {

std::vector<std::string> with(std::vector<std::string> program,
                              std::initializer_list<std::string> arguments) {
    program.insert(program.end(), arguments);
    return program;
}

const std::vector<std::string> python_client{"/usr/bin/python3",
                                             FLOTILLA_REQUEST_EXAMPLES "/client.py"};
const std::vector<std::string> python_worker{"/usr/bin/python3",
                                             FLOTILLA_REQUEST_EXAMPLES "/worker.py"};
const std::vector<std::string> our_client{FLOTILLA_REQUEST_CLIENT};
const std::vector<std::string> our_async_client{FLOTILLA_REQUEST_ASYNC_CLIENT};
const std::vector<std::string> our_worker{FLOTILLA_REQUEST_WORKER};

} // namespace

TEST_CASE("request: each example client gets its answers from each example worker",
          "[process][request]") {
    Daemon daemon = start_broker_anywhere();
    const std::string broker = daemon.endpoints[0].text();
    for (const auto* worker_program : {&python_worker, &our_worker}) {
        Process worker = Process::start(with(*worker_program, {broker, "upper"}));
        for (const auto* client_program : {&python_client, &our_client, &our_async_client}) {
            INFO(worker_program->back() << " and " << client_program->back());
            const Completed client =
                run_program(with(*client_program, {broker, "upper", "ahoy", "two words"}));
            INFO(client.error);
            CHECK(client.exit == Exit::with(0));
            CHECK(client.output == "AHOY\nTWO WORDS\n");
        }
        worker.signal(SIGTERM);
        const auto exit = worker.wait_exit();
        if (worker_program == &our_worker) {
            CHECK(exit == Exit::with(0));
            CHECK(worker.text(Stream::output) == "6 requests answered\n");
        }
    }
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("request: the example client says why there is no answer", "[process][request]") {
    Daemon daemon = start_broker_anywhere();
    const std::string broker = daemon.endpoints[0].text();
    Process worker = Process::start(with(our_worker, {broker, "upper"}));
    const Completed refused = run_program(with(our_client, {broker, "upper", ""}));
    CHECK(refused.exit == Exit::with(4));
    CHECK(has(refused.error, "nothing to write in capitals"));
    CHECK(run_program(with(our_client, {"tcp//x", "upper", "a"})).exit == Exit::with(2));
}
