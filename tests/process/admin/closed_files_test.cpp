// SPDX-License-Identifier: Apache-2.0
// A daemon that is started without standard input and error, as some supervisors do.
#include "daemon.hpp"

#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("a daemon gives the numbers of closed standard files to no socket", "[process][admin]") {
    const ScratchFolder folder;
    const std::string anywhere = "tcp://127.0.0.1:*";
    const std::vector<std::vector<std::string>> daemons{
        {FLOTILLA_RELAY_PROGRAM, "forwarder", "--frontend", anywhere, "--backend", anywhere},
        {FLOTILLA_BROKER_PROGRAM, "--bind", anywhere},
        {FLOTILLA_STORE_PROGRAM, "--bind", anywhere, "--data", folder.file("data")}};
    for (const auto& daemon : daemons) {
        CAPTURE(daemon[0]);
        std::vector<std::string> command{"sh", "-c", "exec \"$0\" \"$@\" <&- 2>&-"};
        command.insert(command.end(), daemon.begin(), daemon.end());
        command.emplace_back("--ready-json");
        Process process = Process::start(command);
        REQUIRE(process.wait_line(Stream::output, "{"));
        const std::string files = "/proc/" + std::to_string(process.pid()) + "/fd/";
        for (const char* each : {"0", "2"})
            CHECK(std::filesystem::read_symlink(files + each) == "/dev/null");
        process.signal(SIGTERM);
        CHECK(process.wait_exit() == Exit::with(0));
    }
}
