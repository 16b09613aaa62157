// SPDX-License-Identifier: Apache-2.0
//
// Errors: what an operation can end in besides success.
//
// An Errc is a stable number: it may be logged, compared, sent to a peer and mapped to an exit
// code. Numbers are never reused; new ones are added at the end of their group. An Error adds the
// sentence for a human: what is wrong, where, and what would be right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace flotilla {

enum class Errc : std::uint16_t {
    // Passing: the same call may succeed later.
    would_block = 1, // no room, or nothing to receive, and the caller chose not to wait
    timeout = 2,     // the caller's wait is over
    stopped = 3,     // the context is shutting down
    peer_gone = 4,   // the addressed peer is not connected
    no_peer = 5,     // nobody is there to take it

    // Refused: the same call will be refused again.
    refused = 20,        // the peer or a rule said no
    too_large = 21,      // a frame, message or batch is over its size limit
    too_many = 22,       // a count (frames, headers, endpoints, subscriptions) is over its limit
    malformed = 23,      // bytes that do not follow the protocol or format
    bad_endpoint = 24,   // not an endpoint, or one that this socket cannot use
    bad_option = 25,     // an option out of range, unknown, or in conflict with another
    bad_setting = 26,    // a configuration file or variable is wrong
    bad_key = 27,        // not a CURVE key, or the wrong half of a pair
    insecure = 28,       // would be plaintext, or open to every key, without that being asked for
    unsafe_file = 29,    // a secret file that others may read
    unsupported = 30,    // this build or the linked library cannot do it
    address_in_use = 31, // somebody else has bound the endpoint
    address_unavailable = 32, // the endpoint's address is not on this machine, or may not be bound
    not_found = 33,           // no such file, key or name
    exists = 34,              // there is already one
    lease_lost = 35,          // the lease is expired, unknown or somebody else's
    not_allowed = 36,         // a rule of the permissions says no

    // The world failed.
    io = 60,           // reading or writing a file failed
    disk_full = 61,    // no space left
    out_of_files = 62, // no descriptors left
    damaged = 63,      // stored bytes fail their checksum
    transport = 64,    // libzmq reported something that has no better name
};

// The stable name, as written in logs, wire errors and metrics: "would_block".
std::string_view name(Errc code) noexcept;

struct Error {
    Errc code{};
    std::string detail{}; // one sentence without a full stop; empty on hot paths (would_block)

    friend bool operator==(const Error&, const Error&) = default;
};

// "bad_endpoint: 'tcp//x' has no transport; write tcp://HOST:PORT"
std::string to_string(const Error& error);

} // namespace flotilla
