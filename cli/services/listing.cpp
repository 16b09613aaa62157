// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>
#include <flotilla/wire/option_text.hpp>

#include <cli/services/listing.hpp>
#include <cli/table.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace flotilla::cli {

namespace {

constexpr std::uint64_t count_max = 1ULL << 53;
constexpr std::size_t name_text_max = 3 * 255; // each byte as %XX

Result<std::string> from_percent(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            bytes += text[i];
            continue;
        }
        const auto byte = decode_hex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1)
            return fail(Errc::malformed, "'" + std::string(text) + "' has a % without two digits");
        bytes += *byte;
        i += 2;
    }
    return bytes;
}

std::string shown_name(std::string_view name) {
    std::string text;
    append_escaped(text, name);
    return text;
}

Result<ServiceRow> read_row(ByteView frame) {
    wire::OptionTextReader in(frame);
    in.require("name");
    const std::string_view name = in.text("name", name_text_max);
    ServiceRow::Counts counts;
    counts.workers = in.count("workers", 0, 0, count_max);
    counts.waiting = in.count("waiting", 0, 0, count_max);
    counts.queued = in.count("queued", 0, 0, count_max);
    counts.running = in.count("running", 0, 0, count_max);
    if (!in.status())
        return fail(Errc::malformed, "the broker's list: " + in.status().error().detail);
    auto bytes = from_percent(name);
    if (!bytes)
        return fail(Errc::malformed, "the broker's list: " + bytes.error().detail);
    return ServiceRow{std::move(*bytes), counts.workers > 0, counts};
}

} // namespace

Result<std::vector<ServiceRow>> read_services(const wire::Frames& answer) {
    if (answer.empty() || answer[0] != ByteView{"200"})
        return fail(Errc::refused, "this broker does not list its services (mmi.services: " +
                                       (answer.empty() ? "nothing" : shown_name(answer[0])) +
                                       "); name those to ask for: zmq services NAME...");
    std::vector<ServiceRow> rows;
    for (std::size_t i = 1; i < answer.size(); ++i) {
        auto row = read_row(answer[i]);
        if (!row)
            return fail(row.error());
        rows.push_back(std::move(*row));
    }
    std::sort(rows.begin(), rows.end(),
              [](const ServiceRow& a, const ServiceRow& b) { return a.name < b.name; });
    return rows;
}

Result<ServiceRow> read_service(const std::string& name, const wire::Frames& answer) {
    if (answer.empty())
        return fail(Errc::malformed, "mmi.service: an answer without frames");
    const ByteView status = answer[0];
    if (status != "200" && status != "404")
        return fail(Errc::refused, "mmi.service: the broker answers " + shown_name(status) +
                                       ", neither 200 nor 404");
    return ServiceRow{name, status == "200", std::nullopt};
}

std::string services_table(const std::vector<ServiceRow>& rows) {
    if (rows.empty())
        return "no services\n";
    std::vector<Cells> lines{{"SERVICE", "WORKERS", "WAITING", "QUEUED", "RUNNING"}};
    for (const ServiceRow& row : rows) {
        if (!row.counts) {
            lines.push_back(
                {shown_name(row.name), row.has_workers ? "yes" : "none", "?", "?", "?"});
            continue;
        }
        const ServiceRow::Counts& counts = *row.counts;
        lines.push_back({shown_name(row.name), std::to_string(counts.workers),
                         std::to_string(counts.waiting), std::to_string(counts.queued),
                         std::to_string(counts.running)});
    }
    return table(lines);
}

std::string services_json(const std::vector<ServiceRow>& rows) {
    std::string out;
    for (const ServiceRow& row : rows) {
        nlohmann::ordered_json line;
        line["name"] = is_utf8(row.name) ? row.name : shown_name(row.name);
        line["has_workers"] = row.has_workers;
        if (row.counts) {
            line["workers"] = row.counts->workers;
            line["waiting"] = row.counts->waiting;
            line["queued"] = row.counts->queued;
            line["running"] = row.counts->running;
        }
        out += line.dump() + "\n";
    }
    return out;
}

} // namespace flotilla::cli
