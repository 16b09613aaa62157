// SPDX-License-Identifier: Apache-2.0
//
// Greeting: the first bytes of a connection, which ZMTP sends in clear text whatever the security
// (37/ZMTP): 64 bytes that say version, mechanism and role. And, when they are no greeting, whose
// they are. Pure.
//
//     greeting = FF 8*any 7F, major, minor, mechanism (20, padded with 0), as-server, 31*0
//     ZMTP 2.0 = FF 8*any 7F, revision 1, socket type, identity frame
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace flotilla::cli::doctor {

inline constexpr std::size_t greeting_bytes = 64;
// Enough for any peer to answer with the whole of its own: signature, major and minor.
inline constexpr std::size_t greeting_opening_bytes = 12;

struct Greeting {
    std::uint8_t major = 3; // 1 and 2: a peer from before 2013, whose mechanism is "" (none)
    std::uint8_t minor = 1;
    std::string mechanism{"NULL"}; // "NULL", "PLAIN", "CURVE", "GSSAPI", or what it says
    bool as_server = false;        // libzmq leaves it out, so only true means something
    std::string socket_type{};     // version 2, if it has one that is known: "PUB"; later ones say
                                   // it in their READY

    friend bool operator==(const Greeting&, const Greeting&) = default;
};

// Version 3; `mechanism` is at most 20 bytes.
std::string encode(const Greeting& greeting);

// More bytes are needed to tell.
struct MoreBytes {};
// It is not ZMTP: what it is, if it shows: "an HTTP server", "an SSH server".
struct Stranger {
    std::optional<std::string> name;
};
using GreetingOutcome = std::variant<Greeting, MoreBytes, Stranger>;
// `bytes` is everything that was received so far.
GreetingOutcome judge_greeting(ByteView bytes);

// Which well-known protocol begins with these bytes, as "an HTTP server".
std::optional<std::string> name_protocol(ByteView bytes);
// The first bytes as text for a report: printable characters kept, others as \xHH, at most 40.
std::string excerpt(ByteView bytes);

} // namespace flotilla::cli::doctor
