// SPDX-License-Identifier: Apache-2.0
//
// The queue protocol: FLQ1's leased level (wire/leased.hpp) and what a store adds to it.
// docs/protocol/queue.md is the specification; this is its only reader and writer.
//
//     producer to store                         store to producer
//     put     one message, or many packed  ──►  ok | error
//     operator to store                         store to operator
//     create alter delete stat ls peek     ──►  ok | error
//     purge kick redrive                   ──►  ok | error
//
// Every command works from REQ and DEALER; a packed put is for those who want speed. Pure, no
// state; bounded before it allocates.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::queue {

namespace leased = wire::leased;

namespace limits {
inline constexpr std::size_t producer_bytes_max = 64;
inline constexpr std::size_t message_id_bytes_max = 255;
inline constexpr std::size_t page_max = 1000; // rows of one ls, messages of one peek or stat list
inline constexpr std::size_t packed_messages_max = 65'536;
inline constexpr std::size_t packed_bytes_max = std::size_t{16} << 20; // expanded
inline constexpr std::size_t stat_bytes_max = std::size_t{64} << 10;
inline constexpr Duration put_delay_max = std::chrono::hours{10 * 366 * 24};
inline constexpr Duration watch_max = 24h; // a put that is told of, or waits: acked_max
inline constexpr std::uint64_t sequence_max = ~std::uint64_t{0} >> 1;
} // namespace limits

// Who puts, so that repeats are known: a fresh id each time the outbox is new, and the number of
// the message in it, from 1, without gaps, for each queue.
struct ProducerSequence {
    std::string producer{}; // empty: no producer; a repeat is then a second message
    std::uint64_t sequence = 0;
    bool maybe_duplicate = false; // resent under a new epoch: marked so when delivered
    friend bool operator==(const ProducerSequence&, const ProducerSequence&) = default;
};

struct Put {
    std::string queue{};
    ProducerSequence from{};
    std::string key{};
    std::uint8_t priority = 0; // 0 is delivered first
    Duration delay{0};         // to the millisecond; up to 10 years
    Duration ttl{0};           // 0: the queue's
    std::string message_id{};  // of the application, for the queue's duplicate window
    bool wait_acked = false;   // answered when a consumer has acknowledged it, or it is dead
    wire::Frames body{};       // 1 to leased::limits::body_frames_max
    bool tell_acked = false;   // answered at once, and once more when wait_acked would be
    // With either: how long the store watches it, at most and by default (0) limits::watch_max.
    Duration acked_max{0};
    friend bool operator==(const Put&, const Put&) = default;
};

// Many messages of one queue; `packed` is read with PutReader (put_pack.hpp).
struct PutPacked {
    std::string queue{};
    ProducerSequence from{}; // of the first
    Blob packed{};
    bool tell_acked = false; // of each message
    Duration acked_max{0};   // as in Put
    friend bool operator==(const PutPacked&, const PutPacked&) = default;
};

// take, with a queue: never a leased::Take. Waits as that does.
struct Take {
    std::string queue{};
    Duration wait{0};
    friend bool operator==(const Take&, const Take&) = default;
};

struct Create {
    std::string queue{};
    QueueProperties properties{}; // those not named have their defaults
    bool or_same = false;         // if_exists=same: ok when it is there with the same properties
    friend bool operator==(const Create&, const Create&) = default;
};
struct Alter {
    std::string queue{};
    std::vector<std::pair<std::string, std::string>> changes{}; // property, value as in option text
    friend bool operator==(const Alter&, const Alter&) = default;
};
struct Delete {
    std::string queue{};
    bool if_empty = false;
    friend bool operator==(const Delete&, const Delete&) = default;
};
// All ready and delayed messages go; what is leased stays until it is finished.
struct Purge {
    std::string queue{};
    friend bool operator==(const Purge&, const Purge&) = default;
};
struct Stat {
    std::string queue{}; // empty: of the store
    friend bool operator==(const Stat&, const Stat&) = default;
};
// Queues by name, a page at a time.
struct List {
    std::string prefix{};
    std::string after{};      // the last name of the page before
    std::uint32_t page = 100; // 1 to page_max
    friend bool operator==(const List&, const List&) = default;
};
// Messages without taking them, oldest first: ready ones (of all lanes), or delayed ones.
struct Peek {
    std::string queue{};
    bool delayed = false;
    std::string after{};    // the `next` of the page before, opaque
    std::uint32_t page = 1; // 1 to page_max, and 1 MiB of bodies
    friend bool operator==(const Peek&, const Peek&) = default;
};
// One dead letter back to the queue it came from.
struct Kick {
    std::string queue{};
    MessageId id = 0;
    friend bool operator==(const Kick&, const Kick&) = default;
};
// All of them that are there now, oldest first; up to `messages`, 0: all.
struct Redrive {
    std::string queue{};
    std::uint64_t messages = 0;
    friend bool operator==(const Redrive&, const Redrive&) = default;
};

using Command = std::variant<leased::Command, Put, PutPacked, Take, Create, Alter, Delete, Purge,
                             Stat, List, Peek, Kick, Redrive>;

// ---- answers beside those of the leased level
// ----------------------------------------------------

// Of a put of many: what cannot be said by counting.
struct PutExceptions {
    struct Refused { // for good: its sequence number is used up
        std::uint32_t index = 0;
        leased::ErrorCode code{};
        friend bool operator==(const Refused&, const Refused&) = default;
    };
    struct Repeat { // its message_id is known: `id` is the original's
        std::uint32_t index = 0;
        MessageId id = 0;
        friend bool operator==(const Repeat&, const Repeat&) = default;
    };
    std::vector<Refused> refused{}; // by index, each
    std::vector<Repeat> repeats{};
    friend bool operator==(const PutExceptions&, const PutExceptions&) = default;
};

// What became of a put, up to `sequence`. Those in it that the store had under the same producer
// and sequence come first: they are `duplicates` less the repeats in `exceptions`.
struct PutOutcome {
    MessageId first_id = 0; // of the `accepted` ones, which have ids in a row
    std::uint64_t accepted = 0;
    std::uint64_t duplicates = 0; // with a single put `first_id` is then the original, if known
    std::uint64_t sequence = 0;   // all of this producer and queue up to here is settled
    PutExceptions exceptions{};
    // With tell_acked: of how many of the accepted ones, the first ones, it is told what becomes of
    // them; the store had no room to watch more. Absent: of all.
    std::optional<std::uint64_t> told{};
    friend bool operator==(const PutOutcome&, const PutOutcome&) = default;
};

// With wait_acked, and in what is told besides the answer, where only `first_id` counts: of that
// message. no: it is dead, or was dropped; unknown: it was not watched for longer.
enum class Acked : std::uint8_t { unsaid, no, yes, unknown };
struct PutOk : PutOutcome {
    Acked acked = Acked::unsaid;
    friend bool operator==(const PutOk&, const PutOk&) = default;
};
// A put that was refused, in whole or from somewhere in it on. After a passing refusal nothing
// behind `sequence` is accepted until it was put again; a final one of a single put has
// used its number up. Without a producer a final refusal is a leased::ErrorReply.
struct PutRefused : PutOutcome {
    leased::ErrorCode code{};
    std::string text{};
    friend bool operator==(const PutRefused&, const PutRefused&) = default;
};
// Whether the same put may succeed later (full, draining, out_of_order, unknown_producer, busy).
bool is_passing(leased::ErrorCode code) noexcept;

struct StatReply {
    std::string text{}; // option text: one name=value line for each property, counter and level
    friend bool operator==(const StatReply&, const StatReply&) = default;
};
struct ListReply {
    std::vector<std::string> rows{}; // option text each: name, ready, delayed, leased, consumers
    std::string next{};              // for List::after; empty: that was the last page
    friend bool operator==(const ListReply&, const ListReply&) = default;
};
struct PeekReply {
    struct Message {
        MessageId id = 0;
        std::string
            info{}; // option text: id, key, attempts, put_ms, due_ms, expiry_ms, origin, ...
        wire::Frames body{};
        friend bool operator==(const Message&, const Message&) = default;
    };
    std::vector<Message> messages{};
    std::string next{};
    friend bool operator==(const PeekReply&, const PeekReply&) = default;
};
// Of create, alter, delete, purge, kick, redrive: how many messages or queues it concerned.
struct Done {
    std::uint64_t done = 0;
    friend bool operator==(const Done&, const Done&) = default;
};

using Event = std::variant<leased::Event, PutOk, PutRefused, StatReply, ListReply, PeekReply, Done>;

// As leased::read_command and read_event, with the store's verbs and options.
// Errors: unsupported (unknown verb), malformed, bad_option, too_large, too_many.
Result<Command> read_command(const leased::Head& head, wire::Frames& message);
// Answers of one verb look alike on the wire (`ok`), so the reader says what it asked.
enum class Asked : std::uint8_t { leased, put, stat, list, peek, other };
Result<Event> read_event(const leased::Head& head, Asked asked, wire::Frames& message);
void write(const leased::Envelope& envelope, const Command& command, wire::Frames& message);
void write(const leased::Envelope& envelope, Event&& event, wire::Frames& message);

std::string_view verb(const Command& command) noexcept;
std::string_view verb(const Event& event) noexcept;

} // namespace flotilla::queue
