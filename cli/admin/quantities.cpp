// SPDX-License-Identifier: Apache-2.0
#include <cli/admin/quantities.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace flotilla::cli {

namespace {

std::string decimals(double value, int places) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", places, value);
    return text.data();
}

// Three digits that say something, and the unit.
std::string scaled(double value, double step, const std::vector<const char*>& units) {
    std::size_t unit = 0;
    while (std::fabs(value) >= step - 0.5 && unit + 1 < units.size()) {
        value /= step;
        ++unit;
    }
    const bool is_whole = std::fabs(value - std::round(value)) < 0.005;
    const double size = std::fabs(value);
    const int places = is_whole && unit == 0       ? 0
                       : size < 9.995 && unit == 0 ? 2
                       : size < 99.95              ? 1
                                                   : 0;
    return decimals(value, places) + units[unit];
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

} // namespace

std::string compact(double value) {
    if (!std::isfinite(value))
        return "-";
    return scaled(value, 1000, {"", "k", "M", "G", "T", "P"});
}

std::string compact(double value, ColumnView::Unit unit) {
    using Unit = ColumnView::Unit;
    if (!std::isfinite(value))
        return "-";
    switch (unit) {
    case Unit::count:
        return compact(value);
    case Unit::bytes:
        return scaled(value, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
    case Unit::seconds:
        return std::fabs(value) >= 1 || value == 0 ? scaled(value, 1e300, {"s"})
               : std::fabs(value) >= 1e-3          ? scaled(value * 1e3, 1e300, {"ms"})
                                                   : scaled(value * 1e6, 1e300, {"us"});
    case Unit::flag:
        return value != 0 ? "yes" : "no";
    }
    return {};
}

std::string age_text(std::int64_t milliseconds) {
    const std::int64_t seconds = std::max<std::int64_t>(milliseconds, 0) / 1000;
    const auto two = [](std::int64_t large, const char* one, std::int64_t small,
                        const char* other) {
        return std::to_string(large) + one +
               (small > 0 ? " " + std::to_string(small) + other : std::string{});
    };
    if (seconds < 60)
        return std::to_string(seconds) + "s";
    if (seconds < 3600)
        return std::to_string(seconds / 60) + "m";
    if (seconds < 86'400)
        return two(seconds / 3600, "h", seconds / 60 % 60, "m");
    return two(seconds / 86'400, "d", seconds / 3600 % 24, "h");
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string padded(std::string_view text, std::size_t width) {
    std::string out;
    std::size_t used = 0;
    for (const char c : text) {
        if (!is_continuation(c) && used++ == width)
            return out;
        out += c;
    }
    return out + std::string(width - std::min(width, used), ' ');
}

std::string shortened(std::string_view text, std::size_t width) {
    return width > 1 && width_of(text) > width ? padded(text, width - 1) + "…"
                                               : padded(text, width);
}

std::string right(std::string_view text, std::size_t width) {
    const std::size_t used = width_of(text);
    return used >= width ? padded(text, width) : std::string(width - used, ' ') + std::string(text);
}

std::string text_table(const TextRows& rows, std::size_t first_right, std::size_t right_columns) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i == widths.size())
                widths.push_back(0);
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += (i == 0 ? "" : "  ") + (i < first_right || i - first_right >= right_columns
                                                ? padded(row[i], widths[i])
                                                : right(row[i], widths[i]));
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

} // namespace flotilla::cli
