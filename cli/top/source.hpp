// SPDX-License-Identifier: Apache-2.0
//
// Source: one daemon as `zmq top` knows it: its last status, and how fast its counters grow, which
// is the difference to the status before by the daemon's own clock. Pure.
//
// A rate is unknown until there are two statuses of the same run with a row in both. A daemon that
// was started again (another process or start, or a counter that went back) begins anew; an
// interval of no length changes nothing.
#pragma once

#include <cli/admin/view.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::cli::top {

class Source {
public:
    explicit Source(std::string endpoint) : endpoint_(std::move(endpoint)) {}

    // A status may hold the objects of one kind only; kinds that were seen once stay known.
    void heard(DaemonView view);
    // It does not answer; what was known of it is not shown any more.
    void lost(std::string why);

    const std::string& endpoint() const noexcept { return endpoint_; }
    // Its instance, or the endpoint as long as it never answered.
    std::string name() const;
    const std::optional<DaemonView>& view() const noexcept { return view_; }
    const std::string& trouble() const noexcept { return trouble_; } // empty: it answers
    const std::set<std::string>& kinds() const noexcept { return kinds_; }

    // Of the row's counter in that column of the table, a second. `table` is of view(): its totals
    // or one of its objects.
    std::optional<double> rate(const TableView& table, const RowView& row,
                               std::size_t column) const;

private:
    // (kind, name) -> values; totals have the kind "".
    using Values = std::map<std::pair<std::string, std::string>, std::vector<double>>;
    Values values_of(const DaemonView& view) const;

    std::string endpoint_;
    std::string instance_{};
    std::string trouble_ = "no answer yet";
    std::optional<DaemonView> view_{};
    Values before_{};
    double seconds_ = 0; // between before_ and view_; 0: there is nothing before it
    std::set<std::string> kinds_{};
};

} // namespace flotilla::cli::top
