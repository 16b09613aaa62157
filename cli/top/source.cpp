// SPDX-License-Identifier: Apache-2.0
#include <cli/top/source.hpp>

namespace flotilla::cli::top {

Source::Values Source::values_of(const DaemonView& view) const {
    Values values;
    for (const RowView& row : view.totals.rows)
        values[{"", ""}] = row.values;
    for (const TableView& table : view.objects)
        for (const RowView& row : table.rows)
            values[{table.kind, row.name}] = row.values;
    return values;
}

void Source::heard(DaemonView view) {
    trouble_.clear();
    instance_ = view.instance;
    for (const TableView& table : view.objects)
        kinds_.insert(table.kind);
    const bool goes_on = view_ && !view.is_another_run(*view_);
    if (!goes_on) {
        before_.clear();
        seconds_ = 0;
    } else if (view.taken_ms > view_->taken_ms) {
        before_ = values_of(*view_);
        seconds_ = static_cast<double>(view.taken_ms - view_->taken_ms) / 1000;
    }
    view_ = std::move(view);
}

void Source::lost(std::string why) {
    trouble_ = std::move(why);
    view_.reset();
    before_.clear();
    seconds_ = 0;
}

std::string Source::name() const {
    return instance_.empty() ? endpoint_ : instance_;
}

std::optional<double> Source::rate(const TableView& table, const RowView& row,
                                   std::size_t column) const {
    const bool is_total = view_ && &table == &view_->totals;
    const auto before = before_.find(is_total ? std::pair<std::string, std::string>{}
                                              : std::pair{table.kind, row.name});
    if (seconds_ <= 0 || before == before_.end() || before->second.size() != row.values.size())
        return std::nullopt;
    const double grown = row.values[column] - before->second[column];
    return grown < 0 ? std::nullopt : std::optional{grown / seconds_};
}

} // namespace flotilla::cli::top
