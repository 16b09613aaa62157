// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <utility>

namespace flotilla::net {
namespace {

AccessDecision denied(HandshakeFailure why, std::string text) {
    return {400, std::move(text), {}, why};
}

// In the same time whatever the given one is.
bool is_same_secret(std::string_view secret, std::string_view given) noexcept {
    unsigned different = secret.size() == given.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i)
        different |= static_cast<unsigned char>(given[i]) ^
                     static_cast<unsigned char>(i < secret.size() ? secret[i] : '\0');
    return different == 0;
}

AccessDecision decide_curve(const AccessPolicy& policy, const AccessRequest& request) {
    const auto key = CurveKey::from_bytes(request.key_bytes);
    if (!key)
        return denied(HandshakeFailure::failed, "the client key is malformed");
    const auto* list = std::get_if<AllowList>(&policy.clients);
    if (list && list->is_revoked(*key))
        return denied(HandshakeFailure::revoked_key, "the client key was revoked");
    if (list && !list->contains(*key))
        return denied(HandshakeFailure::unknown_key, "the client key is not in the allow-list");
    return {200, "OK", key->z85()};
}

AccessDecision decide_plain(const AccessPolicy& policy, const AccessRequest& request) {
    const auto address = Address::parse(request.address);
    if (!request.address.empty() && !(address && address->is_loopback()))
        return denied(HandshakeFailure::plain_remote, "PLAIN is for this machine only");
    const auto user = policy.plain.find(request.plain_name);
    const bool known = user != policy.plain.end();
    if (!is_same_secret(known ? user->second : std::string_view{}, request.plain_password) ||
        !known)
        return denied(HandshakeFailure::wrong_password, "the name or the password is wrong");
    return {200, "OK", "plain:" + user->first};
}

} // namespace

Status AllowList::add(const CurveKey& public_key, User user) {
    if (user.name.empty())
        user.name = public_key.z85();
    if (is_revoked(public_key))
        return {};
    const auto at = users_.find(public_key);
    if (at != users_.end()) {
        if (at->second == user)
            return {};
        return fail(Errc::exists, "the key " + fingerprint(public_key) + "... stands for '" +
                                      at->second.name + "' already, or for other groups");
    }
    if (users_.size() >= keys_max)
        return fail(Errc::too_many,
                    "an allow-list holds at most " + std::to_string(keys_max) + " keys");
    users_.emplace(public_key, std::move(user));
    return {};
}

Status AllowList::revoke(const CurveKey& public_key) {
    if (revoked_.size() >= keys_max && !is_revoked(public_key))
        return fail(Errc::too_many, "an allow-list holds at most " + std::to_string(keys_max) +
                                        " revoked keys; leave out old ones");
    revoked_.insert(public_key);
    users_.erase(public_key);
    return {};
}

bool AllowList::contains(const CurveKey& public_key) const {
    return users_.find(public_key) != users_.end();
}

bool AllowList::is_revoked(const CurveKey& public_key) const {
    return revoked_.find(public_key) != revoked_.end();
}

AccessDecision decide(const AccessPolicy& policy, const AccessRequest& request) {
    if (!policy.addresses.allows(request.address))
        return denied(HandshakeFailure::address, "this address is not let in");
    if (request.mechanism == "CURVE")
        return decide_curve(policy, request);
    if (request.mechanism == "PLAIN")
        return decide_plain(policy, request);
    if (request.mechanism == "NULL" && policy.null == AccessPolicy::Null::let_in)
        return {200, "OK", {}};
    return denied(HandshakeFailure::wrong_mechanism, "this listener wants to know who connects");
}

} // namespace flotilla::net
