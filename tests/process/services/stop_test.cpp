// SPDX-License-Identifier: Apache-2.0
// zmq serve that is ended at once, or killed, while commands run: no command runs on without it,
// and what it held goes to another worker.
#include "with_broker.hpp"

#include <process/cli/zmq_program.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// Not one that has ended and that nobody has asked about.
bool is_running(const std::string& pid) {
    std::ifstream in("/proc/" + pid + "/stat");
    std::string word;
    return in >> word >> word >> word && word != "Z";
}

} // namespace

TEST_CASE("serve: ended at once or killed, it takes its commands with it") {
    for (const int last : {SIGINT, SIGTERM, SIGKILL}) {
        const ScratchFolder scratch;
        Daemon broker = start_broker_anywhere({"--requeue", "--heartbeat", "200ms"});
        Process server = start_zmq(with_broker(
            {"serve", "job", "--", "sh", "-c", "echo \"$$ begun\" >&2; exec tail -f /dev/null"},
            broker));
        REQUIRE(server.wait_line(Stream::error, "serving '"));
        Process asking = start_zmq(with_broker({"call", "job", "x"}, broker));
        const auto line = server.wait_line(Stream::error, " begun");
        REQUIRE(line);
        const std::string pid = line->substr(0, line->find(' '));
        CHECK(is_running(pid));
        if (last != SIGKILL) {
            server.signal(last);
            REQUIRE(server.wait_line(Stream::error, "another signal ends it at once"));
        }
        server.signal(last);
        CHECK(server.wait_exit() == (last == SIGKILL ? Exit::by(last) : Exit::with(128 + last)));
        const Instant deadline = deadline_after(net::now(), patience);
        while (is_running(pid))
            REQUIRE(net::now() < deadline);
        Process other = start_zmq(
            with_broker({"serve", "job", "--", "sh", "-c", "echo try $FLOTILLA_ATTEMPT"}, broker));
        CHECK(asking.wait_exit() == Exit::with(0));
        CHECK(asking.text(Stream::output) == "try 2\n\n");
    }
}

TEST_CASE("serve: what its commands started ends with it, at leisure and at once") {
    Daemon broker = start_broker_anywhere({});
    for (const char* kind : {"--lines", "--chomp"}) {
        for (const bool at_once : {false, true}) {
            CAPTURE(kind, at_once);
            Process server = start_zmq(
                with_broker({"serve", "job", kind, "--", "sh", "-c",
                             "tail -f /dev/null >/dev/null & echo \"$! begun\" >&2; read line; " +
                                 std::string(at_once ? "exec tail -f /dev/null"
                                                     : "echo $line; read line; true")},
                            broker));
            REQUIRE(server.wait_line(Stream::error, "serving '"));
            Process asking = start_zmq(with_broker({"call", "job", "x"}, broker));
            const auto line = server.wait_line(Stream::error, " begun");
            REQUIRE(line);
            if (!at_once)
                CHECK(asking.wait_exit() == Exit::with(0));
            server.signal(SIGTERM);
            if (at_once) {
                REQUIRE(server.wait_line(Stream::error, "another signal ends it at once"));
                server.signal(SIGTERM);
            }
            CHECK(server.wait_exit() == Exit::with(128 + SIGTERM));
            const Instant deadline = deadline_after(net::now(), patience);
            while (is_running(line->substr(0, line->find(' '))))
                REQUIRE(net::now() < deadline);
        }
    }
}
