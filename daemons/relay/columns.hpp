// SPDX-License-Identifier: Apache-2.0
//
// What relays count: the columns of the totals and of each relay (docs/metrics.md). Pure.
#pragma once

#include "admin/snapshot.hpp"

#include <flotilla/relay/relay.hpp>

#include <cstdint>
#include <string>

namespace flotilla::relay_daemon {

struct RelayFigures { // of one; or sums over all
    relay::Counters counters{};
    std::uint64_t relays = 1;
    std::uint64_t paused = 0;
};
void add(RelayFigures& sum, const RelayFigures& one) noexcept;
RelayFigures figures_of(const relay::Relay& relay);

std::string_view name(relay::Pump::State state) noexcept; // "running"

admin::Table totals_table();
admin::Table relay_table();
admin::Row totals_row(const RelayFigures& sum);
admin::Row relay_row(const relay::Relay& relay);

} // namespace flotilla::relay_daemon
