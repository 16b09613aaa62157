// SPDX-License-Identifier: Apache-2.0
//
// Access: who may connect to a CURVE listener. Pure policy; net/zap asks it.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/curve.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace flotilla::net {

// What 27/ZAP knows of a peer that wants in.
struct AccessRequest {
    std::string_view domain;    // the listener's
    std::string_view address;   // the peer's IP address; empty on ipc
    std::string_view mechanism; // "NULL", "PLAIN", "CURVE"
    std::string_view key_bytes; // CURVE: the client's public key, 32 bytes; otherwise empty
};

struct AccessDecision {
    std::uint16_t status; // 27/ZAP: 200 in, 400 denied, 500 our fault
    std::string text;     // why, for the peer's log
    std::string user_id;  // 200: travels with every message of the peer
};

// The client keys that one listener accepts. At most keys_max.
class AllowList {
public:
    static constexpr std::size_t keys_max = 100'000;

    // Errors: too_many.
    Status add(const CurveKey& public_key);
    bool contains(const CurveKey& public_key) const;
    std::size_t size() const noexcept { return keys_.size(); }
    // CURVE with a listed key: 200, the key's text as user id. Anything else: 400.
    AccessDecision decide(const AccessRequest& request) const;

private:
    std::set<CurveKey> keys_;
};

// One Z85 key a line, or the path of a certificate file a line relative to the list; '#' comments.
// A directory: every certificate file in it. Errors: not_found, bad_key (FILE:LINE), io, too_many.
Result<AllowList> load_allow_list(const std::string& path);

} // namespace flotilla::net
