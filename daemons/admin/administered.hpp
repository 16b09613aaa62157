// SPDX-License-Identifier: Apache-2.0
//
// Administered: what a daemon is to its administrators: somebody who shows a Snapshot and obeys
// orders. Everything here is called by the daemon's own loop; HTTP threads and the admin endpoint
// reach it through the Desk.
#pragma once

#include "admin/snapshot.hpp"

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace flotilla::admin {

// Which rows are wanted; totals and histograms always are.
struct Wanted {
    std::string kind{};             // "queue"; empty: every kind
    std::string prefix{};           // of names
    std::string after{};            // names behind this one: the next page
    std::uint32_t rows_max = 1'000; // of each kind, up to 10,000; 0: totals only
};

// "purge" with queue=orders: docs/protocol/admin.md lists them and their arguments.
struct Order {
    std::string verb{};
    std::map<std::string, std::string, std::less<>> arguments{};
    std::string who{}; // for the audit line: a user, "token", an address
};

// As in HTTP, and in 8/MMI: 200 done, 400 malformed, 403 not allowed, 404 no such thing, 409 not
// now, 501 no such verb here, 503 busy.
struct Answer {
    std::uint16_t code = 200;
    std::string json{}; // an object; errors: {"error": "...", "why": "..."}
};

class Administered {
public:
    virtual ~Administered() = default;
    virtual Snapshot snapshot(const Wanted& wanted) const = 0;
    // `answered` is called once, now or in a later turn, on the loop. Orders that change something
    // come only from who may.
    virtual void obey(const Order& order, std::function<void(Answer)> answered) = 0;
};

} // namespace flotilla::admin
