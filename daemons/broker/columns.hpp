// SPDX-License-Identifier: Apache-2.0
//
// What a broker counts: the columns of its totals and services (docs/metrics.md). Pure.
#pragma once

#include "admin/snapshot.hpp"
#include "host/log.hpp"

#include <flotilla/request/broker.hpp>

#include <vector>

namespace flotilla::broker_daemon {

struct BrokerFigures {
    request::BrokerShellCounters counters{};
    request::BrokerLevels levels{};
};

admin::Table totals_table();
admin::Table service_table();
admin::Table worker_table();
admin::Row totals_row(const BrokerFigures& figures);
admin::Row service_row(const request::ServiceLevels& service);
// The text column `connection` is left empty.
admin::Row worker_row(const request::WorkerLevels& worker);
std::vector<admin::Histogram> histograms(const BrokerFigures& figures);

// For the log.
host::Fields totals_fields(const BrokerFigures& figures);
host::Fields service_fields(const request::ServiceLevels& service);

} // namespace flotilla::broker_daemon
