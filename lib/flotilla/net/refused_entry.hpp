// SPDX-License-Identifier: Apache-2.0
//
// RefusedEntry: what somebody wanted whom a listener's Entry did not let in (not_allowed). A gate
// keeps it as text in FailedHandshake::who, which a log takes apart again. Pure.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/net/handshake_failure.hpp>

#include <optional>
#include <string>

namespace flotilla::net {

struct RefusedEntry {
    std::string user{};     // of a key without a user: the beginning of the key
    std::string listener{}; // its ZAP domain: "feed.backend", "flotilla-store.door-2"
    Operation operation{};
    std::string object{};
};

// For FailedHandshake::who.
std::string text_of(const RefusedEntry& entry);
// Nothing: it failed for another reason.
std::optional<RefusedEntry> refused_entry(const FailedHandshake& failure);

} // namespace flotilla::net
