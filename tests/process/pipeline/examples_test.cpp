// SPDX-License-Identifier: Apache-2.0
// The examples of the pipeline, each side with its Flotilla and its pyzmq partner.
#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using flotilla::test::Exit;
using flotilla::test::Process;
using flotilla::test::Stream;

namespace {

const std::string folder = FLOTILLA_PIPELINE_EXAMPLES;

std::string numbered_lines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i)
        lines += "line " + std::to_string(i) + "\n";
    return lines;
}

// Starts a puller, sends the lines through `pusher` and returns what the puller printed.
std::string through(std::vector<std::string> pusher, const std::vector<std::string>& puller,
                    const std::string& lines) {
    Process pulls = Process::start(puller);
    const auto ready = pulls.wait_line(Stream::error, "pulling at ");
    REQUIRE(ready.has_value());
    const std::string endpoint = ready->substr(std::string("pulling at ").size());
    pusher.insert(pusher.begin() + (pusher[0] == "/usr/bin/python3" ? 2 : 1), endpoint);
    const auto pushed = test::run_program(pusher, lines);
    INFO(pushed.error);
    CHECK(pushed.exit == Exit::with(0));
    CHECK(pulls.wait_exit() == Exit::with(0));
    return pulls.text(Stream::output);
}

const std::string any = "tcp://127.0.0.1:*";

} // namespace

TEST_CASE("pipeline examples: every line arrives in order, plain and batched",
          "[process][pipeline]") {
    const std::string lines = numbered_lines(20'000);
    CHECK(through({FLOTILLA_PIPELINE_PUSHER}, {FLOTILLA_PIPELINE_PULLER, any}, lines) == lines);
    CHECK(through({FLOTILLA_PIPELINE_PUSHER, "--batch"}, {FLOTILLA_PIPELINE_PULLER, any}, lines) ==
          lines);
}

TEST_CASE("pipeline examples: pyzmq is a partner on either side", "[process][pipeline]") {
    const std::string lines = numbered_lines(2'000);
    const std::vector<std::string> python_pull{"/usr/bin/python3", folder + "/puller.py", any};
    CHECK(through({"/usr/bin/python3", folder + "/pusher.py"}, {FLOTILLA_PIPELINE_PULLER, any},
                  lines) == lines);
    CHECK(through({FLOTILLA_PIPELINE_PUSHER}, python_pull, lines) == lines);
    CHECK(through({FLOTILLA_PIPELINE_PUSHER, "--batch"}, python_pull, lines) == lines);
}

TEST_CASE("pipeline examples: a bad endpoint is said to be one", "[process][pipeline]") {
    for (const std::string program : {FLOTILLA_PIPELINE_PUSHER, FLOTILLA_PIPELINE_PULLER}) {
        const auto ended = test::run_program({program, "tcp//nowhere"});
        CHECK(ended.exit == Exit::with(2));
        CHECK(ended.error.find("bad_endpoint") != std::string::npos);
    }
}
