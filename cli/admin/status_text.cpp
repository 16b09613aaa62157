// SPDX-License-Identifier: Apache-2.0
#include <cli/admin/bounded_json.hpp>
#include <cli/admin/quantities.hpp>
#include <cli/admin/status_text.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace flotilla::cli {

namespace {

// As it is, so that it can be compared and added; bytes and times as people read them.
std::string exact(double value, ColumnView::Unit unit) {
    if (unit != ColumnView::Unit::count || value != std::floor(value))
        return compact(value, unit);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.0f", value);
    return text.data();
}

std::string capitals(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return c == '_' ? ' ' : static_cast<char>(std::toupper(c));
    });
    return text;
}

} // namespace

std::string daemons_table(const std::vector<Asked>& asked) {
    TextRows rows{{"ENDPOINT", "PROGRAM", "INSTANCE", "VERSION", "STATE", "UP", "WHY"}};
    for (const Asked& each : asked) {
        if (!each.view) {
            rows.push_back({each.endpoint, "-", "-", "-", "unreachable", "-", each.trouble});
            continue;
        }
        const DaemonView& view = *each.view;
        // What is not ready for another reason than its state is not ready all the same.
        const std::string state =
            view.state == "ready" && !view.is_ready() ? "not_ready" : view.state;
        std::vector<std::string> why = view.not_ready;
        why.insert(why.end(), view.warnings.begin(), view.warnings.end());
        rows.push_back({each.endpoint, view.program, view.instance, view.version, state,
                        age_text(view.taken_ms - view.started_ms), joined(why, "; ")});
    }
    return text_table(rows, rows.front().size());
}

std::string totals_text(const DaemonView& view) {
    TextRows rows;
    for (const RowView& row : view.totals.rows) {
        for (std::size_t i = 0; i < row.texts.size(); ++i)
            rows.push_back({view.totals.text_columns[i], row.texts[i], ""});
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            const ColumnView& column = view.totals.columns[i];
            rows.push_back({column.name, exact(row.values[i], column.unit), column.help});
        }
    }
    return text_table(rows, 1, 1);
}

std::string objects_text(const DaemonView& view, const std::string& kind) {
    const TableView* table = view.objects_of(kind);
    if (!table) {
        std::vector<std::string> kinds;
        for (const TableView& each : view.objects)
            kinds.push_back(each.kind);
        return view.instance + " has no objects of kind '" + kind + "'" +
               (kinds.empty() ? "" : "; it has: " + joined(kinds, ", ")) + "\n";
    }
    if (table->rows.empty())
        return view.instance + ": no " + kind + "\n";
    TextRows rows{{capitals(kind)}};
    for (const std::string& name : table->text_columns)
        rows.front().push_back(capitals(name));
    for (const ColumnView& column : table->columns)
        rows.front().push_back(capitals(column.name));
    for (const RowView& row : table->rows) {
        std::vector<std::string>& cells = rows.emplace_back();
        cells.push_back(row.name);
        cells.insert(cells.end(), row.texts.begin(), row.texts.end());
        for (std::size_t i = 0; i < row.values.size(); ++i)
            cells.push_back(exact(row.values[i], table->columns[i].unit));
    }
    std::string text = text_table(rows, 1 + table->text_columns.size());
    if (table->left_out > 0)
        text += "and " + std::to_string(table->left_out) + " more\n";
    return text;
}

std::string status_json(const std::vector<Asked>& asked) {
    std::string text;
    for (const Asked& each : asked) {
        nlohmann::ordered_json line{{"endpoint", each.endpoint}};
        if (each.view)
            line.update(parse_bounded(each.json));
        else
            line["error"] = each.trouble;
        text += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    }
    return text;
}

} // namespace flotilla::cli
