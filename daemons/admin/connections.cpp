// SPDX-License-Identifier: Apache-2.0
#include "admin/connections.hpp"

#include "admin/columns.hpp"
#include "admin/daemon.hpp"
#include "admin/page.hpp"

#include <flotilla/net/connection_figures.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace flotilla::admin {
namespace {

using Unit = Column::Unit;

struct Figures {
    Duration age{0};
    net::ConnectionFigures kernel{};
};

double seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

double known(const std::optional<std::uint64_t>& number) {
    return number ? static_cast<double>(*number) : NAN;
}

constexpr std::array connection_columns{
    Shown<Figures>{passing_gauge("age", "Since it was accepted", Unit::seconds),
                   [](const Figures& f) { return seconds(f.age); }},
    Shown<Figures>{
        passing_counter("received_bytes", "Bytes that came; not known over ipc", Unit::bytes),
        [](const Figures& f) { return known(f.kernel.received_bytes); }},
    Shown<Figures>{passing_counter("sent_bytes",
                                   "Bytes that the peer acknowledged; not known over ipc",
                                   Unit::bytes),
                   [](const Figures& f) { return known(f.kernel.sent_bytes); }},
    Shown<Figures>{
        passing_gauge("unread_bytes", "Bytes that came and wait to be read here", Unit::bytes),
        [](const Figures& f) { return static_cast<double>(f.kernel.unread_bytes); }},
    Shown<Figures>{
        passing_gauge("unsent_bytes",
                      "Bytes written that the peer has not acknowledged, over ipc not read",
                      Unit::bytes),
        [](const Figures& f) { return static_cast<double>(f.kernel.unsent_bytes); }},
    Shown<Figures>{
        passing_gauge("round_trip", "To the peer and back, as the kernel measures it",
                      Unit::seconds),
        [](const Figures& f) { return f.kernel.round_trip ? seconds(*f.kernel.round_trip) : NAN; }},
};

} // namespace

std::string name(const net::GateConnection& connection) {
    return (connection.peer.empty() ? "unknown" : connection.peer) + "#" +
           std::to_string(connection.number);
}

Table connection_table(const Gates& gates, const Wanted& wanted, Instant now) {
    Table table{"connection", {"listener"}, columns_of(connection_columns), {}, 0};
    if (!is_wanted(wanted, table.kind))
        return table;
    Page<net::GateConnection> page(wanted);
    for (const auto& gate : gates)
        gate->for_each_connection(
            [&](const net::GateConnection& each) { page.offer(name(each), each); });
    for (auto& [named, connection] : page.take()) {
        // One that has just ended is shown once more, without its figures.
        const auto kernel = net::connection_figures(connection.descriptor, connection.peer);
        const Figures figures{now - connection.since, kernel.value_or(net::ConnectionFigures{})};
        table.rows.push_back({std::move(named),
                              {std::move(connection.listener)},
                              values_of(connection_columns, figures)});
    }
    table.left_out = page.left_out();
    return table;
}

void name_connections(Table& table, std::string_view text_column,
                      const std::vector<int>& descriptors, const Gates& gates) {
    const auto column = static_cast<std::size_t>(
        std::find(table.text_columns.begin(), table.text_columns.end(), text_column) -
        table.text_columns.begin());
    std::multimap<int, std::size_t> rows;
    for (std::size_t i = 0; i < table.rows.size(); ++i)
        rows.emplace(descriptors.at(i), i);
    for (const auto& gate : gates)
        gate->for_each_connection([&](const net::GateConnection& each) {
            const auto [first, last] = rows.equal_range(each.descriptor);
            for (auto at = first; at != last; ++at)
                table.rows[at->second].texts.at(column) = name(each);
        });
}

} // namespace flotilla::admin
