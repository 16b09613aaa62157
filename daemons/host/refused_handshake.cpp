// SPDX-License-Identifier: Apache-2.0
#include "host/refused_handshake.hpp"

#include <flotilla/net/refused_entry.hpp>

#include <utility>

namespace flotilla::host {

RefusedHandshake refused_at(std::string listener, net::FailedHandshake failure) {
    RefusedHandshake refused{
        failure.reason, std::move(listener), std::move(failure.address), {}, {}, {}};
    if (auto entry = net::refused_entry(failure)) {
        refused.listener = std::move(entry->listener);
        refused.who = std::move(entry->user);
        refused.operation = name(entry->operation);
        refused.object = std::move(entry->object);
    } else {
        refused.who = std::move(failure.who);
    }
    return refused;
}

Fields fields_of(const RefusedHandshake& refused, const std::string& relay, std::uint64_t count) {
    Fields fields{{"reason", std::string(net::name(refused.reason))}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty())
            fields.emplace_back(name, value);
    };
    add("relay", relay);
    add("listener", refused.listener);
    add("address", refused.address);
    add("who", refused.who);
    add("operation", refused.operation);
    add("object", refused.object);
    add("why", std::string(net::explain(refused.reason)));
    fields.emplace_back("count", count);
    return fields;
}

} // namespace flotilla::host
