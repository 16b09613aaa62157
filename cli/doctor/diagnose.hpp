// SPDX-License-Identifier: Apache-2.0
//
// Diagnose: from what a visit found out to why nothing arrives and what to do. Pure.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <cli/doctor/facts.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli::doctor {

enum class Finding : std::uint8_t {
    healthy,
    // nobody there: exit 3
    nobody_listens,
    no_socket_file,
    host_unknown,
    unreachable,
    nothing_arrives, // all is well, but no message came
    topic_unmatched, // messages come, none with the topic asked for
    nothing_subscribed,
    // not ZeroMQ: exit 1
    not_a_socket,
    not_permitted, // by the file system
    silent,        // it accepts and says nothing
    closes_at_once,
    not_zeromq,
    handshake_stalls, // it began to greet, and stopped
    too_old,          // ZMTP 1 or 2 where a later one is needed
    // refused: exit 4
    peer_encrypts,     // we came in plaintext
    peer_is_plaintext, // we came with a key
    mechanism_unknown, // PLAIN, GSSAPI, ...
    both_are_clients,  // CURVE, and neither is the server
    wrong_server_key,
    key_not_allowed,
    key_revoked,          // told by the daemon, as are the next four
    address_denied,       // by its rules
    address_waits,        // after failed handshakes from it
    too_many_connections, // of this address, or of all
    plaintext_refused,
    topic_not_allowed,   // told by the daemon as well
    server_cannot_judge, // its ZAP handler fails or does not answer
    refused_by_peer,     // ERROR with another reason
    daemon_not_ready,    // it lets us in, and drains or recovers; told by the daemon
    type_mismatch,
};
std::string_view name(Finding finding) noexcept; // "wrong_server_key"

struct Verdict {
    Finding finding = Finding::healthy;
    std::string summary{};            // one sentence: what is the case
    std::string next{};               // what to do; may be empty
    std::vector<std::string> notes{}; // what else was seen, and may matter
};
Verdict diagnose(const Facts& facts);
ExitCode exit_code(Finding finding) noexcept;

// Whether two socket types talk to each other (28/REQREP to 31/EXPAIR).
bool are_compatible(net::SocketType a, net::SocketType b) noexcept;
// Who joins a peer as one may be given messages that were meant for others.
bool takes_messages(net::SocketType type) noexcept;
// "PULL" for "PUSH", "SUB or XSUB" for "PUB".
std::string partners_of(net::SocketType type);
// Upper case, as ZMTP and people write it: "XPUB".
std::string shown(net::SocketType type);
// The type that a handshake names; any case.
std::optional<net::SocketType> type_of(std::string_view shown);

} // namespace flotilla::cli::doctor
