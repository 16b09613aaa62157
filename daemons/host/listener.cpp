// SPDX-License-Identifier: Apache-2.0
#include "host/listener.hpp"

#include "host/access_keeper.hpp"
#include "host/security_refusals.hpp"

#include <set>
#include <utility>
#include <variant>

namespace flotilla::host {

Result<std::vector<net::Endpoint>> parse_binds(const std::vector<std::string>& texts,
                                               const std::string& whose) {
    if (texts.size() > binds_max)
        return fail(Errc::bad_option, std::to_string(texts.size()) + " endpoints; at most " +
                                          std::to_string(binds_max));
    std::vector<net::Endpoint> all;
    for (const std::string& text : texts) {
        auto attachment = net::parse_attachment(text, net::AttachRule::bind);
        if (!attachment)
            return fail(attachment.error());
        if (attachment->how == net::Attach::connect)
            return fail(Errc::bad_endpoint, "'" + text + "': " + whose +
                                                " binds, and its clients and workers connect; "
                                                "leave out the '>'");
        all.push_back(std::move(attachment->endpoint));
    }
    return all;
}

Result<net::Security> listener_security(const CommonSettings& settings) {
    auto access = AccessKeeper::open(settings);
    if (!access)
        return fail(access.error());
    return access->security();
}

Status check_listener(const std::string& setting, const net::Endpoint& endpoint,
                      const net::Security& security) {
    const auto* plain = std::get_if<net::Plaintext>(&security);
    const std::string what = setting_name(setting) + " '" + endpoint.text() + "'";
    if (endpoint.transport() == net::Transport::inproc)
        return fail(Errc::bad_option,
                    what + " lies within one process, where nobody else is; write for example "
                           "tcp://127.0.0.1:5555 or ipc:///run/name.sock");
    if (endpoint.reach() != net::Reach::remote)
        return {};
    if (std::holds_alternative<net::PlainServer>(security))
        return fail(passwords_beyond(what));
    if (plain && plain->where == net::Plaintext::Where::local_only)
        return fail(plaintext_beyond(what));
    return {};
}

Status check_binds(const std::optional<std::vector<net::Endpoint>>& binds,
                   const net::Security& security, const std::string& example) {
    if (!binds || binds->empty())
        return fail(Errc::bad_option, "nowhere to bind; say --bind " + example +
                                          ", or --config FILE with bind = \"" + example + "\"");
    std::set<std::string> seen;
    for (const net::Endpoint& each : *binds) {
        if (Status checked = check_listener("bind", each, security); !checked)
            return checked;
        const bool has_place = !each.is_wildcard() || each.port() != 0;
        if (has_place && !seen.insert(each.text()).second)
            return fail(Errc::bad_option, setting_name("bind") + " '" + each.text() +
                                              "' is to be bound twice; leave one out");
    }
    return {};
}

} // namespace flotilla::host
