// SPDX-License-Identifier: Apache-2.0
#include "admin/json.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace flotilla::admin {
namespace {

using Json = nlohmann::ordered_json;

constexpr double exact_max = 9007199254740992.0; // 2^53

// Names of peers' making may be no UTF-8; they must not spoil the rest.
std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json number(double value) {
    if (!std::isfinite(value))
        return nullptr;
    if (value == std::floor(value) && std::fabs(value) <= exact_max)
        return static_cast<std::int64_t>(value);
    return value;
}

// Of several columns of one metric, which one: "Requests that ended, by reason: timeout".
std::string help_of(const Column& column) {
    std::string help = column.help;
    if (*column.label_value != 0)
        help.append(": ").append(column.label_value);
    return help;
}

Json columns(const Table& table) {
    Json all = Json::array();
    for (const Column& each : table.columns)
        all.push_back({{"name", each.name},
                       {"kind", name(each.kind)},
                       {"unit", name(each.unit)},
                       {"help", help_of(each)}});
    return all;
}

Json values(const Table& table, const Row& row) {
    Json object = Json::object();
    for (std::size_t i = 0; i < table.columns.size() && i < row.values.size(); ++i)
        object[table.columns[i].name] = number(row.values[i]);
    return object;
}

Json rows(const Table& table) {
    Json all = Json::array();
    for (const Row& row : table.rows) {
        Json object{{"name", row.name}};
        for (std::size_t i = 0; i < table.text_columns.size() && i < row.texts.size(); ++i)
            object[table.text_columns[i]] = row.texts[i];
        object.update(values(table, row));
        all.push_back(std::move(object));
    }
    return all;
}

Json argument_text(const Json& value) {
    if (value.is_string())
        return value;
    if (value.is_number_integer() || value.is_boolean())
        return value.dump();
    return nullptr;
}

} // namespace

std::string status_json(const Snapshot& snapshot) {
    Json all;
    all["program"] = snapshot.program;
    all["instance"] = snapshot.instance;
    all["version"] = snapshot.version;
    all["process"] = snapshot.process;
    all["started_ms"] = snapshot.started_ms;
    all["taken_ms"] = snapshot.taken_ms;
    all["state"] = name(snapshot.state);
    all["not_ready"] = snapshot.not_ready;
    all["warnings"] = snapshot.warnings;
    all["endpoints"] = snapshot.endpoints;
    all["totals_kind"] = snapshot.totals.kind;
    all["columns"][snapshot.totals.kind] = columns(snapshot.totals);
    all["text_columns"] = Json::object();
    all["totals"] = Json::object();
    if (!snapshot.totals.rows.empty())
        all["totals"] = values(snapshot.totals, snapshot.totals.rows.front());
    all["objects"] = Json::object();
    all["left_out"] = Json::object();
    for (const Table& table : snapshot.objects) {
        all["columns"][table.kind] = columns(table);
        all["text_columns"][table.kind] = table.text_columns;
        all["objects"][table.kind] = rows(table);
        all["left_out"][table.kind] = table.left_out;
    }
    all["histograms"] = Json::array();
    for (const Histogram& each : snapshot.histograms)
        all["histograms"].push_back({{"metric", each.metric},
                                     {"help", each.help},
                                     {"bounds", each.bounds},
                                     {"counts", each.counts},
                                     {"sum", each.sum}});
    return text_of(all);
}

std::string health_json(const Snapshot& snapshot) {
    Json all{{"state", name(snapshot.state)}};
    if (!snapshot.not_ready.empty())
        all["not_ready"] = snapshot.not_ready;
    return text_of(all); // without warnings: anybody may ask, and they quote settings
}

std::string error_json(std::string_view error, std::string_view why) {
    return text_of(Json{{"error", error}, {"why", why}});
}

Result<Arguments> parse_arguments(std::string_view json) {
    Arguments arguments;
    if (json.empty())
        return arguments;
    if (json.size() > arguments_bytes_max)
        return fail(Errc::too_large, "the arguments have more than 64 KiB");
    // Nesting is refused while it is read: depth costs the reader stack.
    bool is_flat = true;
    const auto flat = [&is_flat](int depth, Json::parse_event_t event, Json&) {
        if (event == Json::parse_event_t::array_start ||
            (event == Json::parse_event_t::object_start && depth > 0))
            is_flat = false;
        return is_flat;
    };
    const Json object = Json::parse(json, flat, false);
    if (!is_flat || !object.is_object())
        return fail(Errc::malformed, "the arguments are a JSON object of texts and whole numbers");
    if (object.size() > arguments_max)
        return fail(Errc::too_many, "there are more than 64 arguments");
    for (const auto& [key, value] : object.items()) {
        const Json text = argument_text(value);
        if (!text.is_string())
            return fail(Errc::malformed, "argument '" + key.substr(0, 64) +
                                             "' is neither a text nor a whole number");
        arguments.insert_or_assign(key, text.get<std::string>());
    }
    return arguments;
}

} // namespace flotilla::admin
