// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <cli/admin/audit_text.hpp>
#include <cli/admin/bounded_json.hpp>
#include <cli/admin/quantities.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>

namespace flotilla::cli {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t columns_max = 20;

Result<Json> lines_of(std::string_view answer) {
    const Json json = parse_bounded(answer);
    if (json.is_object())
        for (const auto& [name, value] : json.items())
            if (value.is_array())
                return value;
    return fail(Errc::malformed, "the daemon's answer to audit has no lines in it");
}

std::string time_text(std::int64_t ms) {
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    std::array<char, 32> text{};
    if (gmtime_r(&seconds, &parts) == nullptr)
        return std::to_string(ms);
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

std::string cell(const std::string& column, const Json& line) {
    const auto found = line.find(column);
    if (found == line.end() || found->is_null())
        return "-";
    if (found->is_number_integer() && column.size() > 3 &&
        column.compare(column.size() - 3, 3, "_ms") == 0)
        return time_text(found->get<std::int64_t>());
    std::string text;
    append_escaped(text, found->is_string() ? found->get<std::string>() : found->dump());
    return text.empty() ? "-" : text;
}

std::string heading(std::string column) {
    if (column.size() > 3 && column.compare(column.size() - 3, 3, "_ms") == 0)
        column.resize(column.size() - 3);
    std::transform(column.begin(), column.end(), column.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return column;
}

} // namespace

Result<std::string> audit_table(std::string_view answer) {
    auto lines = lines_of(answer);
    if (!lines)
        return fail(lines.error());
    std::vector<std::string> columns;
    for (const Json& line : *lines) {
        if (!line.is_object())
            return fail(Errc::malformed, "a line of the daemon's audit is no object");
        for (const auto& [name, value] : line.items())
            if (columns.size() < columns_max &&
                std::find(columns.begin(), columns.end(), name) == columns.end())
                columns.push_back(name);
    }
    if (columns.empty())
        return std::string("nothing was changed or refused\n");
    TextRows rows(1);
    for (const std::string& column : columns)
        rows.front().push_back(heading(column));
    for (const Json& line : *lines) {
        std::vector<std::string>& cells = rows.emplace_back();
        for (const std::string& column : columns)
            cells.push_back(cell(column, line));
    }
    return text_table(rows, columns.size());
}

Result<std::string> audit_json(std::string_view answer) {
    auto lines = lines_of(answer);
    if (!lines)
        return fail(lines.error());
    std::string text;
    for (const Json& line : *lines)
        text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    return text;
}

} // namespace flotilla::cli
