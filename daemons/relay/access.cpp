// SPDX-License-Identifier: Apache-2.0
#include "relay/access.hpp"

#include "host/security_refusals.hpp"
#include "relay/sides.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace flotilla::relay_daemon {
namespace {

bool serves_curve(const relay::RelayOptions& options) {
    const auto all = sides(options);
    return std::any_of(all.begin(), all.end(), [](const auto& each) {
        return std::holds_alternative<net::CurveServer>(each.second->security);
    });
}

bool binds(const relay::SideOptions& side) {
    return std::any_of(side.attachments.begin(), side.attachments.end(),
                       [](const net::Attachment& each) { return each.how == net::Attach::bind; });
}

// A side that is bound asks the gate; one that connects is a client.
void put_gate(relay::SideOptions& side, host::AccessKeeper& access) {
    if (!binds(side))
        return;
    if (auto* server = std::get_if<net::CurveServer>(&side.security))
        server->clients = access.gate();
    else if (std::holds_alternative<net::PlainServer>(access.security()))
        side.security = access.security();
    else if (auto* plain = std::get_if<net::Plaintext>(&side.security))
        *plain = access.plaintext(plain->where);
}

Status check_passwords(const char* name, const relay::SideOptions& side) {
    if (!std::holds_alternative<net::PlainServer>(side.security))
        return {};
    for (const net::Attachment& each : side.attachments)
        if (each.endpoint.reach() == net::Reach::remote)
            return fail(host::passwords_beyond(host::setting_name(name) + " '" +
                                               each.endpoint.text() + "'"));
    return {};
}

} // namespace

host::CommonSettings access_settings(const host::CommonSettings& common,
                                     const RelaySettings& settings,
                                     const relay::RelayOptions& options) {
    const bool serves = serves_curve(options);
    host::CommonSettings all = common;
    all.curve_key = serves ? settings.curve_key : std::nullopt;
    all.allow_client_keys = serves ? settings.allow_client_keys : std::nullopt;
    all.allow_any_client_key = serves ? settings.allow_any_client_key : std::nullopt;
    all.allow_plaintext = settings.allow_plaintext;
    return all;
}

Result<host::AccessKeeper> put_access(relay::RelayOptions& options,
                                      const host::CommonSettings& settings) {
    auto access = host::AccessKeeper::open(settings);
    if (!access)
        return access;
    access->name_relay(options.name);
    for (const auto& [name, side] : sides(options)) {
        put_gate(*side, *access);
        if (const Status good = check_passwords(name, *side); !good)
            return fail(good.error());
    }
    return access;
}

} // namespace flotilla::relay_daemon
