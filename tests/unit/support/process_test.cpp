// SPDX-License-Identifier: Apache-2.0
#include <support/catch.hpp>
#include <support/process.hpp>

#include <csignal>
#include <stdexcept>
#include <string>

using namespace flotilla::test;
using namespace std::chrono_literals;

TEST_CASE("process: a program gets its input and its outputs are told apart", "[unit][support]") {
    const Completed done = run_program({"sh", "-c", "cat; echo oops >&2; exit 3"}, "a\nb\n");
    CHECK(done.exit == Exit::with(3));
    CHECK(done.output == "a\nb\n");
    CHECK(done.error == "oops\n");
}

TEST_CASE("process: more input than a pipe holds passes through a child", "[unit][support]") {
    const std::string large(3'000'000, 'x');
    CHECK(run_program({"cat"}, large).output == large);
}

TEST_CASE("process: a line is waited for, and the lines before it are passed over",
          "[unit][support]") {
    Process child = Process::start({"sh", "-c", "echo one; echo two; read x; echo got $x"});
    CHECK(child.wait_line(Stream::output, "two") == "two");
    CHECK(child.write("three\n"));
    CHECK(child.wait_line(Stream::output) == "got three");
    CHECK(child.wait_exit() == Exit::with(0));
    CHECK_FALSE(child.wait_line(Stream::output));
    CHECK(child.text(Stream::output) == "one\ntwo\ngot three\n");
}

TEST_CASE("process: waits end at their deadline", "[unit][support]") {
    Process child = Process::start({"cat"});
    CHECK_FALSE(child.wait_line(Stream::output, "never", 20ms));
    CHECK_FALSE(child.wait_exit(20ms));
    child.signal(SIGTERM);
    CHECK(child.wait_exit() == Exit::by(SIGTERM));
}

TEST_CASE("process: variables are added, replaced and removed", "[unit][support]") {
    ProcessOptions options;
    options.environment = {"FLOTILLA_X=1", "HOME"};
    const Completed done =
        run_program({"sh", "-c", "echo $FLOTILLA_X ${HOME-none}"}, {}, std::move(options));
    CHECK(done.output == "1 none\n");
}

TEST_CASE("process: a missing program is an exception that names it", "[unit][support]") {
    try {
        Process::start({"/nowhere/flotilla-nothing"});
        FAIL("it started");
    } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()).find("/nowhere/flotilla-nothing") != std::string::npos);
    }
}
