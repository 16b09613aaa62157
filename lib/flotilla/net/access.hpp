// SPDX-License-Identifier: Apache-2.0
//
// Access: who may connect to a listener, as values and pure decisions. net/zap and net/gate ask
// them; net/access_watch reads them from files.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/net/address_rules.hpp>
#include <flotilla/net/curve.hpp>
#include <flotilla/net/handshake_failure.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace flotilla::net {

// What 27/ZAP knows of a peer that wants in.
struct AccessRequest {
    std::string_view domain;           // the listener's
    std::string_view address;          // the peer's IP address; empty on ipc
    std::string_view mechanism;        // "NULL", "PLAIN", "CURVE"
    std::string_view key_bytes;        // CURVE: the client's public key, 32 bytes
    std::string_view plain_name{};     // PLAIN
    std::string_view plain_password{}; // PLAIN
};

struct AccessDecision {
    std::uint16_t status; // 27/ZAP: 200 in, 300 not now, 400 denied, 500 our fault
    std::string text;     // why, for the peer's log
    std::string user_id;  // 200: travels with every message of the peer
    std::optional<HandshakeFailure> failure{};
};

// The client keys that one listener accepts, and whom they stand for. At most keys_max.
class AllowList {
public:
    static constexpr std::size_t keys_max = 100'000;

    // A user without a name is called like the key. Errors: too_many; exists (it stands for
    // somebody else already).
    Status add(const CurveKey& public_key, User user = {});
    // Refused from now on, and by name: listed as well makes no difference. Errors: too_many.
    Status revoke(const CurveKey& public_key);
    bool contains(const CurveKey& public_key) const;
    bool is_revoked(const CurveKey& public_key) const;
    // Without those revoked.
    std::size_t size() const noexcept { return users_.size(); }
    const std::map<CurveKey, User>& users() const noexcept { return users_; }
    const std::set<CurveKey>& revoked() const noexcept { return revoked_; }

private:
    std::map<CurveKey, User> users_{};
    std::set<CurveKey> revoked_{};
};

// One Z85 key a line, or the path of a certificate file relative to the list; '#' comments. Behind
// a key may stand its user and the user's groups, "KEY alice @billing @ops", in front of one
// "revoked". A directory: every certificate file in it; NAME.revoked is one that is revoked. A
// certificate's user is in its metadata, name = "alice" and groups = "billing,ops".
// Errors: not_found; bad_key (FILE:LINE); io; too_many.
Result<AllowList> load_allow_list(const std::string& path);

// Every client key is accepted: encryption without authentication. Has to be asked for by name.
struct AnyClientKey {};

// Who is let in; an immutable value. By default nobody.
struct AccessPolicy {
    AccessPolicy() = default;
    AccessPolicy(AllowList list) : clients(std::move(list)) {}
    AccessPolicy(AnyClientKey any) : clients(any) {}

    std::variant<AllowList, AnyClientKey> clients{};           // by CURVE
    std::map<std::string, std::string, std::less<>> plain{};   // by PLAIN: passwords by name
    enum class Null : std::uint8_t { refused, let_in } null{}; // who says nothing of himself
    AddressRules addresses{};                                  // before all that
    Permissions permissions{}; // for listeners that only some may connect to (Entry)
};

// 200 with the user id that Permissions know: a key's text, "plain:NAME", or nothing for NULL.
AccessDecision decide(const AccessPolicy& policy, const AccessRequest& request);

// What a listener asks of everybody who connects, because its peers never speak.
struct Entry {
    Operation operation{};
    std::string object{};
};

} // namespace flotilla::net
