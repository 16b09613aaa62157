// SPDX-License-Identifier: Apache-2.0
//
// One run of `zmq call`: requests out of the input, so many at once, and their answers to stdout in
// the order of the requests.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <cli/broker_flags.hpp>
#include <cli/input.hpp>
#include <cli/raw.hpp>
#include <cli/terminal.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

struct CallFlags {
    std::string service;
    std::vector<std::string> bodies;
    std::optional<std::uint64_t> count;
    std::uint64_t parallel = 1;
    bool unordered = false;
    Duration timeout = 30s;
    bool once = false;
    Duration retry_after = 5s;
    BrokerFlags broker;
    InputFlags input;
    OutputFlags output;
};

// ok: every request was answered; nothing: one was not, in time; refused: one was, negatively.
Result<ExitCode> run_call(const CallFlags& flags, Terminal& terminal);

} // namespace flotilla::cli
