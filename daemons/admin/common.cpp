// SPDX-License-Identifier: Apache-2.0
#include "admin/common.hpp"

#include "admin/columns.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace flotilla::admin {
namespace {

using F = CommonFigures;
constexpr std::array common{
    Shown<F>{counter("admin_done", "flotilla_admin_done_total", "Changes that administrators made"),
             [](const F& f) { return static_cast<double>(f.admin_done); }},
    Shown<F>{counter("admin_refused", "flotilla_admin_refused_total",
                     "Requests of administrators and operations of peers that were refused"),
             [](const F& f) { return static_cast<double>(f.admin_refused); }},
};

using G = net::GateCounters;
constexpr std::array connections{
    Shown<G>{gauge("connections", "flotilla_connections",
                   "Connections now, those in a handshake included"),
             [](const G& g) { return static_cast<double>(g.connections); }},
    Shown<G>{gauge("addresses_waiting", "flotilla_addresses_waiting",
                   "Addresses that wait because their handshakes kept failing"),
             [](const G& g) { return static_cast<double>(g.addresses_waiting); }},
    Shown<G>{counter("handshakes", "flotilla_handshakes_total", "Handshakes that succeeded"),
             [](const G& g) { return static_cast<double>(g.handshakes_total); }},
    Shown<G>{counter("endless_messages", "flotilla_endless_messages_total",
                     "Connections that were cut off for a message without an end"),
             [](const G& g) { return static_cast<double>(g.endless_total); }},
};

// A column for each reason: "refused_unknown_key".
struct FailureNames {
    std::string column{};
    std::string reason{};
};
const std::array<FailureNames, net::handshake_failures_count>& failure_names() {
    static const auto names = [] {
        std::array<FailureNames, net::handshake_failures_count> all;
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i].reason = name(static_cast<net::HandshakeFailure>(i));
            all[i].column = "refused_" + all[i].reason;
        }
        return all;
    }();
    return names;
}

template <class Source, std::size_t n>
void add(Table& totals, const std::array<Shown<Source>, n>& shown, const Source& source) {
    for (const Column& each : columns_of(shown))
        totals.columns.push_back(each);
    for (const double each : values_of(shown, source))
        totals.rows.front().values.push_back(each);
}

} // namespace

void add_connections(Snapshot& snapshot, const net::GateCounters& counters, Stale stale) {
    if (snapshot.totals.rows.empty())
        return;
    add(snapshot.totals, connections, counters);
    snapshot.totals.columns.push_back(
        gauge("access_stale", "flotilla_access_stale",
              "1: an access file or allow-list changed and could not be taken over"));
    snapshot.totals.rows.front().values.push_back(stale.access ? 1 : 0);
    snapshot.totals.columns.push_back(
        gauge("settings_stale", "flotilla_settings_stale",
              "1: the last reload of the settings failed, and the old ones hold"));
    snapshot.totals.rows.front().values.push_back(stale.settings ? 1 : 0);
    for (std::size_t i = 0; i < counters.failures_total.size(); ++i) {
        const FailureNames& names = failure_names()[i];
        snapshot.totals.columns.push_back(
            counter(names.column.c_str(), "flotilla_handshake_failures_total",
                    "Connections that did not get through the handshake, by reason", "reason",
                    names.reason.c_str()));
        snapshot.totals.rows.front().values.push_back(
            static_cast<double>(counters.failures_total[i]));
    }
}

void add_common(Snapshot& snapshot, const CommonFigures& figures) {
    if (snapshot.totals.rows.empty())
        return;
    add(snapshot.totals, common, figures);
}

} // namespace flotilla::admin
