// SPDX-License-Identifier: Apache-2.0
//
// Message: one message of request routing as a value, whichever of the three dialects carried it.
// docs/protocol/majordomo.md is the specification; codec.hpp is the only reader and writer.
//
//     mdp_01     7/MDP    "" MDPC01|MDPW01 ...     one request at a time and connection, no errors
//     mdp_02     18/MDP   MDPC02|MDPW02 ...        the same, with partial replies
//     flotilla   FLR1     FLR1 verb id service options body...   ids, attempts, expiry, errors,
//                                                  capacity, cancellation
//
// Pure values; different Messages are independent.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::request {

enum class Dialect : std::uint8_t { mdp_01, mdp_02, flotilla };
std::string_view name(Dialect dialect) noexcept; // "mdp-0.1", "mdp-0.2", "flotilla"
std::optional<Dialect> dialect_named(std::string_view name) noexcept;

// Whose conversation with the broker a message belongs to.
enum class Side : std::uint8_t { client, worker };

enum class Verb : std::uint8_t {
    request,    // client to broker, broker to worker
    partial,    // a piece of the reply, more follow: worker to broker, broker to client
    final,      // the reply, or its last piece
    error,      // flotilla only: the reply is this error. A worker's `retry` asks for a requeue
    cancel,     // flotilla only: nobody waits for the reply any more
    ready,      // worker: registers for one service
    draining,   // flotilla only, worker: give me no more, I finish what I hold
    heartbeat,  // worker and broker
    disconnect, // worker and broker: the conversation is over
    ping,       // flotilla only, client: are you there
    pong,       // flotilla only, to a client
};
std::string_view name(Verb verb) noexcept;

// Why a request has no reply. Stable names on the wire.
enum class ErrorCode : std::uint8_t {
    expired,       // nobody answered before it expired
    queue_full,    // the service's queue, or the broker's, has no room
    worker_gone,   // its worker died, and the service does not allow a second attempt
    worker_failed, // the worker said so, or every attempt failed
    retry,         // a worker's word: not done, give it to another. Never sent to a client
    cancelled,
    draining,    // the broker takes nothing more: go elsewhere
    too_large,   // over a size limit
    malformed,   // the frames do not follow the protocol
    unsupported, // unknown verb or version
    not_allowed, // a rule said no
    wrong_peer,  // whoever is here is no broker: `text` says what it is
    unknown,     // what a newer peer's code reads as; never sent
};
std::string_view name(ErrorCode code) noexcept;
ErrorCode error_code_named(std::string_view name) noexcept;

// What one message may hold. None of these is negotiated.
namespace limits {
inline constexpr std::size_t service_bytes_max = 255; // 1 at least; any bytes
inline constexpr std::size_t address_bytes_max = 255; // what a worker hands back
inline constexpr std::size_t id_bytes_max = 64;       // printable ASCII without blanks
inline constexpr std::size_t text_bytes_max = 1024;   // of an error; longer ones are cut
inline constexpr std::size_t body_frames_max = 1000;
// What a message may have beside its body, for which `message_bytes_max` is the limit.
inline constexpr std::uint64_t envelope_bytes_max = 64ULL << 10;
inline constexpr std::uint32_t capacity_max = 10'000;
inline constexpr Duration expires_max = std::chrono::hours{24};
// A heartbeat is answered, if at all, when nothing was sent for so long: two that answer each other
// would else never end.
inline constexpr Duration heartbeat_answer_min = std::chrono::milliseconds{5};
} // namespace limits

// The service that every broker that speaks the flotilla dialect answers with 200.
inline constexpr std::string_view mmi_flotilla = "mmi.flotilla";

struct Message {
    Dialect dialect = Dialect::flotilla;
    Side side = Side::client;
    Verb verb = Verb::heartbeat;
    // An empty frame came, or is to go, before the header although the dialect has none there.
    // mdp_01 always has one, whatever this says.
    bool delimited = false;

    Blob service{}; // client side: every message but ping and pong; worker: ready (flotilla:
                    // request)
    // Worker side: which request. What the broker made up, handed back as it came.
    Blob address{};
    wire::Frames body{}; // request, partial, final

    // ---- flotilla only; elsewhere as they stand here
    std::string id{};          // the client's name of the request
    std::uint32_t attempt = 1; // request: how often it was given out; from a client: how often sent
    std::uint32_t part = 0;    // partial: its number within the attempt, from 0
    bool kept = false;         // final, error: an earlier answer, given again to a repeated id
    std::optional<Duration> expires{}; // request: how long somebody waits for the reply
    std::uint32_t capacity = 1;        // ready: requests held at once
    bool packs = false;                // ready, request: the worker reads packs (message_pack.hpp)
    ErrorCode code = ErrorCode::unknown; // error, disconnect
    std::string text{};                  // error, disconnect: what to do about it, for a human
};

} // namespace flotilla::request
