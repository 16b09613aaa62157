// SPDX-License-Identifier: Apache-2.0
//
// The nouns of leased work: what a source is told to do, what it counts, and how a message ends.
#pragma once

#include <flotilla/base/id.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <string>

namespace flotilla::pipeline {

using WorkId = Id<struct WorkTag>; // in order of submission, from 1

// Which worker with room gets the next message.
enum class Dispatch : std::uint8_t {
    least_outstanding, // the one that holds the fewest
    weighted,          // the one that holds the fewest for its weight
    by_key,            // each key's messages go to one worker, in order, while nobody comes or goes
};

struct SourceLimits {
    Dispatch dispatch = Dispatch::least_outstanding;
    // What may be accepted and not finished; beyond it submit says would_block.
    std::uint32_t messages_max = 100'000;          // 1 to 10,000,000
    std::uint64_t bytes_max = 256ULL << 20;        // 1 to 1 TiB; bodies and keys
    std::uint64_t message_bytes_max = 16ULL << 20; // 1 to 1 GiB; one message's body
    std::uint32_t sessions_max = 1024;             // 1 to 65,536
    // The largest window a worker may ask for; more is cut to this.
    std::uint32_t credit_max = 10'000; // 1 to wire::leased::limits::credit_max
    // A message delivered this often without an acknowledgement is given up: see Dead. 1 to 1e6.
    std::uint32_t attempts_max = 100;
    // How long a worker may hold a message without a word about it. 10 ms to 1 day.
    Duration lease = 30s;
    // How often an idle worker is to be heard; silence of `silence_max` ends its session.
    Duration heartbeat = 1s;    // 10 ms to 1 h
    Duration silence_max = 30s; // 10 ms to 1 day, more than heartbeat
    // How long a worker whose connection is gone may take to come back to what it holds.
    Duration return_grace = 250ms; // 0 to 1 h
};

enum class DeadReason : std::uint8_t {
    nacked,      // the last attempt was refused by its worker
    expired,     // its lease ran out
    worker_gone, // its worker went
};
std::string_view name(DeadReason reason) noexcept;

// A message that was given up after attempts_max deliveries. It is the owner's now.
struct Dead {
    WorkId id{};
    std::string key{};
    wire::Frames body{};
    std::uint32_t attempts = 0;
    DeadReason reason{};
    std::string text{}; // the worker's reason, when it gave one
};

// Counted since the source was opened. Conservation, after every step:
// submitted = pending + delayed + leased + finished + dead.
struct SourceCounters {
    std::uint64_t submitted_total = 0;
    std::uint64_t finished_total = 0;    // acknowledged for good, late ones included
    std::uint64_t delivered_total = 0;   // deliveries, repeats included
    std::uint64_t redelivered_total = 0; // of these: repeats
    std::uint64_t late_total = 0;        // acknowledged after the lease had expired
    std::uint64_t lease_lost_total = 0;  // answers about leases not (any more) the sender's
    std::uint64_t nacked_total = 0;
    std::uint64_t expired_total = 0;
    std::uint64_t requeued_total = 0; // taken back from a worker that is gone
    std::uint64_t dead_total = 0;
    std::uint64_t malformed_total = 0; // messages that were not this protocol
    std::uint64_t refused_total = 0;   // understood, and answered with an error
    std::uint64_t sessions_opened_total = 0;
    std::uint64_t sessions_resumed_total = 0;
    std::uint64_t sessions_dropped_total = 0; // gone, silent, or too slow to read
};

// What a source holds right now.
struct SourceLevels {
    std::uint64_t pending = 0; // to be delivered
    std::uint64_t delayed = 0; // to be delivered later
    std::uint64_t leased = 0;  // with a worker
    std::uint64_t bytes = 0;   // of all of these
    std::uint32_t sessions = 0;
    std::uint64_t unfinished() const noexcept { return pending + delayed + leased; }
};

} // namespace flotilla::pipeline
