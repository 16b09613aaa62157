// SPDX-License-Identifier: Apache-2.0
//
// The nouns of the broker: what it is told to do, what it counts, what it holds.
#pragma once

#include <flotilla/base/judge.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/base/time_histogram.hpp>
#include <flotilla/request/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::request {

// What happens to a request that finds its service's queue full.
enum class WhenFull : std::uint8_t {
    refuse,      // it is refused: an error in the flotilla dialect, silence and a count elsewhere
    drop_oldest, // the request that waits longest is refused in its place
};

// One service. Those that nobody configured have the defaults of BrokerLimits::service.
struct ServiceLimits {
    std::uint32_t queue_messages_max = 10'000;   // waiting for a worker; 1 to 1,000,000
    std::uint64_t queue_bytes_max = 64ULL << 20; // of these; 1 KiB to 1 TiB
    WhenFull when_full = WhenFull::refuse;
    Duration expiry = 60s; // a request that is not answered by then is given up; 10 ms to 24 h
    // A dead worker's request goes to another (the work may be done twice); off: it fails.
    bool requeue = false;
    std::uint32_t attempts_max = 5; // requeue: how often a request is given out; 1 to 1,000
    // How many requests a worker of an RFC dialect may hold. Beyond 1 they wait behind a slow one,
    // and more of them are given out again when it dies. Workers of the flotilla dialect say
    // themselves. Idle workers are filled first. 1 to 10,000.
    std::uint32_t prefetch = 1;
    // Longest that a worker may hold a request without a word: most send no heartbeat while they
    // work. And longest that it may hold what nobody waits for any more. 1 s to 24 h.
    Duration busy_max = std::chrono::minutes{5};
};

struct BrokerLimits {
    Duration heartbeat = 2500ms; // to and from each worker; 10 ms to 1 h
    std::uint32_t liveness = 3;  // an idle worker silent for so many heartbeats is dead; 1 to 100
    std::uint32_t services_max = 10'000;  // 1 to 1,000,000; without workers and requests: forgotten
    std::uint32_t workers_max = 65'536;   // 1 to 1,000,000
    std::uint32_t requests_max = 100'000; // waiting and with workers, of all services; 1 to 10^7
    // What these hold: bodies, and an object for each of their frames. So of every bound on bytes
    // here but message_bytes_max. 1 KiB to 1 TiB.
    std::uint64_t requests_bytes_max = 512ULL << 20;
    std::uint64_t message_bytes_max = 64ULL << 20; // of one body; 1 to 1 GiB
    // What one worker may hold at once, whatever its capacity; one request always. At most the
    // messages that are kept for a peer that does not read (BrokerOptions::backlog_messages_max),
    // or a burst could cut off a worker that does; of the bytes a Broker takes half at most. 1 to
    // 1,000,000; 1 byte to 1 TiB.
    std::uint32_t held_messages_max = 1'000;
    std::uint64_t held_bytes_max = 8ULL << 20;
    // Answers kept for clients that ask again with the same id; 0: none. Up to 10^7, 1 TiB, 24 h.
    std::uint32_t kept_answers_max = 10'000;
    std::uint64_t kept_bytes_max = 64ULL << 20;
    Duration kept_for = 60s;
    ServiceLimits service{}; // of every service that is not in:
    std::vector<std::pair<std::string, ServiceLimits>> services{}; // by name
};

// Counted since the start. Conservation, after every step:
// accepted = queued + running + answered + failed + expired + dropped.
struct BrokerCounters {
    std::uint64_t requests_total = 0; // understood, of all kinds
    std::uint64_t accepted_total = 0; // queued or given out; joined repeats are not
    std::uint64_t answered_total = 0; // final replies passed on, or kept for who is gone
    std::uint64_t failed_total = 0;   // ended by an error
    std::uint64_t expired_total = 0;
    std::uint64_t dropped_total = 0; // withdrawn: their client is gone, or cancelled
    // Not accepted: queue full, limits, draining, a rule. Of pings, too, when a rule refused one.
    std::uint64_t refused_total = 0;
    std::uint64_t joined_total = 0; // repeats of a request that is under way
    std::uint64_t kept_total = 0;   // repeats answered from what was kept
    std::uint64_t dispatched_total = 0;
    std::uint64_t requeued_total = 0;
    std::uint64_t partials_total = 0;
    std::uint64_t partials_dropped_total = 0; // for clients of mdp_01, or gone ones
    std::uint64_t replies_late_total = 0;     // for a request that is not (any more) the worker's
    std::uint64_t replies_undelivered_total = 0; // the client is gone or does not read
    std::uint64_t mmi_total = 0;
    std::uint64_t workers_registered_total = 0;
    std::uint64_t workers_gone_total = 0;    // said disconnect, or left
    std::uint64_t workers_expired_total = 0; // silent
    std::uint64_t workers_refused_total = 0; // READY twice, for mmi.*, over a limit
    std::uint64_t malformed_total = 0;
    std::uint64_t unexpected_total = 0; // valid, but not from this peer now
    // Refused by a rule, by operation: call (in refused_total) and serve (in
    // workers_refused_total).
    OperationCounts not_allowed{};
    // Ended because their users lost the right: requests (in dropped_total) and workers.
    std::uint64_t requests_revoked_total = 0;
    std::uint64_t workers_revoked_total = 0;
    TimeHistogram answer_times{}; // from accepting a request to its final reply
};

struct BrokerLevels {
    std::uint32_t services = 0;
    std::uint32_t workers = 0;
    std::uint32_t workers_waiting = 0; // hold nothing
    std::uint64_t queued = 0;          // requests waiting for a worker
    std::uint64_t running = 0;         // requests with a worker
    std::uint64_t bytes = 0;           // what both hold: bodies, and an object a frame
    std::uint64_t kept_answers = 0;
};

struct ServiceLevels {
    std::string name;
    std::uint32_t workers = 0;
    std::uint32_t workers_waiting = 0;
    std::uint64_t queued = 0;
    std::uint64_t running = 0;
    std::uint64_t answered_total = 0;
};

// One worker. Requests that it holds and that ended for their asker are not running.
struct WorkerLevels {
    std::string peer; // its address at the transport in hexadecimal, as notices have it
    std::string user; // authenticated; empty without CURVE
    std::string service;
    Dialect dialect = Dialect::mdp_02;
    int descriptor = -1; // of its connection
    std::uint32_t capacity = 1;
    std::uint32_t held = 0;
    std::uint32_t running = 0;
    bool is_draining = false; // wants no more
    Duration silent{0};       // since it was heard
    Duration busy{0};         // while it holds something: since it got it, or answered last
};

// Something that an operator may want to read; the daemon logs it, with a rate limit.
struct BrokerNotice {
    enum class Kind : std::uint8_t {
        worker_registered,
        worker_gone,    // disconnected, or its connection ended
        worker_expired, // silent
        worker_refused,
        worker_revoked,  // its user may not serve any more
        request_refused, // queue full, limits, a rule
        peer_too_slow,   // does not read; its messages were dropped
        malformed,
        unexpected,
    } kind{};
    std::string service{}; // printable; empty when none
    std::string peer{};    // its routing id, in hex
    std::string text{};    // one sentence
};
std::string_view name(BrokerNotice::Kind kind) noexcept; // "worker_registered"

} // namespace flotilla::request
