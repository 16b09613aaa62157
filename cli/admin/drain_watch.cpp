// SPDX-License-Identifier: Apache-2.0
#include <cli/admin/drain_watch.hpp>
#include <cli/admin/quantities.hpp>

#include <algorithm>
#include <array>

namespace flotilla::cli {

void DrainWatch::saw(const DaemonView& view) {
    if (view.is_another_run(last_)) {
        is_gone_ = true;
        is_replaced_ = true;
        return;
    }
    last_ = view;
}

DrainWatch::End DrainWatch::end(Instant now) const noexcept {
    if (is_gone_)
        return End::gone;
    return now >= deadline_ ? End::overdue : End::none;
}

// Gauges of the totals that are not at rest: what it waits for is among them.
std::string DrainWatch::held() const {
    std::string text;
    const TableView& totals = last_.totals;
    for (const RowView& row : totals.rows)
        for (std::size_t i = 0; i < totals.columns.size(); ++i) {
            const ColumnView& column = totals.columns[i];
            if (column.kind == ColumnView::Kind::gauge && column.unit == ColumnView::Unit::count &&
                row.values[i] > 0)
                text += (text.empty() ? "" : ", ") + column.name + " " + compact(row.values[i]);
        }
    return text.empty() ? "nothing" : text;
}

// Of work that somebody had begun; other numbers need not come to rest.
std::string DrainWatch::work() const {
    constexpr std::array begun{"leased", "running", "queued", "held"};
    std::string text;
    const TableView& totals = last_.totals;
    for (const RowView& row : totals.rows)
        for (std::size_t i = 0; i < totals.columns.size(); ++i)
            if (std::find(begun.begin(), begun.end(), totals.columns[i].name) != begun.end() &&
                row.values[i] > 0)
                text += (text.empty() ? "" : ", ") + totals.columns[i].name + " " +
                        compact(row.values[i]);
    return text;
}

std::string DrainWatch::progress(Instant now) const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_).count();
    return last_.instance + " drains for " + age_text(ms) + ": " + held();
}

std::string DrainWatch::summary() const {
    if (is_replaced_)
        return last_.instance + " has gone, and another process took its place";
    const std::string unfinished = work();
    if (is_gone_)
        return last_.instance + " has gone" +
               (unfinished.empty() ? "" : "; its last status, just before, told of " + unfinished);
    return last_.instance + " is still there after its deadline; it holds: " + held();
}

} // namespace flotilla::cli
