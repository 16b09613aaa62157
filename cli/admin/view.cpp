// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <cli/admin/bounded_json.hpp>
#include <cli/admin/view.hpp>

#include <algorithm>
#include <limits>

namespace flotilla::cli {

namespace {

using Json = nlohmann::ordered_json;

auto wrong(const std::string& what) {
    return fail(Errc::malformed, "the daemon's status: " + what);
}

const Json& member(const Json& json, const char* name) {
    static const Json none;
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() ? *found : none;
}

std::string shown(const Json& json) {
    std::string text;
    if (json.is_string())
        append_escaped(text, json.get_ref<const std::string&>());
    return text;
}

std::int64_t whole(const Json& json) {
    if (json.is_number_integer())
        return json.get<std::int64_t>();
    return 0;
}

double number(const Json& json) {
    if (json.is_boolean())
        return json.get<bool>() ? 1 : 0;
    return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::string> texts(const Json& json) {
    std::vector<std::string> all;
    if (json.is_array())
        for (const Json& each : json)
            all.push_back(shown(each));
    return all;
}

ColumnView read_column(const Json& json) {
    using Unit = ColumnView::Unit;
    ColumnView column;
    column.name = shown(member(json, "name"));
    column.help = shown(member(json, "help"));
    column.kind =
        member(json, "kind") == "counter" ? ColumnView::Kind::counter : ColumnView::Kind::gauge;
    const std::string unit = shown(member(json, "unit"));
    column.unit = unit == "bytes"     ? Unit::bytes
                  : unit == "seconds" ? Unit::seconds
                  : unit == "flag"    ? Unit::flag
                                      : Unit::count;
    return column;
}

Result<std::vector<ColumnView>> read_columns(const Json& json) {
    std::vector<ColumnView> columns;
    if (!json.is_array())
        return columns;
    if (json.size() > DaemonView::columns_max)
        return fail(Errc::too_many, "the daemon's status has a table of " +
                                        std::to_string(json.size()) + " columns");
    for (const Json& each : json)
        columns.push_back(read_column(each));
    return columns;
}

RowView read_row(const Json& json, const TableView& table) {
    RowView row;
    row.name = shown(member(json, "name"));
    for (const std::string& each : table.text_columns)
        row.texts.push_back(shown(member(json, each.c_str())));
    for (const ColumnView& each : table.columns)
        row.values.push_back(number(member(json, each.name.c_str())));
    return row;
}

Status read_table(const Json& rows, TableView& table) {
    if (!rows.is_array())
        return wrong("the objects of kind '" + table.kind + "' are no array");
    for (const Json& row : rows) {
        if (!row.is_object())
            return wrong("an object of kind '" + table.kind + "' is none");
        table.rows.push_back(read_row(row, table));
    }
    return {};
}

Status read_objects(const Json& json, DaemonView& view) {
    const Json& objects = member(json, "objects");
    std::size_t rows = 0;
    if (objects.is_object())
        for (const auto& [kind, each] : objects.items())
            rows += each.size();
    if (rows > DaemonView::rows_max)
        return fail(Errc::too_many, "the daemon's status has " + std::to_string(rows) +
                                        " objects; at most " +
                                        std::to_string(DaemonView::rows_max) + " are read");
    if (!objects.is_object())
        return {};
    for (const auto& [kind, each] : objects.items()) {
        TableView& table = view.objects.emplace_back();
        append_escaped(table.kind, kind);
        auto columns = read_columns(member(member(json, "columns"), kind.c_str()));
        if (!columns)
            return fail(columns.error());
        table.columns = std::move(*columns);
        table.text_columns = texts(member(member(json, "text_columns"), kind.c_str()));
        if (table.text_columns.size() > DaemonView::columns_max)
            return fail(Errc::too_many, "the daemon's status has a table of too many columns");
        table.left_out = static_cast<std::uint64_t>(
            std::max<std::int64_t>(whole(member(member(json, "left_out"), kind.c_str())), 0));
        if (Status read = read_table(each, table); !read)
            return read;
    }
    return {};
}

Status read_totals(const Json& json, DaemonView& view) {
    const Json& totals = member(json, "totals");
    if (!totals.is_object())
        return {};
    view.totals.kind = shown(member(json, "totals_kind"));
    auto columns = read_columns(member(member(json, "columns"), view.totals.kind.c_str()));
    if (!columns)
        return fail(columns.error());
    view.totals.columns = std::move(*columns);
    view.totals.rows.push_back(read_row(totals, view.totals));
    view.totals.rows.back().name = view.instance;
    return {};
}

} // namespace

const TableView* DaemonView::objects_of(std::string_view kind) const {
    const auto found = std::find_if(objects.begin(), objects.end(),
                                    [&](const TableView& table) { return table.kind == kind; });
    return found != objects.end() ? &*found : nullptr;
}

Result<DaemonView> read_status(std::string_view text) {
    const Json json = parse_bounded(text);
    if (!json.is_object())
        return wrong("it is no JSON object");
    DaemonView view;
    view.program = shown(member(json, "program"));
    view.instance = shown(member(json, "instance"));
    view.version = shown(member(json, "version"));
    view.state = shown(member(json, "state"));
    if (view.program.empty() || view.state.empty())
        return wrong("it names no program or no state");
    view.process = whole(member(json, "process"));
    view.started_ms = whole(member(json, "started_ms"));
    view.taken_ms = whole(member(json, "taken_ms"));
    view.not_ready = texts(member(json, "not_ready"));
    view.warnings = texts(member(json, "warnings"));
    view.endpoints = texts(member(json, "endpoints"));
    if (Status read = read_objects(json, view); !read)
        return fail(read.error());
    if (Status read = read_totals(json, view); !read)
        return fail(read.error());
    return view;
}

ExitCode readiness(const std::vector<const DaemonView*>& asked) {
    const auto answered = [](const DaemonView* view) { return view != nullptr; };
    const auto ready = [](const DaemonView* view) { return view != nullptr && view->is_ready(); };
    if (std::none_of(asked.begin(), asked.end(), answered))
        return ExitCode::nothing;
    return std::all_of(asked.begin(), asked.end(), ready) ? ExitCode::ok : ExitCode::refused;
}

} // namespace flotilla::cli
