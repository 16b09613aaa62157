// SPDX-License-Identifier: Apache-2.0
#include "host/listener.hpp"

#include "host/access_keeper.hpp"
#include "host/security_refusals.hpp"

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
    if (endpoint.transport() == net::Transport::inproc)
        return fail(Errc::bad_option,
                    setting_name(setting) + " '" + endpoint.text() +
                        "' lies within one process, where nobody else is; write for example "
                        "tcp://127.0.0.1:5555 or ipc:///run/name.sock");
    return check_reach(setting, endpoint, security);
}

Status check_reach(const std::string& setting, const net::Endpoint& endpoint,
                   const net::Security& security) {
    if (endpoint.reach() != net::Reach::remote)
        return {};
    const auto* plain = std::get_if<net::Plaintext>(&security);
    const std::string what = setting_name(setting) + " '" + endpoint.text() + "'";
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
    for (auto each = binds->begin(); each != binds->end(); ++each) {
        if (Status checked = check_listener("bind", *each, security); !checked)
            return checked;
        for (auto other = binds->begin(); other != each; ++other)
            if (net::is_one_place(*each, *other))
                return fail(Errc::bad_option, setting_name("bind") + ": " +
                                                  net::bound_twice(*each, *other) +
                                                  "; leave one out");
    }
    return {};
}

} // namespace flotilla::host
