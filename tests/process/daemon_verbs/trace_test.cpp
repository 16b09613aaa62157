// SPDX-License-Identifier: Apache-2.0
// zmq trace: where messages spent their time, through daemons that record hops.
#include <flotilla/net/socket.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <csignal>

using namespace flotilla;
using namespace flotilla::test;
using Json = nlohmann::json;

namespace {

std::vector<std::string> zmq_words(std::vector<std::string> words) {
    words.insert(words.begin(), FLOTILLA_ZMQ_PROGRAM);
    return words;
}

Completed run(std::vector<std::string> words) {
    Completed done = run_program(zmq_words(std::move(words)));
    INFO(done.error);
    CHECK(done.exit == Exit::with(0));
    return done;
}

struct TracedDaemon {
    Process process;
    Json said;
};

TracedDaemon start_traced(std::vector<std::string> command) {
    command.insert(command.end(), {"--hop-record", "--ready-json"});
    Process process = Process::start(command);
    const auto line = process.wait_line(Stream::output);
    if (!line) {
        (void)process.wait_exit();
        FAIL(process.text(Stream::error));
    }
    return {std::move(process), Json::parse(*line)};
}

// The step of that kind in a line of zmq trace --json.
Json step_of(const std::string& line, const std::string& kind) {
    INFO(line);
    const Json way = Json::parse(line);
    for (const Json& step : way.at("steps"))
        if (step.at("kind") == kind)
            return step;
    FAIL("no step " << kind);
    return {};
}

} // namespace

TEST_CASE("zmq trace: what a store held is seen by who takes it") {
    ScratchFolder folder;
    TracedDaemon store =
        start_traced({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data",
                      folder.file("data"), "--write-ahead-bytes", "1MiB", "--instance", "orders"});
    const std::string endpoint = store.said.at("endpoints").at(0);
    run({"queue", "create", "work", "--store", endpoint});
    run({"queue", "put", "work", "--trace", "one", "--store", endpoint});
    run({"queue", "put", "work", "plain", "--store", endpoint});
    run({"queue", "put", "work", "--trace", "two", "--store", endpoint});
    const Completed traced =
        run({"queue", "trace", "work", "--all", "--json", "--store", endpoint});
    CHECK(traced.error.find("the hops: 1") != std::string::npos);
    const std::string first = traced.output.substr(0, traced.output.find('\n'));
    const Json held = step_of(first, "store");
    CHECK(held.at("instance") == "orders");
    CHECK(held.at("held_us") >= 0);
    CHECK(std::count(traced.output.begin(), traced.output.end(), '\n') == 2);
    CHECK(Json::parse(first).at("traceparent").get<std::string>().size() == 55);
    CHECK(run_program(zmq_words({"queue", "trace", "work", "--store", endpoint})).exit ==
          Exit::with(3));
    store.process.signal(SIGTERM);
    CHECK(store.process.wait_exit() == Exit::with(0));
}

TEST_CASE("zmq trace: a relay's hop, one trace among others, and a recording of it") {
    ScratchFolder folder;
    TracedDaemon relay =
        start_traced({FLOTILLA_RELAY_PROGRAM, "streamer", "--frontend", "tcp://127.0.0.1:*",
                      "--backend", "tcp://127.0.0.1:*", "--instance", "north"});
    INFO(relay.said.dump());
    const Json& side = relay.said.at("relays").at(0);
    const std::string frontend = side.at("frontend").at(0);
    const std::string backend = side.at("backend").at(0);
    run({"push", frontend, "--trace", "-n", "3", "job {{count}}"});
    const std::string file = folder.file("jobs.rec");
    run({"record", file, "--type", "pull", backend, "-n", "3"});
    const Completed all = run({"trace", "--recording", file, "--json"});
    CHECK(std::count(all.output.begin(), all.output.end(), '\n') == 3);
    const std::string first = all.output.substr(0, all.output.find('\n'));
    CHECK(step_of(first, "relay").at("instance") == "north/relay");
    CHECK(step_of(first, "sent").at("at_us") == 0);

    const std::string trace = Json::parse(first).at("traceparent").get<std::string>().substr(3, 32);
    const Completed one = run({"trace", "--recording", file, "--traceparent", trace});
    CHECK(one.output.find(trace) != std::string::npos);
    CHECK(one.error.find("other traces: 2") != std::string::npos);
    const Completed summary = run({"trace", "--recording", file, "--summary"});
    CHECK(summary.output.find("relay north/relay         3") != std::string::npos);
    CHECK(run_program(zmq_words({"trace", "--recording", file, "--traceparent", "00-ffff"})).exit ==
          Exit::with(3));

    Process live = Process::start(zmq_words({"trace", "--type", "pull", backend, "-n", "1"}));
    run({"push", frontend, "--trace", "one more"});
    CHECK(live.wait_exit() == Exit::with(0));
    CHECK(live.text(Stream::output).find("relay  north/relay") != std::string::npos);
    relay.process.signal(SIGTERM);
    CHECK(relay.process.wait_exit() == Exit::with(0));
}
