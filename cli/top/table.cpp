// SPDX-License-Identifier: Apache-2.0
#include <cli/admin/quantities.hpp>
#include <cli/top/table.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>

namespace flotilla::cli::top {

namespace {

constexpr std::array familiar{"queue", "service", "relay",     "worker",
                              "door",  "session", "connection"};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

template <class T, class Same>
std::size_t index_in(std::vector<T>& all, const T& one, Same same) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const T& each) { return same(each, one); });
    if (found != all.end())
        return static_cast<std::size_t>(found - all.begin());
    all.push_back(one);
    return all.size() - 1;
}

class Maker {
public:
    Maker(Table& table, const Order& order) : table_(table), filter_(lower(order.filter)) {}

    void add_daemon(const Source& source, std::size_t at) {
        TableRow row{at, source.name(), {}, {}};
        if (!passes(row.name, source.endpoint()))
            return;
        const auto& view = source.view();
        const std::string state = !view                    ? "unreachable"
                                  : view->is_ready()       ? "ready"
                                  : view->state == "ready" ? "not_ready"
                                                           : view->state;
        set_text(row, "program", view ? view->program : "-");
        set_text(row, "state", state);
        set_text(row, "up", view ? age_text(view->taken_ms - view->started_ms) : "-");
        if (view)
            for (const RowView& each : view->totals.rows)
                set_cells(row, source, view->totals, each);
        table_.rows.push_back(std::move(row));
    }

    void add_objects(const Source& source, std::size_t at) {
        const TableView* from = source.view() ? source.view()->objects_of(table_.kind) : nullptr;
        if (!from)
            return;
        table_.left_out += from->left_out;
        for (const RowView& each : from->rows) {
            if (!passes(each.name, source.name()))
                continue;
            TableRow row{at, each.name, {}, {}};
            for (std::size_t i = 0; i < each.texts.size(); ++i)
                set_text(row, from->text_columns[i], each.texts[i]);
            set_cells(row, source, *from, each);
            table_.rows.push_back(std::move(row));
        }
    }

    // Rows of a daemon that lacks a column of another's.
    void fill() {
        for (TableRow& row : table_.rows) {
            row.texts.resize(table_.text_columns.size(), "-");
            row.cells.resize(table_.columns.size());
        }
    }

private:
    bool passes(const std::string& name, const std::string& daemon) {
        const bool fits = filter_.empty() || lower(name).find(filter_) != std::string::npos ||
                          lower(daemon).find(filter_) != std::string::npos;
        table_.filtered_out += fits ? 0 : 1;
        return fits;
    }

    void set_text(TableRow& row, const std::string& column, std::string text) {
        const std::size_t at = index_in(table_.text_columns, column, std::equal_to<>{});
        if (row.texts.size() <= at)
            row.texts.resize(at + 1, "-");
        row.texts[at] = std::move(text);
    }

    void set_cells(TableRow& row, const Source& source, const TableView& from,
                   const RowView& values) {
        for (std::size_t i = 0; i < from.columns.size(); ++i) {
            const ColumnView& column = from.columns[i];
            const std::size_t at =
                index_in(table_.columns, column,
                         [](const ColumnView& a, const ColumnView& b) { return a.name == b.name; });
            if (row.cells.size() <= at)
                row.cells.resize(at + 1);
            Cell& cell = row.cells[at];
            cell.value = column.kind == ColumnView::Kind::counter ? source.rate(from, values, i)
                                                                  : std::optional{values.values[i]};
            if (cell.value && !std::isfinite(*cell.value))
                cell.value.reset();
            if (cell.value)
                cell.text = compact(*cell.value, column.unit);
        }
    }

    Table& table_;
    std::string filter_;
};

void sort(Table& table, const Order& order) {
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const ColumnView& each) { return each.name == order.by; });
    const bool by_value = !order.by.empty() && column != table.columns.end();
    const auto at = static_cast<std::size_t>(column - table.columns.begin());
    std::stable_sort(table.rows.begin(), table.rows.end(),
                     [&](const TableRow& a, const TableRow& b) {
                         if (by_value) {
                             const auto& x = a.cells[at].value;
                             const auto& y = b.cells[at].value;
                             if (x.has_value() != y.has_value())
                                 return x.has_value();
                             if (x && *x != *y)
                                 return order.is_reversed ? *x < *y : *x > *y;
                         }
                         if (a.name != b.name)
                             return (a.name < b.name) != (order.is_reversed && !by_value);
                         return a.source < b.source;
                     });
}

} // namespace

Table make_table(const std::vector<Source>& sources, const std::string& kind, const Order& order) {
    Table table;
    table.kind = kind;
    Maker maker(table, order);
    for (std::size_t i = 0; i < sources.size(); ++i)
        if (kind == daemon_kind)
            maker.add_daemon(sources[i], i);
        else
            maker.add_objects(sources[i], i);
    maker.fill();
    sort(table, order);
    return table;
}

std::vector<std::string> kinds_of(const std::vector<Source>& sources) {
    std::set<std::string> left;
    for (const Source& source : sources)
        left.insert(source.kinds().begin(), source.kinds().end());
    std::vector<std::string> kinds{daemon_kind};
    for (const char* each : familiar)
        if (left.erase(each) > 0)
            kinds.emplace_back(each);
    kinds.insert(kinds.end(), left.begin(), left.end());
    return kinds;
}

} // namespace flotilla::cli::top
