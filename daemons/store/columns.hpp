// SPDX-License-Identifier: Apache-2.0
//
// What a store counts: the columns of its totals, queues and doors (docs/metrics.md). Pure.
#pragma once

#include "admin/snapshot.hpp"
#include "host/log.hpp"

#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/server.hpp>

#include <vector>

namespace flotilla::store_daemon {

// Everything that the totals are made of.
struct StoreFigures {
    queue::QueueServerCounters counters{};
    queue::EngineLevels levels{};
    queue::LmdbLevels disk{};
    queue::QueueLevels queues{}; // sums; the lag is the longest
};
StoreFigures figures_of(const queue::QueueServer& server, const queue::LmdbStore& disk,
                        const queue::QueueLevels& queues);

admin::Table totals_table();
admin::Table queue_table();
admin::Table door_table();
admin::Table session_table();
admin::Row totals_row(const StoreFigures& figures);
admin::Row queue_row(const queue::QueueStat& queue);
admin::Row door_row(const queue::DoorStat& door);
// The text column `connection` is left empty.
admin::Row session_row(const queue::SessionStat& session);
std::vector<admin::Histogram> histograms(const StoreFigures& figures);

// For the log.
host::Fields totals_fields(const StoreFigures& figures);
host::Fields queue_fields(const queue::QueueStat& queue);
host::Fields door_fields(const queue::DoorStat& door);

} // namespace flotilla::store_daemon
