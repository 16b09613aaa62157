// SPDX-License-Identifier: Apache-2.0
//
// The example programs, and a worker in plain pyzmq.
#include <flotilla/pipeline/work_source.hpp>

#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::pipeline;
using test::Stream;

TEST_CASE("work: a pyzmq REQ works with nothing but frames", "[process][work]") {
    net::Context context = *net::Context::open();
    WorkSource source = *WorkSource::open(context);
    const std::string at = source.bind(test::any_tcp())->text();
    for (const char* line : {"one", "two", "three"})
        REQUIRE(source.submit(ByteView{line}));
    test::Process worker =
        test::Process::start({"/usr/bin/python3", FLOTILLA_WORK_EXAMPLES "/worker.py", at});
    const auto report = source.drain(30s);
    REQUIRE(report);
    CHECK(report->complete());
    // Its next take finds nothing, and it ends.
    std::optional<test::Exit> exit;
    for (int i = 0; i < 3000 && !exit; ++i) {
        REQUIRE(source.process(10ms));
        exit = worker.wait_exit(test::Process::Wait{1});
    }
    CHECK(exit == test::Exit::with(0));
    CHECK(worker.text(Stream::output) == "one\ntwo\nthree\n");
    CHECK(source.counters().finished_total == 3);
    CHECK(source.counters().redelivered_total == 0);
}

#ifdef FLOTILLA_WORK_SOURCE
TEST_CASE("work: the example source and its workers, C++ and Python", "[process][work]") {
    test::Process source = test::Process::start({FLOTILLA_WORK_SOURCE, "tcp://127.0.0.1:*"});
    const auto line = source.wait_line(Stream::error, "giving out work at ");
    REQUIRE(line);
    const std::string at = line->substr(line->find("tcp://"));
    test::Process one = test::Process::start({FLOTILLA_WORK_WORKER, at});
    test::Process two =
        test::Process::start({"/usr/bin/python3", FLOTILLA_WORK_EXAMPLES "/worker.py", at});
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "line " + std::to_string(i) + "\n";
    REQUIRE(source.write(text));
    source.close_input();
    CHECK(source.wait_exit() == test::Exit::with(0));
    CHECK(source.text(Stream::output) == "200 of 200 lines acknowledged, 0 redelivered\n");
    CHECK(one.wait_exit() == test::Exit::with(0));
    CHECK(one.text(Stream::output).size() <= text.size());
}
#endif
