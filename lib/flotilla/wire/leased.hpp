// SPDX-License-Identifier: Apache-2.0
//
// The leased level of the queue protocol, FLQ1: how a worker takes messages on lease from whoever
// holds them, and says what became of them. docs/protocol/leased.md is its specification; this is
// its only reader and writer. A source (patterns/pipeline) speaks it now, a store will.
//
//     message = [empty delimiter], "FLQ1", verb, correlation, options, body frames...
//
//     worker to source            source to worker
//     hello  who, how much   ──►  ok       session and its terms
//     credit how many        ──►  deliver  one message, or many packed
//     take   one, by asking  ──►  deliver | empty | error
//     ack nack touch         ──►  ok | error
//     ping                   ──►  pong
//     bye                    ──►  bye      the source is going
//
// Frames after the verb may be left out when they are empty and last. A peer that sends the
// delimiter gets it back, so a plain REQ socket can take and acknowledge. Unknown option names are
// ignored, so that newer peers can talk to older ones; everything else that is not understood is an
// error with a reason.
//
// Decoding is bounded before it allocates: see Limits. Pure, no state; safe from every thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/frames.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flotilla::wire::leased {

inline constexpr ByteView magic = "FLQ1";

// What one message may hold. None of these is negotiated.
namespace limits {
inline constexpr std::size_t correlation_bytes_max = 64;
inline constexpr std::size_t options_bytes_max = 4096; // the options frame
inline constexpr std::size_t options_max = 32;         // lines in it
inline constexpr std::size_t name_bytes_max = 255;     // worker, queue, nack reason, key
inline constexpr std::size_t body_frames_max = 1000;   // of one work message
inline constexpr std::size_t lease_texts_max = 64;     // tokens in one lease= option
inline constexpr std::size_t lease_ranges_max = 4096;  // in one packed body
inline constexpr std::size_t held_ranges_max = 64;     // in the held= option of a hello
inline constexpr std::size_t leases_max = 1'000'000;   // named by one packed body
inline constexpr std::uint32_t credit_max = 1'000'000; // messages
inline constexpr std::uint32_t weight_max = 1000;
inline constexpr Duration wait_max = std::chrono::hours{1};  // take
inline constexpr Duration delay_max = std::chrono::hours{1}; // nack
inline constexpr std::size_t packed_bytes_max = std::size_t{16}
                                                << 20; // one packed deliver, expanded
} // namespace limits

// ---- leases ------------------------------------------------------------------------------------

// The right to finish one delivery. The epoch changes whenever whoever gave it may have forgotten
// its leases. As text: "EPOCH-NUMBER", 16 hexadecimal digits and a decimal number.
struct LeaseToken {
    std::uint64_t epoch = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const LeaseToken&, const LeaseToken&) = default;
};

std::string to_text(LeaseToken token);
// Errors: malformed.
Result<LeaseToken> parse_token(std::string_view text);

struct LeaseRange {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    friend bool operator==(const LeaseRange&, const LeaseRange&) = default;
};

// Leases of one epoch. Ranges may overlap and come in any order.
struct Leases {
    std::uint64_t epoch = 0;
    std::vector<LeaseRange> ranges{};

    // Adds to the last range when `number` follows it.
    void add(std::uint64_t number);
    std::uint64_t count() const noexcept;
    friend bool operator==(const Leases&, const Leases&) = default;
};

// ---- from the worker ---------------------------------------------------------------------------

// Which algorithms a worker can expand.
struct Compressions {
    bool lz4 = false;
    bool zstd = false;
    bool has(Compression algorithm) const noexcept;
    // All that this build can do.
    static Compressions available() noexcept;
    friend bool operator==(const Compressions&, const Compressions&) = default;
};

// What a worker that comes back still holds, of one epoch. It may name more than that: leases that
// it does not name return.
struct Held {
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t last = 0; // included
        friend bool operator==(const Range&, const Range&) = default;
    };
    std::uint64_t epoch = 0;
    std::vector<Range> ranges{}; // rising, apart, at most held_ranges_max

    bool has(std::uint64_t number) const noexcept;
    friend bool operator==(const Held&, const Held&) = default;
};

// Of these numbers; more than they are, when they take over held_ranges_max ranges: the last covers
// the rest.
Held held_of(std::uint64_t epoch, std::vector<std::uint64_t> numbers);
std::string to_text(const Held& held); // "5c00000000000011,7,9-12"
// Errors: bad_option.
Result<Held> parse_held(std::string_view text);

// Opens a session, or with `resume` takes over an earlier one and its leases. Always answered.
struct Hello {
    std::string worker{};                  // a name for logs; for hashing, if unique
    std::string queue{};                   // which queue of a store; a source has only ""
    std::uint32_t weight = 1;              // 1 to weight_max: share of a weighted source
    bool packed = false;                   // understands packed deliveries
    Compressions compress{};               // of packed deliveries
    std::uint64_t resume = 0;              // the session of the last ok; 0: none
    std::optional<std::uint32_t> credit{}; // as in Credit
    std::optional<Held> held{};            // with resume; absent: all that it had
    friend bool operator==(const Hello&, const Hello&) = default;
};

// The window: how many messages the worker is ready to hold unacknowledged, in all. It replaces the
// last one; it may be smaller than what the worker holds.
struct Credit {
    std::uint32_t messages = 0;
    friend bool operator==(const Credit&, const Credit&) = default;
};

// One message, without credit or session. Answered by exactly one deliver, empty or error.
struct Take {
    Duration wait{0};    // longest wait for a message; at most wait_max
    std::string queue{}; // of a store, which has a Take of its own; a source has only ""
    friend bool operator==(const Take&, const Take&) = default;
};

struct Ack {
    Leases leases{};
    friend bool operator==(const Ack&, const Ack&) = default;
};

// Not done: deliver again, to anybody, after `delay`.
struct Nack {
    Leases leases{};
    Duration delay{0}; // at most delay_max
    std::string reason{};
    friend bool operator==(const Nack&, const Nack&) = default;
};

// Still at it: the leases run anew from now.
struct Touch {
    Leases leases{};
    friend bool operator==(const Touch&, const Touch&) = default;
};

// Asks for a pong. A worker's ping repeats its credit, so that a lost one heals.
struct Ping {
    std::optional<std::uint32_t> credit{};
    friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
    friend bool operator==(const Pong&, const Pong&) = default;
};
// The sender goes: a worker's leases return at once; a source will deliver no more.
struct Bye {
    friend bool operator==(const Bye&, const Bye&) = default;
};

using Command = std::variant<Hello, Credit, Take, Ack, Nack, Touch, Ping, Pong, Bye>;

// ---- from the source ---------------------------------------------------------------------------

// What a session is told about its source.
struct Terms {
    std::uint64_t session = 0; // to be given in Hello::resume
    std::uint64_t epoch = 0;   // of its leases
    Duration heartbeat{0};     // be heard at least this often
    Duration lease{0};
    std::uint64_t message_bytes_max = 0;
    std::uint32_t credit_max = 0;
    friend bool operator==(const Terms&, const Terms&) = default;
};

struct Ok {
    std::optional<Terms> terms{}; // after hello
    std::uint64_t done = 0;       // after ack, nack, touch: leases it held for
    std::uint64_t late = 0;       // of these: after the lease had expired
    friend bool operator==(const Ok&, const Ok&) = default;
};

// Whether somebody may have seen it before. `maybe`: the source restarted and cannot know.
enum class Redelivered : std::uint8_t { no = 0, maybe = 1, yes = 2 };
std::string_view name(Redelivered redelivered) noexcept;

struct Deliver {
    LeaseToken lease{};
    std::uint64_t id = 0;
    std::uint32_t attempt = 1; // how often it was delivered, this one included
    Redelivered redelivered = Redelivered::no;
    Duration lease_time{0};
    std::string key{};
    Frames body{}; // 1 to body_frames_max
    friend bool operator==(const Deliver&, const Deliver&) = default;
};

// Many messages; `packed` is read with PackedReader (leased_pack.hpp).
struct DeliverPacked {
    Duration lease_time{0};
    Blob packed{};
    friend bool operator==(const DeliverPacked&, const DeliverPacked&) = default;
};

// Nothing came within take's wait.
struct Empty {
    friend bool operator==(const Empty&, const Empty&) = default;
};

// Stable names on the wire; unknown_code is what a newer peer's code reads as.
enum class ErrorCode : std::uint8_t {
    malformed,   // the frames do not follow the protocol
    unsupported, // unknown verb or version
    bad_option,  // an option is missing or out of range
    too_large,   // over a size limit
    too_many,    // over a count limit
    no_session,  // needs a hello first: say hello again
    lease_lost,  // not leased to this peer any more: forget the message
    busy,        // no room for another session: come back later
    draining,    // gives out nothing more: go elsewhere
    not_allowed, // a rule said no
    wrong_peer,  // whoever is here speaks another protocol: `text` says which
    // Of a store only.
    full,             // no room, in the queue or on the disk: put again later
    out_of_order,     // a sequence number was skipped: go on behind the one it names
    unknown_producer, // forgotten: put again under a new producer id
    no_queue,         // there is no queue of this name
    exists,           // there is one, with other properties
    not_empty,        // delete with if=empty, and it is not
    not_found,        // no such message, or the queue it came from is gone
    unknown_code,     // never sent
};
std::string_view name(ErrorCode code) noexcept;
ErrorCode error_code_named(std::string_view name) noexcept;
// How a failure to decode is reported to the peer that caused it.
ErrorCode error_code(Errc code) noexcept;

struct ErrorReply {
    ErrorCode code = ErrorCode::malformed;
    std::string text{};     // what to do about it, for a human
    std::uint64_t done = 0; // lease_lost: leases for which it held all the same
    std::uint64_t late = 0;
    std::uint64_t lost = 0;
    friend bool operator==(const ErrorReply&, const ErrorReply&) = default;
};

using Event = std::variant<Ok, Deliver, DeliverPacked, Empty, ErrorReply, Ping, Pong, Bye>;

// ---- frames ------------------------------------------------------------------------------------

// What is around every command and event.
struct Envelope {
    bool delimited = false;    // an empty frame comes first
    std::string correlation{}; // echoed in the direct answer; from a DEALER empty: no ok wanted
    // Whether a success has to be answered.
    bool wants_answer() const noexcept { return delimited || !correlation.empty(); }
    friend bool operator==(const Envelope&, const Envelope&) = default;
};

// The part of a message that can be read before it is known to be right, so that whatever is wrong
// with the rest can be answered.
struct Head {
    Envelope envelope{};
    std::string verb{};
    std::size_t options_at = 0; // frame index; may be beyond the last
};

// Reads from frame `first` on. Errors: malformed (not this protocol), unsupported (another version
// of it), too_large.
Result<Head> read_head(const Frames& message, std::size_t first);

// The frames of `message` behind its head; body frames are taken out of it.
// Errors: unsupported (unknown verb), malformed, bad_option, too_large, too_many.
Result<Command> read_command(const Head& head, Frames& message);
Result<Event> read_event(const Head& head, Frames& message);

// Appends to `message` what the peer reads. Names and texts must be within their limits, except
// error texts, which are cut.
void write(const Envelope& envelope, const Command& command, Frames& message);
void write(const Envelope& envelope, Event&& event, Frames& message);

// "hello", "deliver"
std::string_view verb(const Command& command) noexcept;
std::string_view verb(const Event& event) noexcept;

} // namespace flotilla::wire::leased
