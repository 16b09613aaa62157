// SPDX-License-Identifier: Apache-2.0
//
// Measure: runs the sending or the receiving side of a benchmark.
//
// With a rate, message k is meant to leave at start + k / rate, and its latency counts from then,
// whether or not the sender could keep up: a stall shows in every message that it delayed.
#pragma once

#include <cli/bench/ends.hpp>
#include <cli/bench/tally.hpp>

#include <atomic>

namespace flotilla::cli::bench {

struct Load {
    std::uint64_t message_bytes = 100; // at least stamp_bytes
    std::uint64_t count = 0;           // measured
    std::uint64_t warm_up = 0;         // before them
    double rate = 0;                   // messages a second; 0: as fast as they are taken
    Duration timeout = 10s;            // longest wait for a peer, for room, and for a message
    Duration settle = 500ms;           // the same for a message, once the sender has ended
};

struct SendOutcome {
    Status status{};
    std::uint64_t sent = 0; // measured
    Duration elapsed{0};    // from the first measured to the last
    Duration behind_max{0}; // the most that a send was later than intended
};
// Ends early when `stop` turns true. request: `tally` gets the replies; others ignore it.
SendOutcome send_load(SendEnd& end, const Load& load, const std::atomic<bool>& stop, Tally* tally);

// Receives until all expected have come, it is quiet for load.timeout, or `stop`.
Status receive_load(ReceiveEnd& end, const Load& load, const std::atomic<bool>& stop, Tally& tally);

} // namespace flotilla::cli::bench
