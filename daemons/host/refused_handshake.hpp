// SPDX-License-Identifier: Apache-2.0
//
// RefusedHandshake: what a line handshake_refused of the log says of one. Pure.
#pragma once

#include "host/log.hpp"

#include <flotilla/net/handshake_failure.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace flotilla::host {

// What lines tell apart.
struct RefusedHandshake {
    net::HandshakeFailure reason{};
    std::string listener{}; // as far as it is known
    std::string address{};
    std::string who{};
    std::string operation{}; // of not_allowed
    std::string object{};
    friend auto operator<=>(const RefusedHandshake&, const RefusedHandshake&) = default;
};
RefusedHandshake refused_at(std::string listener, net::FailedHandshake failure);

// `relay` is empty where there is none.
Fields fields_of(const RefusedHandshake& refused, const std::string& relay, std::uint64_t count);

} // namespace flotilla::host
