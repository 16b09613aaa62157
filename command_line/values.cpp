// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <command_line/values.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::command_line {

namespace {

// An option whose text `parse` turns into a value, or refuses with a sentence.
template <class Value, class Parse>
Option add_parsed(Parser& parser, const std::string& names, Value& target, const char* type,
                  Parse parse, const std::string& help) {
    auto take = [&target, parse](const std::string& text) -> Status {
        auto value = parse(text);
        if (!value)
            return fail(value.error());
        target = *value;
        return {};
    };
    return parser.add_option(names, take, help).type_name(type).last_counts();
}

std::string joined(const std::vector<std::string>& words, const char* separator) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : separator) + word;
    return text;
}

auto count_in(CountRange range) {
    return [range](const std::string& text) { return parse_count(text, range.min, range.max); };
}

} // namespace

Option add_duration(Parser& parser, const std::string& names, Duration& target,
                    const std::string& help) {
    return add_parsed(parser, names, target, "TIME", parse_duration, help);
}

Option add_duration(Parser& parser, const std::string& names, std::optional<Duration>& target,
                    const std::string& help) {
    return add_parsed(parser, names, target, "TIME", parse_duration, help);
}

Option add_bytes(Parser& parser, const std::string& names, std::uint64_t& target,
                 const std::string& help) {
    return add_parsed(parser, names, target, "SIZE", parse_bytes, help);
}

Option add_count(Parser& parser, const std::string& names, std::uint64_t& target, CountRange range,
                 const std::string& help) {
    return add_parsed(parser, names, target, "N", count_in(range), help);
}

Option add_count(Parser& parser, const std::string& names, std::optional<std::uint64_t>& target,
                 CountRange range, const std::string& help) {
    return add_parsed(parser, names, target, "N", count_in(range), help);
}

Option add_list(Parser& parser, const std::string& names, std::vector<std::string>& target,
                const std::string& value_name, const std::string& help) {
    return parser.add_option(names, target, help).one_value_each().type_name(value_name);
}

Option add_choice(Parser& parser, const std::string& names, std::string& target,
                  std::vector<std::string> choices, const std::string& help) {
    const std::string listed = joined(choices, "|");
    auto check = [choices = std::move(choices)](const std::string& text) -> Status {
        if (std::find(choices.begin(), choices.end(), text) != choices.end())
            return {};
        return fail(Errc::bad_option, "'" + text + "' is none of " + joined(choices, ", "));
    };
    return parser.add_option(names, target, help).check(check).type_name(listed).last_counts();
}

} // namespace flotilla::command_line
