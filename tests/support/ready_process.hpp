// SPDX-License-Identifier: Apache-2.0
// A daemon that has said that it is ready.
#pragma once

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/process.hpp>

#include <string>
#include <utility>
#include <vector>

namespace flotilla::test {

struct ReadyProcess {
    Process process;
    nlohmann::json said; // by --ready-json
};

// Fails the test with what it said on stderr when it ends instead.
inline ReadyProcess start_ready(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program);
    arguments.push_back("--ready-json");
    Process process = Process::start(arguments);
    const auto line = process.wait_line(Stream::output);
    if (!line) {
        (void)process.wait_exit();
        FAIL(process.text(Stream::error));
    }
    return {std::move(process), nlohmann::json::parse(*line)};
}

} // namespace flotilla::test
