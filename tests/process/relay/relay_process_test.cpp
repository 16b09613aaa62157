// SPDX-License-Identifier: Apache-2.0
// The real flotilla-relay: its lines, its signals, its end.
#include <flotilla/net/curve.hpp>

#include <process/relay/relay_program.hpp>

#include <fstream>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::test;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

const std::string program = relay_program;

Daemon start(std::vector<std::string> arguments) {
    return start_relay(std::move(arguments));
}

void wait_counters(Daemon& daemon, const std::string& wanted) {
    std::string seen;
    while (!has(seen, wanted)) {
        daemon.process.signal(SIGUSR1);
        const auto line = daemon.process.wait_line(Stream::error, "relay_counters");
        REQUIRE(line);
        seen = *line;
    }
}

} // namespace

TEST_CASE("flotilla-relay: it says when it is ready and where it is bound", "[process][relay]") {
    Daemon daemon = start_kind("streamer", {"--name", "work", "--capture", "tcp://127.0.0.1:*"});
    const auto line = daemon.process.wait_line(Stream::error, "relay_ready");
    REQUIRE(line);
    CHECK(has(*line, " info relay_ready name=work kind=streamer frontend=" +
                         daemon.endpoint("frontend").text() +
                         " backend=" + daemon.endpoint("backend").text() +
                         " capture=" + daemon.endpoint("capture").text()));
    CHECK(daemon.endpoint("frontend").port() != 0);
    daemon.process.signal(SIGINT);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-relay: SIGUSR1 prints the counters, and so does the end", "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("streamer", {"--log-format", "json"});
    auto push = connected(*context, SocketType::push, daemon.endpoint("frontend"));
    auto pull = connected(*context, SocketType::pull, daemon.endpoint("backend"));
    for (int i = 0; i < 3; ++i)
        REQUIRE(push.send("12345", patience));
    for (int i = 0; i < 3; ++i)
        CHECK(next(pull) == "12345");
    daemon.process.signal(SIGUSR1);
    const auto line = daemon.process.wait_line(Stream::error, "relay_counters");
    REQUIRE(line);
    const auto counters = nlohmann::json::parse(*line);
    CHECK(counters.at("level") == "info");
    CHECK(counters.at("name") == "relay");
    CHECK(counters.at("in_messages") == 3);
    CHECK(counters.at("in_bytes") == 15);
    daemon.process.signal(SIGTERM);
    const auto last = daemon.process.wait_line(Stream::error, "relay_stopped");
    REQUIRE(last);
    CHECK(nlohmann::json::parse(*last).at("in_messages") == 3);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-relay: SIGTERM hands on what has arrived before it ends", "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("streamer", {"--drain", "60s"});
    auto pull = connected(*context, SocketType::pull, daemon.endpoint("backend"));
    auto push = connected(*context, SocketType::push, daemon.endpoint("frontend"));
    REQUIRE(push.send("first", patience));
    CHECK(next(pull) == "first");
    constexpr int count = 1'000; // within the queue of the pulling side, which does not read yet
    for (int i = 0; i < count; ++i)
        REQUIRE(push.send(std::to_string(i), patience));
    // A message on a second connection, sent after these, shows in the counters that all arrived.
    wait_counters(daemon, "in_messages=" + std::to_string(count + 1) + " ");
    daemon.process.signal(SIGTERM);
    REQUIRE(daemon.process.wait_line(Stream::error, "draining deadline=1m"));
    for (int i = 0; i < count; ++i)
        REQUIRE(next(pull) == std::to_string(i));
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-relay: what a drain cannot hand on shows in the exit code",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("streamer", {"--drain", "100ms"});
    auto push = connected(*context, SocketType::push, daemon.endpoint("frontend"));
    REQUIRE(push.send("nobody pulls", patience));
    wait_counters(daemon, "in_held=1");
    daemon.process.signal(SIGTERM);
    const auto line = daemon.process.wait_line(Stream::error, "relay_stopped");
    REQUIRE(line);
    CHECK(has(*line, "in_dropped_not_drained=1"));
    CHECK(daemon.process.wait_exit() == Exit::with(5));
}

TEST_CASE("flotilla-relay: what its sockets cannot send before the end shows in the exit code",
          "[process][relay]") {
    auto context = net::Context::open();
    const test::ScratchFolder scratch;
    Daemon daemon = start({"streamer", "--frontend", "tcp://127.0.0.1:*", "--backend",
                           ">" + scratch.ipc("nobody").text(), "--drain", "200ms"});
    auto push = connected(*context, SocketType::push, daemon.endpoint("frontend"));
    REQUIRE(push.send("for nobody", patience));
    wait_counters(daemon, "in_messages=1");
    daemon.process.signal(SIGTERM);
    const auto line = daemon.process.wait_line(Stream::error, "relay_stopped");
    REQUIRE(line);
    CHECK(has(*line, "drained=no"));
    CHECK(has(*line, "why=\"peers had not read everything"));
    CHECK(daemon.process.wait_exit() == Exit::with(5));
}

TEST_CASE("flotilla-relay: a second SIGTERM ends it at once", "[process][relay]") {
    auto context = net::Context::open();
    Daemon daemon = start_kind("queue", {"--drain", "1h"});
    auto req = connected(*context, SocketType::req, daemon.endpoint("frontend"));
    auto rep = connected(*context, SocketType::rep, daemon.endpoint("backend"));
    REQUIRE(req.send("never answered", patience));
    CHECK(next(rep) == "never answered");
    daemon.process.signal(SIGTERM);
    REQUIRE(daemon.process.wait_line(Stream::error, "draining"));
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(5));
}

TEST_CASE("flotilla-relay: killed and started again on its ports, traffic goes on",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon first = start_kind("streamer");
    const std::string front = first.endpoint("frontend").text();
    const std::string back = first.endpoint("backend").text();
    auto push = connected(*context, SocketType::push, first.endpoint("frontend"));
    auto pull = connected(*context, SocketType::pull, first.endpoint("backend"));
    int sent = 0;
    const auto send_some = [&](int count) {
        for (int i = 0; i < count; ++i)
            if (push.send(std::to_string(sent), Duration::zero()))
                ++sent;
    };
    send_some(500);
    CHECK(next(pull) == "0");
    first.process.signal(SIGKILL);
    CHECK(first.process.wait_exit() == Exit::by(SIGKILL));
    send_some(100); // queued ahead by the pusher, which connects

    Daemon second = start({"streamer", "--frontend", front, "--backend", back});
    // At most once: what was inside is gone, the rest comes in order, and what is sent now arrives.
    const std::string last = "after the restart";
    const Instant deadline = deadline_after(net::now(), patience);
    int previous = 0;
    std::string got;
    while (got != last) {
        REQUIRE(net::now() < deadline);
        (void)push.send(ByteView{last}, Duration::zero());
        const auto message = pull.receive(100ms);
        if (!message)
            continue;
        got = std::string((*message)[0].view());
        if (got == last)
            break;
        const int number = std::stoi(got);
        REQUIRE(number > previous);
        previous = number;
    }
    second.process.signal(SIGTERM);
    CHECK(second.process.wait_exit());
}

TEST_CASE("flotilla-relay: after a restart subscribers hear again, without subscribing again",
          "[process][relay]") {
    auto context = net::Context::open();
    Daemon first = start_kind("forwarder");
    const std::string front = first.endpoint("frontend").text();
    const std::string back = first.endpoint("backend").text();
    auto pub = connected(*context, SocketType::xpub, first.endpoint("frontend"));
    auto sub = connected(*context, SocketType::sub, first.endpoint("backend"));
    REQUIRE(sub.subscribe("a"));
    CHECK(next(pub) == "\1a");
    REQUIRE(pub.send("a1", patience));
    CHECK(next(sub) == "a1");
    first.process.signal(SIGKILL);
    REQUIRE(first.process.wait_exit());
    Daemon second = start({"forwarder", "--frontend", front, "--backend", back});
    // Both peers come back in their own time, and nobody subscribes again by hand.
    const Instant deadline = deadline_after(net::now(), patience);
    Result<Frames> message = fail(Errc::timeout);
    while (!message) {
        REQUIRE(net::now() < deadline);
        REQUIRE(pub.send("a2", patience));
        message = sub.receive(100ms);
    }
    CHECK((*message)[0] == ByteView{"a2"});
}

TEST_CASE("flotilla-relay: many relays in one process, from a file", "[process][relay]") {
    const test::ScratchFolder folder;
    std::ofstream(folder.file("relay.toml"))
        << "[[relay]]\nname = 'one'\nkind = 'streamer'\nfrontend = 'tcp://127.0.0.1:*'\n"
           "backend = 'tcp://127.0.0.1:*'\n"
           "[[relay]]\nname = 'two'\nkind = 'queue'\nfrontend = 'tcp://127.0.0.1:*'\n"
           "backend = 'tcp://127.0.0.1:*'\n";
    auto context = net::Context::open();
    Daemon daemon = start({"--config", folder.file("relay.toml")});
    REQUIRE(daemon.relays.size() == 2);
    auto push = connected(*context, SocketType::push, daemon.endpoint("frontend", 0));
    auto pull = connected(*context, SocketType::pull, daemon.endpoint("backend", 0));
    auto req = connected(*context, SocketType::req, daemon.endpoint("frontend", 1));
    auto rep = connected(*context, SocketType::rep, daemon.endpoint("backend", 1));
    REQUIRE(push.send("work", patience));
    REQUIRE(req.send("request", patience));
    CHECK(next(pull) == "work");
    CHECK(next(rep) == "request");
    REQUIRE(rep.send("reply", patience));
    CHECK(next(req) == "reply");
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-relay: flag over variable over file", "[process][relay]") {
    const test::ScratchFolder folder;
    const std::string file = folder.file("relay.toml");
    std::ofstream(file) << "drain = '1s'\nlog_level = 'error'\n[[relay]]\nkind = 'queue'\n"
                           "name = 'file'\nhwm = 1\nframes_max = 11\n";
    test::ProcessOptions options;
    options.environment = {"FLOTILLA_RELAY_NAME=variable", "FLOTILLA_RELAY_HWM=2",
                           "FLOTILLA_RELAY_DRAIN=2s"};
    const auto printed =
        run_program({program, "--config", file, "--hwm", "3", "--print-config"}, {}, options);
    CHECK(printed.exit == Exit::with(0));
    CHECK(has(printed.output, "drain = \"2s\""));
    CHECK(has(printed.output, "log_level = \"error\""));
    CHECK(has(printed.output, "name = \"variable\""));
    CHECK(has(printed.output, "hwm = 3\n"));
    CHECK(has(printed.output, "frames_max = 11"));
}

TEST_CASE("flotilla-relay: wrong settings end it with 2 and say what and where",
          "[process][relay]") {
    const test::ScratchFolder folder;
    const std::string file = folder.file("relay.toml");
    std::ofstream(file) << "[[relay]]\nkind = 'queue'\nfrontned = 'tcp://127.0.0.1:*'\n";
    const auto refused = [](std::vector<std::string> arguments, const std::string& part) {
        arguments.insert(arguments.begin(), program);
        const auto done = run_program(arguments);
        INFO(done.error);
        CHECK(done.exit == Exit::with(2));
        CHECK(done.output.empty());
        CHECK(has(done.error, part));
    };
    refused({"--config", file}, file + ":3:1: unknown key 'frontned'; did you mean 'frontend'?");
    refused({"--config", folder.file("none.toml")}, "none.toml: there is no such file");
    refused({"--no-such-flag"}, "--no-such-flag");
    refused({"router"}, "router");
    refused({}, "nothing to relay");
    refused({"streamer", "--frontend", "tcp//x", "--backend", "tcp://127.0.0.1:*"},
            "--frontend: 'tcp//x'");
    refused({"streamer", "--frontend", "tcp://127.0.0.1:*"}, "no backend endpoint");
    refused({"streamer", "--frontend", "tcp://*:*", "--backend", "tcp://127.0.0.1:*"},
            "reaches beyond this machine and would be plaintext");
    refused({"queue", "--frontend", "inproc://a", "--backend", "inproc://b", "--last-value"},
            "a queue has no topics");
    refused(
        {"forwarder", "--frontend", "inproc://a", "--backend", "inproc://b", "--overflow", "lose"},
        "--overflow: 'lose' is no overflow policy");
    refused({"forwarder", "--frontend", "inproc://a", "--backend", "inproc://b", "--drain", "5"},
            "--drain: ");
    refused({"forwarder", "--frontend", "inproc://a", "--backend", "inproc://b", "--curve-key",
             "/nowhere/key"},
            "/nowhere/key");
}

TEST_CASE("flotilla-relay: a port in use ends it with a message that names it",
          "[process][relay]") {
    auto context = net::Context::open();
    auto taken = net::Socket::open(*context, SocketType::pull);
    const auto endpoint = taken->bind(test::any_tcp());
    const auto done = run_program({program, "streamer", "--name", "mine", "--frontend",
                                   endpoint->text(), "--backend", "tcp://127.0.0.1:*"});
    CHECK(done.exit == Exit::with(1));
    CHECK(has(done.error, "flotilla-relay: relay 'mine' frontend: cannot bind " + endpoint->text() +
                              ": Address already in use"));
}

TEST_CASE("flotilla-relay: the example settings are right", "[process][relay]") {
    const auto checked =
        run_program({program, "--config", FLOTILLA_RELAY_EXAMPLE_CONFIG, "--check-config"});
    INFO(checked.error);
    CHECK(checked.exit == Exit::with(0));
    CHECK(checked.error.empty());
}

TEST_CASE("flotilla-relay: help and version go to standard output", "[process][relay]") {
    const auto help = run_program({program, "--help"});
    CHECK(help.exit == Exit::with(0));
    for (const char* part : {"forwarder", "--frontend", "--capture", "--last-value", "Examples:"})
        CHECK(has(help.output, part));
    const auto version = run_program({program, "--version"});
    CHECK(version.exit == Exit::with(0));
    CHECK(version.output.find("flotilla-relay ") == 0);
}

TEST_CASE("flotilla-relay: with keys it serves listed clients beyond this machine",
          "[process][relay]") {
    const test::ScratchFolder folder;
    const auto server = *net::generate_key_pair();
    const auto client = *net::generate_key_pair();
    REQUIRE(net::save_certificate(server, folder.file("relay.key")));
    std::ofstream(folder.file("clients")) << client.public_key.z85() << "\n";
    Daemon daemon =
        start({"streamer", "--frontend", "tcp://0.0.0.0:*", "--backend", "tcp://127.0.0.1:*",
               "--curve-key", folder.file("relay.key_secret"), "--allow-client-keys",
               folder.file("clients"), "--curve-sides", "frontend"});
    auto context = net::Context::open();
    net::SocketOptions options;
    options.security = net::CurveClient{client, server.public_key};
    auto push = net::Socket::open(*context, SocketType::push, options);
    const auto port = std::to_string(daemon.endpoint("frontend").port());
    REQUIRE(push->connect(*net::Endpoint::parse("tcp://127.0.0.1:" + port)));
    auto pull = connected(*context, SocketType::pull, daemon.endpoint("backend"));
    REQUIRE(push->send("encrypted", patience));
    CHECK(next(pull) == "encrypted");

    options.security = net::CurveClient{*net::generate_key_pair(), server.public_key};
    auto stranger = net::Socket::open(*context, SocketType::push, options);
    REQUIRE(stranger->connect(*net::Endpoint::parse("tcp://127.0.0.1:" + port)));
    const auto line = daemon.process.wait_line(Stream::error, "connection_failed");
    REQUIRE(line);
    CHECK(has(*line, "warning connection_failed name=relay side=frontend"));
    CHECK(has(*line, "handshake_refused says for what"));
    CHECK(daemon.process.wait_line(Stream::error, "handshake_refused reason=unknown_key"));
}

TEST_CASE("flotilla-relay: a first access file is not half in force", "[process][relay]") {
    const test::ScratchFolder folder;
    REQUIRE(net::save_certificate(*net::generate_key_pair(), folder.file("relay.key")));
    std::ofstream(folder.file("clients")) << net::generate_key_pair()->public_key.z85() << "\n";
    std::ofstream(folder.file("access.toml")) << "[[address]]\ndeny = '10.0.0.0/8'\n";
    const auto write = [&](const std::string& more) {
        std::ofstream(folder.file("relay.toml"))
            << more << "[[relay]]\nname = 'mixed'\nkind = 'streamer'\n"
            << "frontend = 'tcp://127.0.0.1:*'\nbackend = 'tcp://127.0.0.1:*'\n"
            << "curve_key = '" << folder.file("relay.key_secret") << "'\nallow_client_keys = '"
            << folder.file("clients") << "'\ncurve_sides = 'frontend'\n";
    };
    write("");
    Daemon daemon = start({"--config", folder.file("relay.toml")});
    write("access = '" + folder.file("access.toml") + "'\n");
    daemon.process.signal(SIGHUP);
    const auto line = daemon.process.wait_line(Stream::error, "reload_failed");
    REQUIRE(line);
    CHECK(has(*line, "needs listeners that ask plaintext peers for their address: restart"));
}
