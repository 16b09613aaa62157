// SPDX-License-Identifier: Apache-2.0
#include "store/administration.hpp"

#include "store/columns.hpp"
#include "store/orders.hpp"

#include <flotilla/base/units.hpp>

#include <utility>
#include <vector>

namespace flotilla::store_daemon {

std::vector<std::string> not_ready(const queue::EngineLevels& levels, const queue::LmdbLevels& disk,
                                   std::uint64_t disk_reserve_bytes) {
    std::vector<std::string> why;
    if (levels.is_reloading)
        why.emplace_back("reloading: a commit failed, and the store cannot be read again yet");
    if (disk.is_deleted)
        why.push_back("deleted: " + std::string(deleted_text));
    else if (levels.is_full)
        why.emplace_back("full: there is no room for puts");
    if (disk.disk_free_bytes < disk_reserve_bytes)
        why.push_back("short of disk: " + format_bytes(disk.disk_free_bytes) +
                      " are free, and disk_reserve_bytes is " + format_bytes(disk_reserve_bytes));
    return why;
}

void Administration::show(const admin::Wanted& wanted, admin::Snapshot& snapshot) const {
    queue::QueuePageWish wish{wanted.prefix, wanted.after, wanted.rows_max};
    if (!is_wanted(wanted, "queue"))
        wish.queues_max = 0;
    const queue::QueuePage page = parts_.server.queues(wish);
    const StoreFigures figures = figures_of(parts_.server, parts_.disk, page.all);
    admin::Table queues = queue_table();
    for (const queue::QueueStat& each : page.queues)
        queues.rows.push_back(queue_row(each));
    queues.left_out = page.left_out;
    admin::Table doors = door_table();
    if (is_wanted(wanted, "door"))
        for (const queue::DoorStat& each : parts_.server.doors())
            add_row(wanted, doors, each.endpoint, [&] { return door_row(each); });
    admin::Table sessions = session_table();
    std::vector<int> descriptors;
    if (is_wanted(wanted, "session"))
        for (const queue::SessionStat& each : parts_.server.sessions())
            add_row(wanted, sessions, each.peer, [&] {
                descriptors.push_back(each.descriptor);
                return session_row(each);
            });
    name_connections(sessions, "connection", descriptors, gates());
    snapshot.totals = totals_table();
    snapshot.totals.rows.push_back(totals_row(figures));
    snapshot.totals.rows.back().name = instance();
    snapshot.objects.push_back(std::move(queues));
    snapshot.objects.push_back(std::move(doors));
    snapshot.objects.push_back(std::move(sessions));
    snapshot.histograms = histograms(figures);
    if (snapshot.state == admin::State::draining && figures.levels.leased > 0)
        snapshot.warnings.push_back("the drain waits for " + std::to_string(figures.levels.leased) +
                                    " leased messages, or its deadline; sessions show whose");
    for (std::string& each : not_ready(figures.levels, figures.disk, parts_.disk_reserve_bytes))
        snapshot.not_ready.push_back(std::move(each));
}

void Administration::obey_own(const admin::Order& order,
                              std::function<void(admin::Answer)> answered) {
    store_daemon::obey(parts_.server, order, std::move(answered));
}

} // namespace flotilla::store_daemon
