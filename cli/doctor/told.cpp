// SPDX-License-Identifier: Apache-2.0
#include <cli/doctor/told.hpp>

#include <algorithm>

namespace flotilla::cli::doctor {

namespace {

// Our own visit, which ends handshakes that it began, is no refusal.
bool is_refusal(std::string_view counter) {
    if (counter == "refused_closed" || counter == "refused_not_zmtp")
        return false;
    return counter.starts_with("refused_") || counter == subscribe_not_allowed ||
           counter == subscribers_cut;
}

} // namespace

std::vector<std::string> refusals_between(const DaemonView& before, const DaemonView& after) {
    std::vector<std::string> grown;
    if (after.is_another_run(before) || before.totals.rows.empty() || after.totals.rows.empty())
        return grown;
    const auto& columns = after.totals.columns;
    const auto& was = before.totals.rows.front().values;
    const auto& is = after.totals.rows.front().values;
    for (std::size_t i = 0; i < columns.size() && i < was.size(); ++i)
        if (columns[i].kind == ColumnView::Kind::counter && is_refusal(columns[i].name) &&
            is[i] > was[i])
            grown.push_back(columns[i].name);
    return grown;
}

namespace {

// Zero, too, where it does not say.
std::uint64_t total(const DaemonView& view, std::string_view column) {
    if (view.totals.rows.empty())
        return 0;
    const auto& columns = view.totals.columns;
    const auto& values = view.totals.rows.front().values;
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [&](const ColumnView& each) { return each.name == column; });
    const auto place = static_cast<std::size_t>(at - columns.begin());
    return at != columns.end() && place < values.size() && values[place] > 0
               ? static_cast<std::uint64_t>(values[place])
               : 0;
}

std::vector<Told::TurnedAway> turned_away(const DaemonView& view) {
    std::vector<Told::TurnedAway> all;
    for (std::size_t i = 0; i < net::handshake_failures_count; ++i) {
        const auto reason = static_cast<net::HandshakeFailure>(i);
        if (const auto count = total(view, "refused_" + std::string(name(reason))))
            all.push_back({reason, count});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.count > b.count; });
    return all;
}

} // namespace

Told told(const Result<DaemonView>& before, const Result<DaemonView>& after) {
    Told told;
    told.asked = true;
    if (!before || !after) {
        told.trouble = before ? after.error().detail : before.error().detail;
        return told;
    }
    told.state = after->state;
    told.not_ready = after->not_ready;
    told.warnings = after->warnings;
    told.refusals = refusals_between(*before, *after);
    told.turned_away = turned_away(*before); // without ourselves
    told.endless_messages = total(*before, "endless_messages");
    return told;
}

} // namespace flotilla::cli::doctor
