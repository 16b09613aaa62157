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

Status check_binds(const std::optional<std::vector<net::Endpoint>>& binds,
                   const net::Security& security, const std::string& example) {
    if (!binds || binds->empty())
        return fail(Errc::bad_option, "nowhere to bind; say --bind " + example +
                                          ", or --config FILE with bind = \"" + example + "\"");
    const std::string bind = setting_name("bind");
    const auto* plain = std::get_if<net::Plaintext>(&security);
    const bool local_only = plain && plain->where == net::Plaintext::Where::local_only;
    const bool sends_passwords = std::holds_alternative<net::PlainServer>(security);
    std::set<std::string> seen;
    for (const net::Endpoint& each : *binds) {
        if (sends_passwords && each.reach() == net::Reach::remote)
            return fail(passwords_beyond(bind + " '" + each.text() + "'"));
        if (local_only && each.reach() == net::Reach::remote)
            return fail(plaintext_beyond(bind + " '" + each.text() + "'"));
        const bool has_place = !each.is_wildcard() || each.port() != 0;
        if (has_place && !seen.insert(each.text()).second)
            return fail(Errc::bad_option,
                        bind + " '" + each.text() + "' is to be bound twice; leave one out");
    }
    return {};
}

std::string joined(const std::vector<net::Endpoint>& endpoints) {
    std::string all;
    for (const net::Endpoint& each : endpoints)
        all += (all.empty() ? "" : ",") + each.text();
    return all;
}

} // namespace flotilla::host
