// SPDX-License-Identifier: Apache-2.0
//
// The columns that the totals of every daemon have, behind its own. Pure.
#pragma once

#include "admin/snapshot.hpp"

#include <flotilla/net/gate.hpp>

#include <cstdint>

namespace flotilla::admin {

struct CommonFigures {
    std::uint64_t admin_done = 0;
    std::uint64_t admin_refused = 0;
};
// Both to the one row of the totals; without it nothing is added.
void add_common(Snapshot& snapshot, const CommonFigures& figures);
// What was read last and could not be taken over, so that what holds is older.
struct Stale {
    bool access = false; // the files that say who may do what
    bool settings = false;
};
void add_connections(Snapshot& snapshot, const net::GateCounters& counters, Stale stale);

} // namespace flotilla::admin
