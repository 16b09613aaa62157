// SPDX-License-Identifier: Apache-2.0
//
// What a daemon's settings may be: each daemon lists its settings once, as
// visit(key, &Settings::field, values, help), and whoever reads, writes, fills in or declares them
// visits the list, so that none is forgotten anywhere. The flag of "queue_bytes_max" is
// --queue-bytes-max. Fields are optionals; what is absent takes its default later. Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/base/units.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::host {

struct Counts {
    std::uint64_t min;
    std::uint64_t max;
};
struct Sizes {
    std::uint64_t min;
    std::uint64_t max;
};
struct Times {
    Duration min;
    Duration max;
};
struct Words {
    std::vector<std::string_view> choices;
};
struct Flags {};
struct Paths {                     // a settings file says it from its own folder
    const char* type = "FILE|DIR"; // what it is a path of
};
struct SecretPaths {}; // of a file that holds a secret: --print-config shows no more than a path
struct Texts {};

// Whether a value is among those of a setting; a sentence when it is not.
template <class Values, class Value, class Format>
Status in_range(const Values& values, const Value& value, Format&& format) {
    if (value >= values.min && value <= values.max)
        return {};
    return fail(Errc::bad_option, format(value) + " is out of range; it must be from " +
                                      format(values.min) + " to " + format(values.max));
}

// A value in a text, as a flag has it.
inline Result<std::uint64_t> parse_setting(const std::string& text, const Counts& values) {
    return parse_count(text, values.min, values.max);
}
inline Result<std::uint64_t> parse_setting(const std::string& text, const Sizes& values) {
    auto bytes = parse_bytes(text);
    const Status right = bytes ? in_range(values, *bytes, format_bytes) : Status{};
    return right ? bytes : fail(right.error());
}
inline Result<Duration> parse_setting(const std::string& text, const Times& values) {
    auto time = parse_duration(text);
    const Status right = time ? in_range(values, *time, format_duration) : Status{};
    return right ? time : fail(right.error());
}
inline Result<std::string> parse_setting(const std::string& text, const Words& values) {
    for (const std::string_view choice : values.choices)
        if (text == choice)
            return text;
    std::string listed;
    for (const std::string_view choice : values.choices)
        listed += (listed.empty() ? "" : ", ") + std::string(choice);
    return fail(Errc::bad_option, "'" + text + "' is none of " + listed);
}
inline Result<std::string> parse_setting(const std::string& text, const Texts&) {
    const bool is_plain = std::none_of(
        text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; });
    if (is_plain)
        return text;
    return fail(Errc::bad_option, "holds a control character, such as a line feed or a zero byte");
}
inline Result<std::string> parse_setting(const std::string& text, const Paths&) {
    return parse_setting(text, Texts{});
}
inline Result<std::string> parse_setting(const std::string& text, const SecretPaths&) {
    return parse_setting(text, Texts{});
}

// A visitor that takes from `under` what `over` has not.
template <class Settings>
auto laying(Settings& over, Settings& under) {
    return [&over, &under](const char*, auto field, const auto&, const char*) {
        if (!(over.*field))
            over.*field = std::move(under.*field);
    };
}

} // namespace flotilla::host
