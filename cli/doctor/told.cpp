// SPDX-License-Identifier: Apache-2.0
#include <cli/doctor/told.hpp>

namespace flotilla::cli::doctor {

std::vector<std::string> refusals_between(const DaemonView& before, const DaemonView& after) {
    std::vector<std::string> grown;
    if (after.is_another_run(before) || before.totals.rows.empty() || after.totals.rows.empty())
        return grown;
    const auto& columns = after.totals.columns;
    const auto& was = before.totals.rows.front().values;
    const auto& is = after.totals.rows.front().values;
    for (std::size_t i = 0; i < columns.size() && i < was.size(); ++i)
        if (columns[i].kind == ColumnView::Kind::counter &&
            columns[i].name.compare(0, 8, "refused_") == 0 && is[i] > was[i])
            grown.push_back(columns[i].name);
    return grown;
}

Told told(const Result<DaemonView>& before, const Result<DaemonView>& after) {
    Told told;
    told.asked = true;
    if (!before || !after) {
        told.trouble = before ? after.error().detail : before.error().detail;
        return told;
    }
    told.state = after->state;
    told.not_ready = after->not_ready;
    told.refusals = refusals_between(*before, *after);
    return told;
}

} // namespace flotilla::cli::doctor
