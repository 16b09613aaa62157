// SPDX-License-Identifier: Apache-2.0
//
// Security of one socket: what it is to its peers.
#pragma once

#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace flotilla::net {

class Gate;

// Who may connect, as a value that stays as it is, or as a gate that can change its mind.
using CurveClients = std::variant<AllowList, AnyClientKey, std::shared_ptr<Gate>>;

struct CurveServer {
    CurveKeyPair keys;
    CurveClients clients;
};

struct CurveClient {
    CurveKeyPair keys;   // ours
    CurveKey server_key; // the only server that is believed
};

// Names and passwords in the clear, for peers that cannot do better: only process and machine
// endpoints.
struct PlainServer {
    std::shared_ptr<Gate> gate; // not nullptr
};
struct PlainClient {
    std::string name;     // up to 255 bytes
    std::string password; // up to 255 bytes
};

// No encryption: only process and machine endpoints, unless `anywhere` gives that protection up.
struct Plaintext {
    enum class Where : std::uint8_t { local_only, anywhere } where = Where::local_only;
    std::shared_ptr<Gate> gate{}; // counts connections and bounds them
    // Whether it is asked at each handshake, too, who may connect from where. That shuts out peers
    // before ZMTP 3 (JeroMQ 0.3), whose handshakes nobody can be asked about.
    enum class Handshakes : std::uint8_t { asked, unasked } handshakes = Handshakes::asked;
};

using Security = std::variant<Plaintext, CurveServer, CurveClient, PlainServer, PlainClient>;

// Of a listener that has one, else nullptr.
const std::shared_ptr<Gate>& gate_of(const Security& security) noexcept;

// That gate is asked at each handshake: only then an Entry means something.
bool asks_handshakes(const Security& security) noexcept;

// Messages carry the credential of who sent them, as Permissions read it: the property "User-Id".
// Where this is false everybody can claim to be anybody by that property: take it for empty.
bool names_users(const Security& security) noexcept;

} // namespace flotilla::net
