// SPDX-License-Identifier: Apache-2.0
#include "broker/administration.hpp"

#include "broker/columns.hpp"

#include <utility>
#include <vector>

namespace flotilla::broker_daemon {

void Administration::show(const admin::Wanted& wanted, admin::Snapshot& snapshot) const {
    const BrokerFigures figures{broker_.counters(), broker_.levels()};
    snapshot.totals = totals_table();
    snapshot.totals.rows.push_back(totals_row(figures));
    snapshot.totals.rows.back().name = instance();
    admin::Table services = service_table();
    if (is_wanted(wanted, "service"))
        for (const request::ServiceLevels& each : broker_.services())
            add_row(wanted, services, each.name, [&] { return service_row(each); });
    admin::Table workers = worker_table();
    std::vector<int> descriptors;
    if (is_wanted(wanted, "worker"))
        for (const request::WorkerLevels& each : broker_.workers())
            add_row(wanted, workers, each.peer, [&] {
                descriptors.push_back(each.descriptor);
                return worker_row(each);
            });
    name_connections(workers, "connection", descriptors, gates());
    snapshot.objects.push_back(std::move(services));
    snapshot.objects.push_back(std::move(workers));
    snapshot.histograms = histograms(figures);
}

} // namespace flotilla::broker_daemon
