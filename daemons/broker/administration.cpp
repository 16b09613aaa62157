// SPDX-License-Identifier: Apache-2.0
#include "broker/administration.hpp"

#include "broker/columns.hpp"

#include <utility>

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
    snapshot.objects.push_back(std::move(services));
    snapshot.histograms = histograms(figures);
}

} // namespace flotilla::broker_daemon
