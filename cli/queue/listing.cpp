// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <cli/admin/quantities.hpp>
#include <cli/queue/listing.hpp>
#include <cli/table.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace flotilla::cli {

namespace {

std::string text_of(const OptionPairs& pairs, std::string_view name) {
    const std::string_view value = value_of(pairs, name);
    return value.empty() ? "-" : std::string(value);
}

// Milliseconds as people read them.
std::string duration_of(const OptionPairs& pairs, std::string_view name) {
    const std::string_view value = value_of(pairs, name);
    const auto ms = parse_count(value, 0, 1ULL << 53);
    if (!ms)
        return value.empty() ? "-" : std::string(value); // "never"
    return compact(static_cast<double>(*ms) / 1e3, ColumnView::Unit::seconds);
}

} // namespace

std::string_view value_of(const OptionPairs& pairs, std::string_view name) noexcept {
    for (const auto& [known, value] : pairs)
        if (known == name)
            return value;
    return {};
}

namespace {

std::string no_queues(ListedFor whom) {
    return whom == ListedFor::anybody
               ? "no queues\n"
               : "no queues that this key may see (it has to have a right to a queue)\n";
}

} // namespace

std::string queues_table(const std::vector<OptionPairs>& queues, ListedFor whom) {
    if (queues.empty())
        return no_queues(whom);
    std::vector<Cells> lines{{"QUEUE", "READY", "DELAYED", "LEASED", "CONSUMERS"}};
    for (const OptionPairs& each : queues)
        lines.push_back({text_of(each, "name"), text_of(each, "ready"), text_of(each, "delayed"),
                         text_of(each, "leased"), text_of(each, "consumers")});
    return table(lines);
}

std::string watch_table(const std::vector<OptionPairs>& queues, ListedFor whom) {
    if (queues.empty())
        return no_queues(whom);
    std::vector<Cells> lines{
        {"QUEUE", "READY", "DELAYED", "LEASED", "CONSUMERS", "IN/S", "OUT/S", "LAG", "DRAINED IN"}};
    for (const OptionPairs& each : queues)
        lines.push_back({text_of(each, "name"), text_of(each, "ready"), text_of(each, "delayed"),
                         text_of(each, "leased"), text_of(each, "consumers"),
                         text_of(each, "arrival_rate"), text_of(each, "service_rate"),
                         duration_of(each, "lag_ms"), duration_of(each, "time_to_drain_ms")});
    return table(lines);
}

std::string pairs_table(const OptionPairs& pairs) {
    std::size_t width = 0;
    for (const auto& each : pairs)
        width = std::max(width, each.first.size());
    std::string out;
    for (const auto& [name, value] : pairs)
        out += name + std::string(width - name.size() + 2, ' ') + value + "\n";
    return out;
}

std::string pairs_json(const OptionPairs& pairs) {
    nlohmann::ordered_json line;
    for (const auto& [name, value] : pairs) {
        double number = 0;
        const char* const end = value.data() + value.size();
        const auto read = std::from_chars(value.data(), end, number);
        if (const auto whole = parse_count(value, 0, 1ULL << 53); whole)
            line[name] = *whole;
        else if (!value.empty() && read.ec == std::errc{} && read.ptr == end)
            line[name] = number;
        else
            line[name] = value;
    }
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

} // namespace flotilla::cli
