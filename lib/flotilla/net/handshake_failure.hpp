// SPDX-License-Identifier: Apache-2.0
//
// HandshakeFailure: why somebody who wanted in was not let in. The names are those of the metric
// flotilla_handshake_failures_total{reason}, of the log's event handshake_refused and of zmq
// doctor.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::net {

enum class HandshakeFailure : std::uint8_t {
    // Refused by our rules.
    unknown_key,    // CURVE: not in the allow-list
    revoked_key,    // CURVE: taken out of it by name
    wrong_password, // PLAIN: the password, or nobody is called so
    plain_remote,   // PLAIN from beyond this machine
    address,        // no rule lets this address in
    not_allowed,    // let in, but not to this listener
    penalty,        // too many failures of this address: it is heard again later
    // Refused for their number.
    connections,
    address_connections,
    out_of_files, // few descriptors are left
    // Broke off.
    wrong_server_key, // CURVE: the peer took us for somebody else
    plaintext,        // at a CURVE listener
    wrong_mechanism,  // at one without
    not_zmtp,         // garbage, ZMTP before 3.0, or a type of socket that does not talk to ours
    protocol,         // the handshake broke its own rules
    timeout,          // unfinished in time: nothing came, or half of it
    closed,           // the peer went before it was done
    failed,           // our fault: unknown ZAP domain, malformed ZAP request
};
inline constexpr std::size_t handshake_failures_count = 18;

std::string_view name(HandshakeFailure failure) noexcept; // "unknown_key"
// One sentence for an operator: what it means and what helps.
std::string_view explain(HandshakeFailure failure) noexcept;

struct FailedHandshake {
    HandshakeFailure reason{};
    std::string address{}; // "10.0.0.7"; empty over ipc, or when it was gone too fast to ask
    std::string who{};     // the beginning of its key, or the name it gave; empty: not known
    Duration waits{0};     // not zero: so long this address has to wait from now on
};

} // namespace flotilla::net
