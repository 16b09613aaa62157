// SPDX-License-Identifier: Apache-2.0
// The real flotilla-broker: its lines, its signals, its settings, its end.
#include "broker_program.hpp"

#include <flotilla/base/random.hpp>
#include <flotilla/net/curve.hpp>

#include <support/scratch.hpp>
#include <support/seed.hpp>
#include <zmq.h>

#include <csignal>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// Workers of these tests send no heartbeats, so silence must not end them.
const std::vector<std::string> patient{"--heartbeat", "1m"};

// SIGUSR1 again and again until its line contains `part`.
std::string wait_counters(Daemon& daemon, const std::string& part) {
    std::string seen;
    while (!has(seen, part)) {
        daemon.process.signal(SIGUSR1);
        const auto line = daemon.process.wait_line(Stream::error, "broker_counters");
        REQUIRE(line);
        seen = *line;
    }
    return seen;
}

} // namespace

TEST_CASE("flotilla-broker: peers that take the name of the next one end nobody",
          "[process][broker]") {
    auto context = net::Context::open();
    Daemon broker = start_broker_anywhere();
    // What libzmq would call the first ones, were its numbers not hidden.
    std::vector<net::Socket> forgers;
    for (char number = 0x67; number < 0x6f; ++number) {
        forgers.push_back(net::Socket::open(*context, net::SocketType::dealer).value());
        const char name[] = {'\0', '\x6b', '\x8b', '\x45', number}; // our own options refuse it
        REQUIRE(zmq_setsockopt(forgers.back().native_handle(), ZMQ_ROUTING_ID, name, 5) == 0);
        REQUIRE(forgers.back().connect(broker.endpoints[0]));
        ask(forgers.back(), "mmi.service", "nobody");
        CHECK(answer_of(forgers.back()) == "404");
    }
    net::Socket honest = dealer(*context, broker.endpoints[0]);
    ask(honest, "mmi.service", "nobody");
    CHECK(answer_of(honest) == "404");
}

TEST_CASE("flotilla-broker: it says when it is ready and where it is bound", "[process][broker]") {
    const ScratchFolder folder;
    Daemon daemon = start_broker({"--bind", "tcp://127.0.0.1:*", "--bind",
                                  folder.ipc("broker").text(), "--heartbeat", "1m"});
    REQUIRE(daemon.endpoints.size() == 2);
    CHECK(daemon.endpoints[0].port() != 0);
    const auto line = daemon.process.wait_line(Stream::error, "broker_ready");
    REQUIRE(line);
    CHECK(has(*line, " info broker_ready endpoints=" + daemon.endpoints[0].text() + "," +
                         folder.ipc("broker").text()));
    // A worker behind one endpoint, a client behind the other.
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[1]);
    ready(worker, "echo");
    ask(client, "echo", "hello");
    const Taken taken = take(worker);
    CHECK(taken.body == "hello");
    answer(worker, taken, "and hello to you");
    CHECK(answer_of(client) == "and hello to you");
    daemon.process.signal(SIGINT);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-broker: SIGUSR1 prints counters and services, and so does the end",
          "[process][broker]") {
    auto context = net::Context::open();
    Daemon daemon = start_broker_anywhere({"--log-format", "json", "--heartbeat", "1m"});
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "echo");
    ask(client, "echo", "x");
    answer(worker, take(worker), "y");
    CHECK(answer_of(client) == "y");
    daemon.process.signal(SIGUSR1);
    const auto line = daemon.process.wait_line(Stream::error, "broker_counters");
    REQUIRE(line);
    const auto counters = nlohmann::json::parse(*line);
    CHECK(counters.at("level") == "info");
    CHECK(counters.at("answered") == 1);
    CHECK(counters.at("workers_now") == 1);
    const auto service = daemon.process.wait_line(Stream::error, "service_counters");
    REQUIRE(service);
    CHECK(nlohmann::json::parse(*service).at("name") == "echo");
    CHECK(nlohmann::json::parse(*service).at("workers_waiting_now") == 1);
    daemon.process.signal(SIGTERM);
    const auto last = daemon.process.wait_line(Stream::error, "broker_stopped");
    REQUIRE(last);
    CHECK(nlohmann::json::parse(*last).at("accepted") == 1);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-broker: SIGTERM waits for what is under way, and tells the workers",
          "[process][broker]") {
    auto context = net::Context::open();
    Daemon daemon = start_broker_anywhere({"--drain", "60s", "--heartbeat", "1m"});
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    auto other = dealer(*context, daemon.endpoints[0]);
    ready(worker, "slow");
    ask(client, "slow", "first");
    const Taken first = take(worker);
    ask(other, "slow", "second"); // waits for the worker, and is answered too
    wait_counters(daemon, "queued_now=1 running_now=1");
    daemon.process.signal(SIGTERM);
    REQUIRE(daemon.process.wait_line(Stream::error, "draining deadline=1m"));
    answer(worker, first, "1");
    CHECK(answer_of(client) == "1");
    const Taken second = take(worker);
    CHECK(second.body == "second");
    answer(worker, second, "2");
    CHECK(answer_of(other) == "2");
    wait_disconnect(worker);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
    CHECK(has(daemon.process.text(Stream::error), "broker_stopped"));
}

TEST_CASE("flotilla-broker: what a drain cannot finish shows in the exit code",
          "[process][broker]") {
    auto context = net::Context::open();
    Daemon daemon = start_broker_anywhere({"--drain", "100ms", "--heartbeat", "1m"});
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "slow");
    ask(client, "slow", "never answered");
    take(worker);
    daemon.process.signal(SIGTERM);
    const auto line = daemon.process.wait_line(Stream::error, "broker_stopped");
    REQUIRE(line);
    CHECK(has(*line, "running_now=1"));
    wait_disconnect(worker);
    CHECK(daemon.process.wait_exit() == Exit::with(5));
}

TEST_CASE("flotilla-broker: a second SIGTERM ends it at once", "[process][broker]") {
    auto context = net::Context::open();
    Daemon daemon = start_broker_anywhere({"--drain", "1h", "--heartbeat", "1m"});
    auto client = dealer(*context, daemon.endpoints[0]);
    ask(client, "nobody", "x");
    wait_counters(daemon, "queued_now=1");
    daemon.process.signal(SIGTERM);
    REQUIRE(daemon.process.wait_line(Stream::error, "draining"));
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(5));
}

TEST_CASE("flotilla-broker: what breaks the protocol is logged, seldom, and harms nobody else",
          "[process][broker]") {
    auto context = net::Context::open();
    Daemon daemon = start_broker_anywhere(patient);
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "echo");
    const std::uint64_t used = seed(20'260'131);
    INFO("FLOTILLA_TEST_SEED=" << used);
    Random random(used);
    constexpr int senders = 100;
    constexpr int messages_each = 100;
    for (int s = 0; s < senders; ++s) {
        auto stranger = dealer(*context, daemon.endpoints[0]);
        for (int i = 0; i < messages_each; ++i) {
            wire::Frames noise;
            for (std::uint64_t f = random.below(4); f != UINT64_MAX; --f) {
                const auto bytes = random.bytes16();
                noise.add(ByteView{bytes.data(), random.below(bytes.size() + 1)});
            }
            send(stranger, std::move(noise));
        }
        ask(client, "echo", std::to_string(s));
        const Taken taken = take(worker);
        answer(worker, taken, taken.body);
        CHECK(answer_of(client) == std::to_string(s));
    }
    const auto line = daemon.process.wait_line(Stream::error, " warning malformed ");
    REQUIRE(line);
    CHECK(has(*line, "why="));
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
    const std::string& log = daemon.process.text(Stream::error);
    std::size_t lines = 0;
    for (std::size_t at = 0; (at = log.find(" malformed ", at)) != std::string::npos; ++at)
        ++lines;
    CHECK(lines < senders * messages_each / 10);
}

TEST_CASE("flotilla-broker: flag over variable over file", "[process][broker]") {
    const ScratchFolder folder;
    const std::string file = folder.file("broker.toml");
    std::ofstream(file) << "bind = 'ipc:///file'\ndrain = '1s'\nlog_level = 'error'\n"
                           "liveness = 4\nprefetch = 2\n[[service]]\nname = 'a'\nrequeue = true\n";
    ProcessOptions options;
    options.environment = {"FLOTILLA_BROKER_BIND=ipc:///one,ipc:///two",
                           "FLOTILLA_BROKER_PREFETCH=3", "FLOTILLA_BROKER_DRAIN=2s",
                           "FLOTILLA_BROKER_ALLOW_PLAINTEXT=true"};
    const auto printed = run_program(
        {broker_program, "--config", file, "--prefetch", "5", "--print-config"}, {}, options);
    CHECK(printed.exit == Exit::with(0));
    CHECK(has(printed.output, "bind = [\"ipc:///one\", \"ipc:///two\"]"));
    CHECK(has(printed.output, "drain = \"2s\""));
    CHECK(has(printed.output, "log_level = \"error\""));
    CHECK(has(printed.output, "liveness = 4"));
    CHECK(has(printed.output, "prefetch = 5"));
    CHECK(has(printed.output, "allow_plaintext = true"));
    CHECK(has(printed.output, "name = \"a\""));
    CHECK(has(printed.output, "requeue = true"));
}

TEST_CASE("flotilla-broker: wrong settings end it with 2 and say what and where",
          "[process][broker]") {
    const ScratchFolder folder;
    const std::string file = folder.file("broker.toml");
    std::ofstream(file) << "bind = 'tcp://127.0.0.1:*'\n[[service]]\nname = 'a'\nprefech = 2\n";
    const auto refused = [](std::vector<std::string> arguments, const std::string& part) {
        arguments.insert(arguments.begin(), broker_program);
        const auto done = run_program(arguments);
        INFO(done.error);
        CHECK(done.exit == Exit::with(2));
        CHECK(done.output.empty());
        CHECK(has(done.error, part));
    };
    const std::string somewhere = "inproc://a";
    refused({"--config", file}, file + ":4:1: unknown key 'prefech'; did you mean 'prefetch'?");
    refused({"--config", folder.file("none.toml")}, "none.toml: there is no such file");
    refused({"--no-such-flag"}, "--no-such-flag");
    refused({}, "nowhere to bind; say --bind");
    refused({"surplus", "--bind", somewhere}, "surplus");
    refused({"--bind", "tcp//x"}, "--bind: 'tcp//x'");
    refused({"--bind", ">tcp://127.0.0.1:1"}, "leave out the '>'");
    refused({"--bind", "tcp://*:*"},
            "--bind (bind) 'tcp://*:*' reaches beyond this machine and would be plaintext");
    refused({"--bind", somewhere, "--heartbeat", "5"}, "--heartbeat: ");
    refused({"--bind", somewhere, "--heartbeat", "1ms"},
            "--heartbeat: 1ms is out of range; it must be from 10ms to 1h");
    refused({"--bind", somewhere, "--liveness", "0"}, "--liveness: ");
    refused({"--bind", somewhere, "--when-full", "wait"},
            "--when-full: 'wait' is none of refuse, drop_oldest");
    refused({"--bind", somewhere, "--drain", "2h"}, "--drain: 2h is out of range");
    refused({"--bind", somewhere, "--curve-key", "/nowhere/key"}, "nothing says who may connect");
    refused({"--bind", somewhere, "--curve-key", "/nowhere/key", "--allow-any-client-key"},
            "/nowhere/key");
    refused({"--bind", somewhere, "--log-level", "loud"}, "--log-level");
    refused({"--bind", somewhere, "--instance", "a\nb"}, "--instance: holds a control character");
    std::ofstream(file) << "bind = 'inproc://a'\ninstance = \"a\\u0000b\"\n";
    refused({"--config", file, "--check-config"}, file + ":2:12: 'instance': holds a control");
    // A terminal is not driven by what a file says.
    std::ofstream(file) << "\"\\u001b]0;driven\\u0007\" = 1\n";
    refused({"--config", file, "--check-config"}, "unknown key '\\x1b]0;driven\\x07'");
}

TEST_CASE("flotilla-broker: settings that could not be printed are no success",
          "[process][broker]") {
    const Completed full = run_program(
        {"bash", "-c", "exec \"$0\" --bind 'tcp://127.0.0.1:*' --print-config > /dev/full",
         broker_program});
    CHECK(full.exit == Exit::with(1));
    CHECK(has(full.error, "the settings cannot be written"));
}

TEST_CASE("flotilla-broker: a port in use ends it with a message that names it",
          "[process][broker]") {
    auto context = net::Context::open();
    auto taken = net::Socket::open(*context, net::SocketType::pull);
    const auto endpoint = taken->bind(any_tcp());
    const auto done = run_program({broker_program, "--bind", endpoint->text()});
    CHECK(done.exit == Exit::with(1));
    CHECK(has(done.error, "flotilla-broker: --bind (bind): cannot bind " + endpoint->text() +
                              ": Address already in use"));
}

TEST_CASE("flotilla-broker: it does not say that it is ready where it would hang up on everybody",
          "[process][broker]") {
    for (const char* files : {"20", "30", "36", "40", "44", "48"}) {
        CAPTURE(files);
        const Completed refused =
            run_program({"bash", "-c",
                         std::string("ulimit -n ") + files +
                             "; exec \"$0\" --bind 'tcp://127.0.0.1:*' --ready-json",
                         broker_program});
        CHECK(refused.exit == Exit::with(1));
        INFO(refused.error);
        CHECK(refused.output.empty());
        CHECK(has(refused.error, "open files"));
    }
}

TEST_CASE("flotilla-broker: the example settings are right", "[process][broker]") {
    const auto checked =
        run_program({broker_program, "--config", FLOTILLA_BROKER_EXAMPLE_CONFIG, "--check-config"});
    INFO(checked.error);
    CHECK(checked.exit == Exit::with(0));
    CHECK(checked.error.empty());
}

TEST_CASE("flotilla-broker: help and version go to standard output", "[process][broker]") {
    const auto help = run_program({broker_program, "--help"});
    CHECK(help.exit == Exit::with(0));
    for (const char* part : {"--bind", "--heartbeat", "--request-expiry", "--prefetch", "--requeue",
                             "--curve-key", "Examples:"})
        CHECK(has(help.output, part));
    const auto version = run_program({broker_program, "--version"});
    CHECK(version.exit == Exit::with(0));
    CHECK(version.output.find("flotilla-broker ") == 0);
}

TEST_CASE("flotilla-broker: with keys it serves listed peers beyond this machine",
          "[process][broker]") {
    const ScratchFolder folder;
    const auto server = *net::generate_key_pair();
    const auto client = *net::generate_key_pair();
    REQUIRE(net::save_certificate(server, folder.file("broker.key")));
    std::ofstream(folder.file("peers")) << client.public_key.z85() << "\n";
    Daemon daemon =
        start_broker({"--bind", "tcp://0.0.0.0:*", "--curve-key", folder.file("broker.key_secret"),
                      "--allow-client-keys", folder.file("peers")});
    const auto endpoint =
        *net::Endpoint::parse("tcp://127.0.0.1:" + std::to_string(daemon.endpoints[0].port()));
    auto context = net::Context::open();
    net::SocketOptions options;
    options.security = net::CurveClient{client, server.public_key};
    auto listed = net::Socket::open(*context, net::SocketType::dealer, options);
    REQUIRE(listed->connect(endpoint));
    ask(*listed, "mmi.service", "nobody");
    CHECK(answer_of(*listed) == "404");
    options.security = net::CurveClient{*net::generate_key_pair(), server.public_key};
    auto stranger = net::Socket::open(*context, net::SocketType::dealer, options);
    REQUIRE(stranger->connect(endpoint));
    ask(*stranger, "mmi.service", "nobody");
    ask(*listed, "mmi.service", "nobody");
    CHECK(answer_of(*listed) == "404");
    CHECK_FALSE(stranger->receive(200ms)); // not let in: nothing ever comes
}
