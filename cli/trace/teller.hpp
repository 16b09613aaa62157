// SPDX-License-Identifier: Apache-2.0
//
// Teller: prints the ways of messages, wherever they come from. What `zmq trace` and
// `zmq queue trace` share. One thread.
#pragma once

#include <cli/output.hpp>
#include <cli/terminal.hpp>
#include <cli/trace/way.hpp>
#include <command_line/parser.hpp>

#include <string>

namespace flotilla::cli::trace {

using command_line::Parser;

struct TellFlags {
    std::string trace; // only of this one
    bool json = false;
    bool summary = false;
};
void add_telling(Parser& parser, TellFlags& flags);

class Teller {
public:
    explicit Teller(const TellFlags& flags) : flags_(flags) {}

    Status tell(const wire::Frames& message, WallTime received);
    Status flush() { return out_.flush(); }
    const Output& out() const noexcept { return out_; }
    // The summary if it was asked for; and on the terminal, what was passed over.
    Result<ExitCode> finish(ExitCode code, Terminal& terminal);

private:
    const TellFlags& flags_;
    Output out_;
    WayTotals totals_{};
    std::uint64_t plain_ = 0; // messages without an envelope
    std::uint64_t other_ = 0; // of other traces
};

} // namespace flotilla::cli::trace
