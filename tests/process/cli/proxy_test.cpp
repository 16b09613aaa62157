// SPDX-License-Identifier: Apache-2.0
// zmq proxy between the raw verbs.
#include "zmq_program.hpp"

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <string>

using namespace flotilla::test;

namespace {

struct Proxy {
    Process process;
    std::string frontend;
    std::string backend;
};

Proxy start_proxy(const std::string& kind) {
    Process process = start_zmq({"proxy", kind, "--frontend", any_port, "--backend", any_port});
    const std::string line = process.wait_line(Stream::error, kind + " ready").value_or("");
    const auto after = [&line](const std::string& mark) {
        const std::size_t begin = line.find(mark);
        return begin == std::string::npos
                   ? std::string{}
                   : line.substr(begin + mark.size(), line.find(',', begin) - begin - mark.size());
    };
    return {std::move(process), after("frontend "), after("backend ")};
}

void end(Proxy& proxy) {
    proxy.process.signal(SIGTERM);
    CHECK(proxy.process.wait_exit() == Exit::with(143));
}

} // namespace

TEST_CASE("a streamer passes work on, whichever side comes first") {
    Proxy proxy = start_proxy("streamer");
    CHECK(run_zmq({"push", proxy.frontend, "one", "two"}).exit == Exit::with(0));
    const Completed pull = run_zmq({"pull", proxy.backend, "-n", "2"});
    CHECK(pull.output == "one\ntwo\n");
    end(proxy);
    CHECK(proxy.process.text(Stream::error).find("in_messages=2") != std::string::npos);
}

TEST_CASE("a queue carries requests there and replies back") {
    Proxy proxy = start_proxy("queue");
    Process rep = start_zmq({"rep", proxy.backend, "--reply", "yes", "-n", "1"});
    CHECK(run_zmq({"req", proxy.frontend, "is it?"}).output == "yes\n");
    CHECK(rep.wait_exit() == Exit::with(0));
    end(proxy);
}

TEST_CASE("a forwarder passes subscriptions up and messages down") {
    Proxy proxy = start_proxy("forwarder");
    Process sub = start_zmq({"sub", proxy.backend, "-s", "app.", "-n", "1"});
    const Completed pub =
        run_zmq({"pub", proxy.frontend, "--wait-sub", "app.x", "--topic", "app.x", "hello"});
    CHECK(pub.exit == Exit::with(0));
    CHECK(sub.wait_exit() == Exit::with(0));
    CHECK(sub.text(Stream::output) == "app.x\thello\n");
    end(proxy);
}

TEST_CASE("a proxy that cannot be set up says why") {
    CHECK(run_zmq({"proxy", "forwarder"}).error.find("--frontend") != std::string::npos);
    const Completed kind = run_zmq({"proxy", "fwd", "--frontend", "x", "--backend", "y"});
    CHECK(kind.exit == Exit::with(2));
    CHECK(kind.error.find("'fwd' is none of forwarder, queue, streamer") != std::string::npos);
    const Completed side = run_zmq({"proxy", "queue", "--frontend", any_port, "--backend", "tcp"});
    CHECK(side.exit == Exit::with(2));
    CHECK(side.error.find("--backend: 'tcp'") != std::string::npos);
    const Completed plain =
        run_zmq({"proxy", "queue", "--frontend", "tcp://*:*", "--backend", any_port});
    CHECK(plain.exit == Exit::with(2));
    CHECK(plain.error.find("--allow-plaintext") != std::string::npos);
}
