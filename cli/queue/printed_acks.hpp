// SPDX-License-Identifier: Apache-2.0
//
// PrintedAcks: messages on their way to standard output. Each is acknowledged when all of its text
// has been written, and not before: what waits here at the end was not printed, and goes back.
// One thread.
#pragma once

#include <cli/output.hpp>
#include <cli/queue/take_session.hpp>
#include <cli/terminal.hpp>
#include <cli/words.hpp>

#include <cstdint>
#include <deque>

namespace flotilla::cli {

class PrintedAcks {
public:
    explicit PrintedAcks(const Output& out) : out_(out) {}

    // Its text was the last that the output was given.
    void printed(const Taken& message) { waiting_.push_back({message.lease, out_.given_bytes()}); }
    // Those that have been written. What the store has forgotten meanwhile the session counts.
    void acknowledge(TakeSession& session) {
        for (; !waiting_.empty() && waiting_.front().end <= out_.written_bytes();
             waiting_.pop_front())
            (void)session.ack(waiting_.front().lease);
    }
    // The end of a run that would end with `code`: what was not printed is said, and is
    // not_flushed.
    ExitCode ended(ExitCode code, Terminal& terminal) const {
        if (waiting_.empty())
            return code;
        terminal.error(
            "what reads standard output has gone: " + counted_are(waiting_.size(), "message") +
            " not printed, and not acknowledged");
        return ExitCode::not_flushed;
    }

private:
    struct Waiting {
        queue::leased::LeaseToken lease{};
        std::uint64_t end = 0; // of its text, in bytes of the output
    };
    const Output& out_;
    std::deque<Waiting> waiting_{};
};

} // namespace flotilla::cli
