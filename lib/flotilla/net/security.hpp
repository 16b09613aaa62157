// SPDX-License-Identifier: Apache-2.0
//
// Security of one socket: what it is to its peers.
#pragma once

#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>

#include <cstdint>
#include <variant>

namespace flotilla::net {

// Every client key is accepted: encryption without authentication. Has to be asked for by name.
struct AnyClientKey {};

struct CurveServer {
    CurveKeyPair keys;
    std::variant<AllowList, AnyClientKey> clients; // who may connect
};

struct CurveClient {
    CurveKeyPair keys;   // ours
    CurveKey server_key; // the only server that is believed
};

// No encryption: only process and machine endpoints, unless `anywhere` gives that protection up.
struct Plaintext {
    enum class Where : std::uint8_t { local_only, anywhere } where = Where::local_only;
};

using Security = std::variant<Plaintext, CurveServer, CurveClient>;

// Messages carry the credential of who sent them, as Permissions read it: the property "User-Id".
// Where this is false everybody can claim to be anybody by that property: take it for empty.
bool names_users(const Security& security) noexcept;

} // namespace flotilla::net
