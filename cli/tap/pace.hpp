// SPDX-License-Identifier: Apache-2.0
//
// Pace: the loop of tap and record: takes messages from a source until a count, a quiet time or a
// signal ends it.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <cli/tap/source.hpp>

#include <functional>

namespace flotilla::cli::tap {

struct PaceFlags {
    std::optional<std::uint64_t> count;
    std::optional<Duration> timeout;
};
void add_pace(Parser& parser, PaceFlags& flags);

struct Take {
    std::function<Status(Seen, std::uint64_t number)> message{};
    std::function<Status()> idle{}; // nothing is there at the moment
    std::function<bool()> closed{}; // nobody reads our output any more
    std::function<std::string()> progress{};
    Duration drain_wait = 5s; // inline, at the end
};
// ok, or nothing: no message came within the timeout. What was missed is said on the terminal.
// Errors: those of the source and of `take`.
Result<ExitCode> run(Source& source, const PaceFlags& flags, const Take& take, Terminal& terminal);

} // namespace flotilla::cli::tap
