// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/queue/properties.hpp>

#include <algorithm>
#include <array>
#include <functional>

namespace flotilla::queue {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr Duration day = std::chrono::hours{24};
constexpr Duration ten_years = 3653 * day;
constexpr std::size_t retry_delays_max = 16;

std::string ms_text(Duration value) {
    return std::to_string(duration_cast<milliseconds>(value).count());
}

// "250" is milliseconds when `plain_is_ms`, else a unit is needed.
Result<Duration> read_duration(std::string_view text, bool plain_is_ms, Duration min,
                               Duration max) {
    const auto range = "from " + format_duration(min) + " to " + format_duration(max);
    const auto count = parse_count(text, 0, 1ULL << 62);
    Duration value{};
    if (count && plain_is_ms) {
        if (*count > static_cast<std::uint64_t>(duration_cast<milliseconds>(max).count()))
            return fail(Errc::bad_option,
                        "is " + std::string(text) + "; write milliseconds, " + range);
        value = milliseconds{static_cast<std::int64_t>(*count)};
    } else if (auto parsed = parse_duration(text); parsed) {
        value = *parsed;
    } else {
        return fail(Errc::bad_option, "is '" + std::string(text) + "'; write a time such as " +
                                          (plain_is_ms ? "250 (milliseconds)" : "250ms") + ", " +
                                          range);
    }
    if (value < min || value > max || value % 1ms != 0ns)
        return fail(Errc::bad_option,
                    "is " + std::string(text) + "; write whole milliseconds, " + range);
    return value;
}

Result<std::uint64_t> read_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
    const auto count = parse_count(text, min, max);
    if (!count)
        return fail(Errc::bad_option, "is '" + std::string(text) + "'; write a number from " +
                                          std::to_string(min) + " to " + std::to_string(max));
    return *count;
}

Result<std::uint64_t> read_bytes(std::string_view text, std::uint64_t min, std::uint64_t max) {
    auto count = parse_count(text, 0, ~0ULL);
    if (!count)
        count = parse_bytes(text);
    if (!count || *count < min || *count > max)
        return fail(Errc::bad_option, "is '" + std::string(text) + "'; write bytes, from " +
                                          format_bytes(min) + " to " + format_bytes(max));
    return *count;
}

template <class Enum, std::size_t n>
Result<Enum> read_choice(std::string_view text, const std::array<Enum, n>& choices) {
    std::string names;
    for (std::size_t i = 0; i < n; ++i) {
        if (text == name(choices[i]))
            return choices[i];
        names.append(i == 0 ? "" : i + 1 < n ? ", " : " or ").append(name(choices[i]));
    }
    return fail(Errc::bad_option, "is '" + std::string(text) + "'; write " + names);
}

Result<std::vector<Duration>> read_delays(std::string_view text, bool plain_is_ms) {
    std::vector<Duration> delays;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        auto delay = read_duration(text.substr(0, end), plain_is_ms, 0ms, 7 * day);
        if (!delay)
            return fail(delay.error());
        if (delays.size() == retry_delays_max || end + 1 == text.size())
            return fail(Errc::bad_option,
                        "must be up to 16 times with commas between them, such as " +
                            std::string(plain_is_ms ? "100,1000,10000" : "100ms,1s,10s"));
        delays.push_back(*delay);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return delays;
}

std::string delays_text(const std::vector<Duration>& delays) {
    std::string text;
    for (const Duration delay : delays)
        text.append(text.empty() ? "" : ",").append(ms_text(delay));
    return text;
}

struct Property {
    std::string_view name;
    std::string_view other_name; // of a duration, when its value has a unit
    std::function<std::string(const QueueProperties&)> text;
    std::function<Status(QueueProperties&, std::string_view value, bool plain_is_ms)> set;
};

template <class Field, class Value>
Status assign(Field& field, const Result<Value>& value) {
    if (!value)
        return fail(value.error());
    field = static_cast<Field>(*value);
    return {};
}

Property duration(std::string_view name, std::string_view other_name,
                  Duration QueueProperties::*field, Duration min, Duration max) {
    return {name, other_name, [=](const QueueProperties& from) { return ms_text(from.*field); },
            [=](QueueProperties& to, std::string_view value, bool plain_is_ms) {
                return assign(to.*field, read_duration(value, plain_is_ms, min, max));
            }};
}

template <class Number>
Property number(std::string_view name, Number QueueProperties::*field, std::uint64_t min,
                std::uint64_t max) {
    return {name,
            {},
            [=](const QueueProperties& from) { return std::to_string(from.*field); },
            [=](QueueProperties& to, std::string_view value, bool) {
                return assign(to.*field, read_number(value, min, max));
            }};
}

Property bytes(std::string_view name, std::uint64_t QueueProperties::*field, std::uint64_t min,
               std::uint64_t max) {
    return {name,
            {},
            [=](const QueueProperties& from) { return std::to_string(from.*field); },
            [=](QueueProperties& to, std::string_view value, bool) {
                return assign(to.*field, read_bytes(value, min, max));
            }};
}

template <class Enum, std::size_t n>
Property choice(std::string_view name, Enum QueueProperties::*field,
                const std::array<Enum, n>& choices) {
    return {name,
            {},
            [=](const QueueProperties& from) { return std::string(queue::name(from.*field)); },
            [=](QueueProperties& to, std::string_view value, bool) {
                return assign(to.*field, read_choice(value, choices));
            }};
}

Property retry_delays() {
    return {"retry_delays_ms", "retry_delays",
            [](const QueueProperties& from) { return delays_text(from.retry_delays); },
            [](QueueProperties& to, std::string_view value, bool plain_is_ms) {
                return assign(to.retry_delays, read_delays(value, plain_is_ms));
            }};
}

Property retry() {
    return {"retry",
            {},
            [](const QueueProperties& from) {
                return std::string(from.retry_exponential ? "exponential" : "list");
            },
            [](QueueProperties& to, std::string_view value, bool) -> Status {
                if (value != "list" && value != "exponential")
                    return fail(Errc::bad_option,
                                "is '" + std::string(value) + "'; write list or exponential");
                to.retry_exponential = value == "exponential";
                return {};
            }};
}

Property dead_letter_queue() {
    return {"dead_letter_queue",
            {},
            [](const QueueProperties& from) { return from.dead_letter_queue; },
            [](QueueProperties& to, std::string_view value, bool) -> Status {
                if (!value.empty() && !is_queue_name(value))
                    return fail(Errc::bad_option,
                                "is '" + std::string(value) +
                                    "'; write a queue's name: 1 to 200 printable characters "
                                    "without blanks, '*', '?' and '\\', not beginning with mmi. "
                                    "or flotilla.");
                to.dead_letter_queue = value;
                return {};
            }};
}

Property compression() {
    return {"compression",
            {},
            [](const QueueProperties& from) { return from.compression; },
            [](QueueProperties& to, std::string_view value, bool) -> Status {
                if (value != "none" && value != "lz4" && value != "zstd")
                    return fail(Errc::bad_option,
                                "is '" + std::string(value) + "'; write none, lz4 or zstd");
                to.compression = value;
                return {};
            }};
}

const std::vector<Property>& properties_known() {
    using P = QueueProperties;
    constexpr std::array durabilities{Durability::fsync, Durability::relaxed, Durability::memory};
    constexpr std::array overflows{Overflow::reject, Overflow::drop_oldest, Overflow::dead_letter};
    constexpr std::array orders{Order::plain, Order::key, Order::strict};
    constexpr std::array acknowledges{Acknowledge::manual, Acknowledge::automatic};
    static const std::vector<Property> known{
        choice("durability", &P::durability, durabilities),
        duration("relaxed_interval_ms", "relaxed_interval", &P::relaxed_interval, 1ms, 1min),
        number("messages_max", &P::messages_max, 1, 1'000'000'000'000),
        bytes("bytes_max", &P::bytes_max, 1ULL << 10, 1ULL << 50),
        bytes("message_bytes_max", &P::message_bytes_max, 1, 1ULL << 30),
        choice("overflow", &P::overflow, overflows),
        number("attempts_max", &P::attempts_max, 1, 1'000'000),
        retry_delays(),
        retry(),
        dead_letter_queue(),
        duration("lease_ms", "lease", &P::lease, 10ms, day),
        duration("ttl_ms", "ttl", &P::ttl, 0ms, ten_years),
        number("priority_levels", &P::priority_levels, 1, 8),
        duration("duplicate_window_ms", "duplicate_window", &P::duplicate_window, 0ms, 7 * day),
        number("duplicate_messages_max", &P::duplicate_messages_max, 0, 10'000'000),
        choice("order", &P::order, orders),
        choice("acknowledge", &P::acknowledge, acknowledges),
        number("consumer_rate_max", &P::consumer_rate_max, 0, 100'000'000),
        compression(),
    };
    return known;
}

Status unknown(std::string_view name) {
    std::vector<std::string> names;
    for (const Property& property : properties_known())
        names.emplace_back(property.name);
    const auto nearest = nearest_word(name, names);
    std::string list;
    for (const std::string& known : names)
        list.append(list.empty() ? "" : ", ").append(known);
    return fail(Errc::bad_option, "a queue has no property '" + std::string(name) + "'; " +
                                      (nearest ? "did you mean " + *nearest : "there are " + list));
}

} // namespace

PropertyTexts property_texts(const QueueProperties& properties) {
    PropertyTexts texts;
    for (const Property& property : properties_known())
        texts.emplace_back(property.name, property.text(properties));
    return texts;
}

std::string to_option_text(const QueueProperties& properties) {
    wire::OptionTextWriter out;
    for (const auto& [name, value] : property_texts(properties))
        out.text(name, value);
    return std::string(out.view());
}

Status set_property(QueueProperties& properties, std::string_view name, std::string_view value) {
    for (const Property& property : properties_known()) {
        if (name.empty() || (name != property.name && name != property.other_name))
            continue;
        if (Status set = property.set(properties, value, name == property.name); !set)
            return fail(Errc::bad_option, std::string(name) + " " + set.error().detail);
        return {};
    }
    return unknown(name);
}

static Status set_all(QueueProperties& properties, const PropertyTexts& changes) {
    for (const auto& [name, value] : changes)
        if (Status set = set_property(properties, name, value); !set)
            return set;
    return {};
}

Result<QueueProperties> read_properties(const wire::OptionTextReader& options,
                                        QueueProperties properties) {
    if (!options.status())
        return fail(options.status().error());
    if (Status set = set_all(properties, property_changes(options)); !set)
        return fail(set.error());
    if (Status checked = check_properties(properties); !checked)
        return fail(checked.error());
    return properties;
}

PropertyTexts property_changes(const wire::OptionTextReader& options) {
    PropertyTexts changes;
    wire::OptionTextReader reader = options;
    for (const Property& property : properties_known())
        for (const std::string_view name : {property.name, property.other_name})
            if (!name.empty() && reader.has(name))
                changes.emplace_back(name, reader.text(name, wire::OptionTextReader::bytes_max));
    return changes;
}

Status check_properties(const QueueProperties& properties) {
    QueueProperties copy;
    for (const auto& [name, value] : property_texts(properties))
        if (Status set = set_property(copy, name, value); !set)
            return set;
    if (!(copy == properties))
        return fail(Errc::bad_option, "times must be whole milliseconds");
    if (properties.retry_exponential &&
        (properties.retry_delays.size() != 2 || properties.retry_delays[0] <= 0ms ||
         properties.retry_delays[0] > properties.retry_delays[1]))
        return fail(Errc::bad_option, "retry=exponential needs retry_delays_ms=BASE,CEILING, such "
                                      "as 100,60000");
    if (properties.priority_levels > 1 && properties.order != Order::plain)
        return fail(Errc::bad_option, "priority_levels above 1 need order=plain; order=" +
                                          std::string(name(properties.order)) + " has one level");
    if (properties.overflow == Overflow::dead_letter && properties.dead_letter_queue.empty())
        return fail(Errc::bad_option, "overflow=dead-letter needs a dead_letter_queue");
    if ((properties.duplicate_window > 0ms) != (properties.duplicate_messages_max > 0))
        return fail(Errc::bad_option, "duplicate_window_ms and duplicate_messages_max go together: "
                                      "give both, or neither");
    return {};
}

// What is dead would be dropped in silence. (A queue that a pattern makes may have its own name
// there: dead letters of the queue for dead letters go nowhere.)
Status check_dead_letters(std::string_view name, const QueueProperties& properties) {
    if (properties.dead_letter_queue != name)
        return {};
    return fail(Errc::bad_option, "dead_letter_queue must be another queue than '" +
                                      std::string(name) +
                                      "'; leave it out to drop and count what is dead");
}

Status check_change(const QueueProperties& from, const QueueProperties& to) {
    if (Status checked = check_properties(to); !checked)
        return checked;
    if (from.durability != to.durability &&
        (from.durability == Durability::memory || to.durability == Durability::memory))
        return fail(Errc::bad_option, "durability=memory cannot be entered or left; make another "
                                      "queue");
    if (from.order != to.order || from.priority_levels != to.priority_levels)
        return fail(Errc::bad_option, "order and priority_levels cannot be changed: messages lie "
                                      "where they say; make another queue");
    return {};
}

Result<QueueProperties> changed(const QueueProperties& properties, const PropertyTexts& changes) {
    QueueProperties result = properties;
    if (Status set = set_all(result, changes); !set)
        return fail(set.error());
    if (Status checked = check_change(properties, result); !checked)
        return fail(checked.error());
    return result;
}

const std::vector<std::string_view>& property_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (const Property& property : properties_known())
            all.push_back(property.name);
        return all;
    }();
    return names;
}

bool fits_pattern(std::string_view pattern, std::string_view queue_name) noexcept {
    if (pattern.ends_with('*'))
        return queue_name.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == queue_name;
}

} // namespace flotilla::queue
