// SPDX-License-Identifier: Apache-2.0
// Titanic that is told to end in the middle of its work: it does, and the next one goes on.
#include <flotilla/net/system.hpp>

#include <process/store/store_program.hpp>
#include <support/gate.hpp>

#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

namespace {

struct StoppedFleet {
    ScratchFolder scratch{};
    std::string broker_at = scratch.ipc("broker").text();
    std::string store_at = scratch.ipc("store").text();
    Process broker = Process::start({FLOTILLA_BROKER_PROGRAM, "--bind", broker_at});
    Process store = start_store();

    Process start_store() const {
        return Process::start({store_program, "--bind", store_at, "--data", scratch.file("data"),
                               "--write-ahead-bytes", "1MiB"});
    }
    // With limits of time that no test would live to see.
    Process titanic() const {
        Process started = zmq({"titanic", "-s", store_at, "--deadline", "1h", "-t", "1h"});
        REQUIRE(started.wait_line(Stream::error, "serving titanic.request"));
        return started;
    }
    Process zmq(std::vector<std::string> words) const {
        words.insert(words.begin(), FLOTILLA_ZMQ_PROGRAM);
        words.insert(words.begin() + 2, {"-b", broker_at});
        return Process::start(words);
    }
    std::string call(std::vector<std::string> words) const {
        words.insert(words.begin(), "call");
        Process process = zmq(std::move(words));
        REQUIRE(process.wait_exit());
        return process.text(Stream::output);
    }
};

} // namespace

TEST_CASE("titanic: a signal does not wait for a service, and the next Titanic asks it again",
          "[process][titanic]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const StoppedFleet fleet;
        flotilla::test::Gate gate(fleet.scratch);
        Process server = fleet.zmq({"serve", "slow", "-j", "4", "--", "sh", "-c",
                                    "echo begun >&2; " + gate.wait() + "; echo done"});
        Process first = fleet.titanic();
        const std::string said = fleet.call({"titanic.request", "--frame", "slow", "--frame", "x"});
        REQUIRE(said.substr(0, 4) == "200\t");
        const std::string id = said.substr(4, 32);
        REQUIRE(server.wait_line(Stream::error, "begun"));
        first.signal(signal);
        CHECK(first.wait_exit() == Exit::with(128 + signal));
        CHECK(has(first.text(Stream::error), "1 request taken"));
        Process second = fleet.titanic();
        gate.open();
        const Instant deadline = deadline_after(net::now(), patience);
        std::string reply;
        do
            reply = fleet.call({"titanic.reply", id});
        while (reply.substr(0, 3) == "300" && net::now() < deadline);
        CHECK(reply == "200\tdone\n\n");
        second.signal(signal);
        CHECK(second.wait_exit() == Exit::with(128 + signal));
        server.signal(SIGKILL);
    }
}

TEST_CASE("titanic: a signal does not wait for a store that is away", "[process][titanic]") {
    StoppedFleet fleet;
    Process titanic = fleet.titanic();
    fleet.store.signal(SIGKILL);
    REQUIRE(fleet.store.wait_exit());
    Process asking = fleet.zmq({"call", "titanic.request", "--frame", "a", "--frame", "b"});
    // It has the request when the broker has a worker less: then the other service still answers.
    CHECK(fleet.call({"titanic.close", "0123456789abcdef0123456789abcdef"}) == "200\n");
    titanic.signal(SIGTERM);
    CHECK(titanic.wait_exit() == Exit::with(143));
    CHECK(asking.wait_exit());
}
