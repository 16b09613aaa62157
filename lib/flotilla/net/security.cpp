// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/gate.hpp>
#include <flotilla/net/security.hpp>

namespace flotilla::net {

const std::shared_ptr<Gate>& gate_of(const Security& security) noexcept {
    static const std::shared_ptr<Gate> none;
    if (const auto* plaintext = std::get_if<Plaintext>(&security))
        return plaintext->gate;
    if (const auto* plain = std::get_if<PlainServer>(&security))
        return plain->gate;
    if (const auto* curve = std::get_if<CurveServer>(&security))
        if (const auto* gate = std::get_if<std::shared_ptr<Gate>>(&curve->clients))
            return *gate;
    return none;
}

bool asks_handshakes(const Security& security) noexcept {
    const auto* plaintext = std::get_if<Plaintext>(&security);
    const bool unasked = plaintext && plaintext->handshakes == Plaintext::Handshakes::unasked;
    return gate_of(security) && !unasked;
}

bool names_users(const Security& security) noexcept {
    return std::holds_alternative<CurveServer>(security) ||
           std::holds_alternative<PlainServer>(security);
}

} // namespace flotilla::net
