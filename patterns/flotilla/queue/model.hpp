// SPDX-License-Identifier: Apache-2.0
//
// The nouns of reliable queues: what a queue is told to be, what it counts, and where a message is.
//
//     put ─► ready ─► leased ─ ack ─► finished
//      │      ▲  ▲       │
//      │      │  └───────┤ nack, lease over, consumer gone (the next delivery says redelivered)
//      └─► delayed ◄─────┤ nack with a delay, or the queue's retry back-off
//                        └ attempts spent ─► dead: in the dead-letter queue, or dropped and counted
//
// Units are in the types; every limit has a default, a range and a stated policy.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

// Of a queue, for good: a queue that is deleted and made again has another.
using QueueId = std::uint32_t;
// Of a message in its queue: what put answers with. Rises in the order of acceptance, from 1.
using MessageId = std::uint64_t;

// What a confirm of a put means.
enum class Durability : std::uint8_t {
    fsync,   // it is on disk
    relaxed, // it is accepted, and will be on disk within relaxed_interval
    memory,  // it is in memory: a restart empties the queue
};

enum class Overflow : std::uint8_t {
    reject,      // a put is refused: full
    drop_oldest, // the oldest ready message goes, counted
    dead_letter, // the oldest ready message goes to the dead-letter queue
};

enum class Order : std::uint8_t {
    plain,  // by priority, then oldest first; what comes back goes in front
    key,    // a key's messages one after the other, different keys at once
    strict, // one consumer at a time gets the queue, in order; what it returns takes back all
            // that was delivered behind it
};

enum class Acknowledge : std::uint8_t {
    manual,    // at least once
    automatic, // finished as it is delivered: at most once
};

// What may be set when a queue is created, and changed while it is in use. Names in option text,
// in TOML and in flags are the fields' names.
struct QueueProperties {
    Durability durability = Durability::fsync; // memory cannot be entered or left later
    Duration relaxed_interval = 50ms;          // 1 ms to 1 min
    // Ready, delayed and leased messages and the bytes of their bodies and keys.
    std::uint64_t messages_max = 10'000'000;       // 1 to 10^12
    std::uint64_t bytes_max = 16ULL << 30;         // 1 KiB to 1 PiB
    std::uint64_t message_bytes_max = 16ULL << 20; // 1 to 1 GiB, and at most the store's
    Overflow overflow = Overflow::reject;
    std::uint32_t attempts_max = 16; // 1 to 1,000,000 deliveries; then dead
    // Waits before the 2nd, 3rd, ... delivery; the last one repeats. "fixed" is a list of one;
    // "exponential" is the first two of a list: base and ceiling. Empty: at once. Up to 16.
    std::vector<Duration> retry_delays{}; // 0 to 7 days each
    bool retry_exponential = false;       // retry_delays is {base, ceiling}: base doubles
    std::string dead_letter_queue{};      // empty: dead messages are dropped and counted
    Duration lease = 30s;                 // 10 ms to 1 day
    Duration ttl{0};                      // 0: messages do not expire; up to 10 years
    std::uint32_t priority_levels = 1;    // 1 to 8; level 0 is delivered first. Only order=plain
    // Repeats of an application's message_id are recognised within both of these; 0: none are.
    Duration duplicate_window{0};             // 0 to 7 days
    std::uint32_t duplicate_messages_max = 0; // 0 to 10,000,000
    Order order = Order::plain;
    Acknowledge acknowledge = Acknowledge::manual;
    std::uint32_t consumer_rate_max = 0; // messages a second and consumer; 0: no limit
    std::string compression = "none";    // of bodies at rest: none, lz4, zstd
    friend bool operator==(const QueueProperties&, const QueueProperties&) = default;
};

// Since the queue was created; kept with it. Conservation, after every turn:
// accepted = ready + delayed + leased + finished + dead + expired + dropped + purged.
struct QueueCounters {
    std::uint64_t accepted_total = 0;
    std::uint64_t accepted_bytes_total = 0;
    std::uint64_t duplicate_total = 0; // puts recognised as repeats, and answered with the original
    std::uint64_t refused_total = 0;   // puts answered with an error
    std::uint64_t finished_total = 0; // acknowledged, late ones included; or delivered at most once
    std::uint64_t late_total = 0;     // of these: after the lease had expired
    std::uint64_t delivered_total = 0; // lower bound after a crash
    std::uint64_t redelivered_total = 0;
    std::uint64_t nacked_total = 0;
    std::uint64_t lease_expired_total = 0;
    std::uint64_t dead_total = 0;    // attempts spent: moved to the dead-letter queue, or dropped
    std::uint64_t expired_total = 0; // time to live over
    std::uint64_t dropped_total = 0; // by overflow
    std::uint64_t purged_total = 0;  // purged, kicked out, redriven, or deleted with the queue
    std::uint64_t damaged_total =
        0; // blocks that fail their checksum; their messages are not served
    friend bool operator==(const QueueCounters&, const QueueCounters&) = default;
};

// Adds what `now` has more than `before`.
void add_since(QueueCounters& sum, const QueueCounters& now, const QueueCounters& before) noexcept;

// What a queue holds now, and how fast it moves.
struct QueueLevels {
    std::uint64_t ready = 0;
    std::uint64_t delayed = 0;
    std::uint64_t leased = 0;
    std::uint64_t bytes = 0; // of all of these
    std::uint32_t consumers = 0;
    Duration lag{0};           // age of the oldest ready message
    double arrival_rate = 0;   // messages a second, moving average over about 10 s
    double service_rate = 0;   // finished a second
    Duration time_to_drain{0}; // no_limit when it does not shrink
    std::uint64_t unfinished() const noexcept { return ready + delayed + leased; }
};

struct QueueStat {
    std::string name{};
    QueueId id = 0;
    QueueProperties properties{};
    QueueCounters counters{};
    QueueLevels levels{};
};

// A peer that takes from a queue.
struct SessionStat {
    std::string peer{};     // its address at the transport, in hexadecimal
    std::string consumer{}; // as it named itself
    std::string user{};     // authenticated; empty without CURVE
    std::string queue{};    // empty: of a take that got its message
    int descriptor = -1;    // of its connection
    bool is_gone = false;   // its connection ended; what it holds waits for it
    bool is_held = false;   // it does not read, and is given nothing
    std::uint32_t credit = 0;
    std::uint32_t leased = 0;
    Duration silent{0}; // since it was heard
};

// Some queues by name, and what all of them hold together. Makes no copy of the others.
struct QueuePageWish {
    std::string prefix{};           // of names
    std::string after{};            // names behind this one: the next page
    std::uint32_t queues_max = 100; // 0: only the sums
};
struct QueuePage {
    std::vector<QueueStat> queues{};
    std::uint64_t left_out = 0; // that would follow
    QueueLevels all{};          // sums; the lag is the longest, rates and time_to_drain are 0
};

// Of the whole store.
struct StoreLimits {
    std::uint32_t queues_max = 100'000;            // 1 to 10,000,000
    std::uint64_t message_bytes_max = 16ULL << 20; // 1 KiB to 1 GiB: body and key of one message
    std::uint32_t sessions_max = 10'000;           // consumers with credit; 1 to 65,536
    std::uint32_t credit_max = 100'000;            // a larger window is cut to it
    std::uint64_t leased_max = 1'000'000;          // messages with consumers, in all queues
    std::uint32_t takes_max = 10'000;              // takes that wait
    // Messages watched until they are acknowledged; for one connection a quarter of them.
    std::uint32_t acked_waits_max = 100'000;
    std::uint32_t producers_max = 100'000; // (producer, queue) pairs remembered
    Duration producers_age_max = std::chrono::hours{7 * 24};
    // A turn ends at either; what is left waits in the socket.
    std::uint32_t turn_commands_max = 10'000;
    std::uint64_t turn_bytes_max = 4ULL << 20;
    Duration heartbeat = 1s; // as in wire::leased::Terms
    Duration silence_max = 30s;
    Duration return_grace = 250ms;
    // Queues that a put, take or hello may create, by pattern ("orders.*"), first match wins.
    struct AutoCreate {
        std::string pattern{};
        QueueProperties properties{};
    };
    std::vector<AutoCreate> auto_create{}; // empty: never
    // Where takers take from that name no queue, as those of a source of work do. Empty: they are
    // refused.
    std::string default_queue{};
    // Not empty: the name under which deliveries note, in each message with an envelope, when it
    // was stored and when it left (wire/hop.hpp). What is stored does not change.
    std::string hop_instance{};
};

// Names: 1 to 200 bytes of printable ASCII without blanks, '*', '?', '\\'; "mmi." and "flotilla."
// are reserved.
bool is_queue_name(std::string_view name) noexcept;
// For an error: "'a b' is no name of a queue: 1 to 200 printable characters without ...".
std::string no_queue_name(std::string_view name);
inline constexpr std::size_t queue_name_bytes_max = 200;

std::string_view name(Durability value) noexcept;
std::string_view name(Overflow value) noexcept; // "drop-oldest"
std::string_view name(Order value) noexcept;
std::string_view name(Acknowledge value) noexcept; // "auto"

} // namespace flotilla::queue
