// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace flotilla {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 7> duration_units{{{"ns", 1},
                                              {"us", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"d", 86'400'000'000'000}}};
constexpr std::array<Unit, 9> byte_units{{{"B", 1},
                                          {"KiB", 1ULL << 10},
                                          {"MiB", 1ULL << 20},
                                          {"GiB", 1ULL << 30},
                                          {"TiB", 1ULL << 40},
                                          {"kB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"TB", 1'000'000'000'000}}};

// A decimal number and one of the units, as a whole count of the smallest unit.
template <std::size_t N>
Result<std::uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units,
                                     std::string_view what, std::string_view example) {
    const auto refuse = [&](std::string_view why) {
        return fail(Errc::bad_option, "'" + std::string(text) + "' is not a " + std::string(what) +
                                          ": " + std::string(why) + "; write for example " +
                                          std::string(example));
    };
    if (text == "0")
        return std::uint64_t{0};
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number))
        return refuse("it does not start with a number");
    if (number < 0)
        return refuse("it is negative");
    const std::string_view suffix = text.substr(std::size_t(end - text.data()));
    if (suffix.empty())
        return refuse("it has no unit");
    for (const Unit& unit : units) {
        if (unit.name != suffix)
            continue;
        // Whole numbers stay exact; only a fraction goes through floating point.
        std::uint64_t whole = 0;
        const auto exact = std::from_chars(text.data(), end, whole);
        if (exact.ec == std::errc{} && exact.ptr == end) {
            if (whole > std::uint64_t(std::numeric_limits<std::int64_t>::max()) / unit.factor)
                return refuse("it is too large");
            return whole * unit.factor;
        }
        const double value = std::round(number * double(unit.factor));
        if (value >= 9.2e18)
            return refuse("it is too large");
        return static_cast<std::uint64_t>(value);
    }
    return refuse("'" + std::string(suffix) + "' is not one of its units");
}

// The largest unit that divides the count exactly.
template <std::size_t N>
std::string format_quantity(std::uint64_t count, const std::array<Unit, N>& units,
                            std::size_t usable) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < usable; ++i)
        if (count != 0 && count % units[i].factor == 0)
            best = i;
    return std::to_string(count / units[best].factor) + std::string(units[best].name);
}

} // namespace

Result<Duration> parse_duration(std::string_view text) {
    if (text == "forever")
        return no_limit;
    const auto count = parse_quantity(text, duration_units, "duration", "250ms, 10s or 1.5h");
    if (!count)
        return fail(count.error());
    return Duration{static_cast<Duration::rep>(*count)};
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
    return parse_quantity(text, byte_units, "size", "512B, 64KiB or 1MB");
}

Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t min, std::uint64_t max) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max)
        return fail(Errc::bad_option, "'" + std::string(text) + "' is not a whole number " +
                                          (max == UINT64_MAX ? "of at least " + std::to_string(min)
                                                             : "from " + std::to_string(min) +
                                                                   " to " + std::to_string(max)));
    return value;
}

std::string format_duration(Duration duration) {
    if (duration == no_limit)
        return "forever";
    if (duration == Duration::zero())
        return "0s";
    if (duration < Duration::zero())
        return "-" + format_duration(-duration);
    return format_quantity(static_cast<std::uint64_t>(duration.count()), duration_units,
                           duration_units.size());
}

std::string format_bytes(std::uint64_t bytes) {
    return format_quantity(bytes, byte_units, 5);
}

} // namespace flotilla
