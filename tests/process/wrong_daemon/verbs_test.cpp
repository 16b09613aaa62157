// SPDX-License-Identifier: Apache-2.0
// What somebody sees who points a verb, or a plain socket, at the wrong daemon.
#include <process/cli/zmq_program.hpp>
#include <process/store/store_program.hpp>
#include <support/scratch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::test;

namespace {

using Words = std::vector<std::string>;

// Ready, and bound to a port of its own.
struct Broker {
    Process process;
    std::string endpoint;
};

Broker start_broker() {
    Process process =
        Process::start({FLOTILLA_BROKER_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--ready-json"});
    const auto line = process.wait_line(Stream::output);
    REQUIRE(line);
    auto endpoint = nlohmann::json::parse(*line).at("endpoints").at(0).get<std::string>();
    return {std::move(process), std::move(endpoint)};
}

// Of the verbs; nobody should have to see its end.
constexpr const char* long_wait = "1h";

Completed at(Words words, const std::string& flag, const std::string& endpoint) {
    words.insert(words.begin() + 2, {flag, endpoint});
    return run_zmq(std::move(words));
}

} // namespace

TEST_CASE("a queue verb at a broker ends at once, and says what is there") {
    Broker broker = start_broker();
    const std::string endpoint = broker.endpoint;
    for (const Words& words :
         {Words{"queue", "ls"}, Words{"queue", "take", "q"}, Words{"queue", "put", "q", "x"},
          Words{"queue", "put", "q", "x", "--wait-acked"}, Words{"queue", "create", "q"},
          Words{"queue", "stat"}}) {
        CAPTURE(words[1]);
        Words with = words;
        with.insert(with.end(), {"-t", long_wait});
        const Completed said = at(std::move(with), "--store", endpoint);
        CHECK(said.exit == Exit::with(4));
        CHECK(said.output.empty());
        CHECK(has(said.error, endpoint + ": "));
        CHECK(has(said.error, "this is a flotilla-broker (Majordomo)"));
    }
}

TEST_CASE("of several stores the one that is none is passed over") {
    Broker broker = start_broker();
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    const Words stores{"--store", broker.endpoint, "--store", store.endpoints[0]};
    for (Words words : {Words{"queue", "create", "q"}, Words{"queue", "put", "q", "x"},
                        Words{"queue", "take", "q"}}) {
        CAPTURE(words[1]);
        words.insert(words.end(), stores.begin(), stores.end());
        words.insert(words.end(), {"-t", long_wait});
        CHECK(run_zmq(std::move(words)).exit == Exit::with(0));
    }
    const Completed both =
        run_zmq({"queue", "ls", "--store", broker.endpoint, "--store", broker.endpoint});
    CHECK(both.exit == Exit::with(4));
}

TEST_CASE("what an outbox on disk holds is kept where a broker is, and put when a store comes") {
    Broker broker = start_broker();
    const ScratchFolder scratch;
    const std::string outbox = scratch.file("outbox");
    const Completed said = at({"queue", "put", "q", "kept", "--outbox", outbox, "-t", long_wait},
                              "--store", broker.endpoint);
    CHECK(said.exit == Exit::with(4));
    CHECK(has(said.error, "1 message is not confirmed"));
    Store store = start_store_in(scratch.file("data"));
    CHECK(at({"queue", "create", "q"}, "--store", store.endpoints[0]).exit == Exit::with(0));
    CHECK(
        at({"queue", "put", "q", "next", "--outbox", outbox}, "--store", store.endpoints[0]).exit ==
        Exit::with(0));
    CHECK(at({"queue", "take", "q", "--all"}, "--store", store.endpoints[0]).output ==
          "kept\nnext\n");
}

TEST_CASE("call, services and serve at a store end at once, and say what is there") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    for (const Words& words :
         {Words{"call", "echo", "hello", "-t", long_wait},
          Words{"call", "echo", "hello", "-t", long_wait, "--dialect", "flotilla"},
          Words{"services", "echo", "-t", long_wait}, Words{"serve", "echo", "--echo"}}) {
        CAPTURE(words[0], words.size());
        const Completed said = at(words, "--broker", store.endpoints[0]);
        CHECK(said.exit == Exit::with(4));
        CHECK(said.output.empty());
        CHECK(has(said.error, "wrong_peer: "));
        CHECK(has(said.error, "this is a flotilla-store (FLQ1 queues)"));
    }
}

TEST_CASE("titanic ends where either of its two is somebody else") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    Broker broker = start_broker();
    const Completed swapped = run_zmq({"titanic", "-b", store.endpoints[0], "-s", broker.endpoint});
    CHECK(swapped.exit == Exit::with(4));
    CHECK(has(swapped.error, "this is a flotilla-broker"));
    const Completed twice =
        run_zmq({"titanic", "-b", store.endpoints[0], "-s", store.endpoints[0]});
    CHECK(twice.exit == Exit::with(4));
    CHECK(has(twice.error, "this is a flotilla-store"));
}

TEST_CASE("of many requests at a store one is told of, and the rest is not asked") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    const Completed said =
        at({"call", "echo", "a", "b", "c", "-t", long_wait}, "--broker", store.endpoints[0]);
    CHECK(said.exit == Exit::with(4));
    CHECK(has(said.error, "request 1: "));
    CHECK_FALSE(has(said.error, "request 2: "));
    CHECK(has(said.error, "nothing was asked of what follows request 1"));
}

TEST_CASE("a plain REQ hears from each daemon what it is, in the protocol that it spoke") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    Broker broker = start_broker();
    const Completed of_broker = run_zmq({"req", broker.endpoint, "--frame", "FLQ1", "--frame",
                                         "stat", "--frame", "7", "--format", "quoted"});
    CHECK(has(of_broker.output, "\"FLQ1\"\t\"error\"\t\"7\"\t\"code=wrong_peer\\n"));
    const Completed of_store = run_zmq({"req", store.endpoints[0], "--frame", "MDPC01", "--frame",
                                        "mmi.service", "--frame", "echo", "--format", "quoted"});
    CHECK(has(of_store.output, "\"MDPC01\"\t\"mmi.service\"\t\"421\"\t\"this is a flotilla-store"));
}

TEST_CASE("doctor names the daemon that it finds, without a word to it") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    Broker broker = start_broker();
    const Completed of_store = run_zmq({"doctor", store.endpoints[0]});
    CHECK(of_store.exit == Exit::with(0));
    CHECK(has(of_store.output, "a flotilla-store (ROUTER) is there"));
    CHECK(has(of_store.output, "zmq queue ls --store " + store.endpoints[0]));
    const Completed of_broker = run_zmq({"doctor", broker.endpoint, "--type", "pull"});
    CHECK(of_broker.exit == Exit::with(4));
    CHECK(has(of_broker.output, "a flotilla-broker, a ROUTER"));
}

TEST_CASE("status and orders at the endpoint for everybody are told that it is not the admin's") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"));
    Broker broker = start_broker();
    for (const std::string& endpoint : {store.endpoints[0], broker.endpoint}) {
        const Completed status = run_zmq({"status", endpoint, "-t", long_wait});
        CHECK(has(status.output, "its admin endpoint is what it was given as --admin"));
        const Completed order = run_zmq({"reload", endpoint, "-t", long_wait});
        CHECK(order.exit == Exit::with(4));
        CHECK(has(order.error, "its admin endpoint is what it was given as --admin"));
    }
}

TEST_CASE("where nobody listens, services and status say so, and wait no longer than a second") {
    const ScratchFolder scratch;
    const std::string nowhere = scratch.ipc("none").text();
    const Completed services = at({"services", "echo", "-t", long_wait}, "--broker", nowhere);
    CHECK(services.exit == Exit::with(3));
    CHECK(has(services.error, nowhere + ": nobody listens there"));
    CHECK(has(services.error, "this says more: zmq doctor " + nowhere));
    const Completed status = run_zmq({"status", nowhere, "-t", long_wait});
    CHECK(status.exit == Exit::with(3));
    CHECK(has(status.output, "nobody listens there"));
    const Completed order = run_zmq({"reload", nowhere, "-t", long_wait});
    CHECK(order.exit == Exit::with(3));
    CHECK(has(order.error, "no daemon answers at " + nowhere + ": nobody listens there"));
}

TEST_CASE("a variable is named where its value is wrong, and told of where it is misspelt") {
    const auto zmq = [](const std::string& line) {
        return run_program({"sh", "-c", line, FLOTILLA_ZMQ_PROGRAM});
    };
    const Completed wrong = zmq("FLOTILLA_STORE=tcp/x exec \"$0\" queue ls");
    CHECK(wrong.exit == Exit::with(2));
    CHECK(has(wrong.error, "FLOTILLA_STORE: "));
    const Completed flag = zmq("FLOTILLA_STORE=tcp/x exec \"$0\" queue ls --store tcp/y");
    CHECK(has(flag.error, "--store: "));
    const Completed misspelt = zmq("FLOTILLA_STROE=tcp/x exec \"$0\" queue ls");
    CHECK(has(misspelt.error, "there is no variable FLOTILLA_STROE; did you mean FLOTILLA_STORE?"));
    const Completed others =
        zmq("FLOTILLA_STORE_DATA=x FLOTILLA_BROKER_BIND=y exec \"$0\" version");
    CHECK(others.error.empty());
    const Completed daemon = run_program(
        {"sh", "-c", "FLOTILLA_STORE_SESIONS_MAX=5 FLOTILLA_STORE_SESSIONS_MAX=x exec \"$0\"",
         store_program});
    CHECK(daemon.exit == Exit::with(2));
    CHECK(has(daemon.error, "FLOTILLA_STORE_SESSIONS_MAX: "));
    const Completed checked = run_program(
        {"sh", "-c", "FLOTILLA_STORE_BIND=tcp://*:5560 exec \"$0\" --data x --check-config",
         store_program});
    CHECK(checked.exit == Exit::with(2));
    CHECK(has(checked.error, "FLOTILLA_STORE_BIND 'tcp://*:5560' reaches beyond this machine"));
    const Completed warned = run_program(
        {"sh", "-c", "FLOTILLA_STORE_SESIONS_MAX=5 exec \"$0\" --print-config", store_program});
    CHECK(has(warned.error, "there is no variable FLOTILLA_STORE_SESIONS_MAX; did you mean "
                            "FLOTILLA_STORE_SESSIONS_MAX?"));
}
