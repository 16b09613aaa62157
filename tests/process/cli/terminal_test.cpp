// SPDX-License-Identifier: Apache-2.0
// What changes when a person sits there: script(1) gives the program a terminal.
#include "zmq_program.hpp"

#include <support/catch.hpp>

#include <string>

using namespace flotilla::test;

namespace {

// All three streams of the program are one terminal; what it shows comes out of `output`.
Process on_terminal(const std::string& words) {
    return Process::start(
        {"script", "-qec", std::string(FLOTILLA_ZMQ_PROGRAM) + " " + words, "/dev/null"});
}

} // namespace

TEST_CASE("a terminal is shown no control bytes of others") {
    Process rep = start_zmq({"rep", "tcp://127.0.0.1:*", "--reply", "\x1b[31mred", "-n", "1"});
    Process req = on_terminal("req " + bound_endpoint(rep) + " -q plain");
    CHECK(req.wait_line(Stream::output, R"("\x1b[31mred")"));
    CHECK(req.wait_exit() == Exit::with(0));
    CHECK(req.text(Stream::output).find('\x1b') == std::string::npos);
    CHECK(rep.wait_exit() == Exit::with(0));
}

TEST_CASE("a sender on a terminal asks for a message instead of waiting for one") {
    Process push = on_terminal("push tcp://127.0.0.1:9");
    CHECK(push.wait_line(Stream::output, "nothing to send: give a MESSAGE"));
    CHECK(push.wait_exit() == Exit::with(2));
}

TEST_CASE("long work shows its progress on a terminal, and only there") {
    Process pull = start_zmq({"pull", "tcp://127.0.0.1:*", "--format", "none"});
    const std::string endpoint = bound_endpoint(pull);
    Process push = on_terminal("push " + endpoint + " -n 300 -i 1ms tick");
    CHECK(push.wait_exit() == Exit::with(0));
    CHECK(push.text(Stream::output).find(" sent") != std::string::npos);
    const Completed piped = run_zmq({"push", endpoint, "-n", "300", "-i", "1ms", "tick"});
    CHECK(piped.error.empty());
}
