// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <cli/json_lines.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <ctime>

namespace flotilla::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr long nanoseconds_a_second = 1'000'000'000;

bool all_utf8(const wire::Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i)
        if (!is_utf8(frames[i]))
            return false;
    return true;
}

std::string base64(ByteView bytes) {
    std::string text;
    append_base64(text, bytes);
    return text;
}

// Text that came from outside and is only described ("endpoint", "meta") must not break the line.
std::string clean(const std::string& text) {
    if (is_utf8(text))
        return text;
    std::string escaped;
    append_escaped(escaped, text);
    return escaped;
}

Status take_frames(MessageLine& line, const Json& json) {
    const auto frames = json.find("frames");
    if (frames == json.end() || !frames->is_array() || frames->empty())
        return fail(Errc::malformed, R"("frames" must be a list of at least one text)");
    if (frames->size() > wire::Frames::frames_max)
        return fail(Errc::too_many, R"("frames" has )" + std::to_string(frames->size()) +
                                        " entries; the limit is " +
                                        std::to_string(wire::Frames::frames_max));
    const auto enc = json.find("enc");
    const std::string encoding = enc == json.end()  ? "utf8"
                                 : enc->is_string() ? enc->get<std::string>()
                                                    : "";
    if (encoding != "utf8" && encoding != "base64")
        return fail(Errc::malformed, R"("enc" must be "utf8" or "base64")");
    for (std::size_t i = 0; i < frames->size(); ++i) {
        const Json& frame = (*frames)[i];
        const std::string* text = frame.get_ptr<const std::string*>();
        if (text == nullptr)
            return fail(Errc::malformed, "frame " + std::to_string(i) + " is not a text");
        if (encoding == "utf8") {
            line.frames.add(ByteView{*text});
            continue;
        }
        const auto bytes = decode_base64(*text);
        if (!bytes)
            return fail(Errc::malformed, "frame " + std::to_string(i) + " is not base64");
        line.frames.add(ByteView{*bytes});
    }
    return {};
}

Status take_rest(MessageLine& line, const Json& json) {
    for (const auto& [name, target] : {std::pair{"type", &line.type}, {"endpoint", &line.endpoint}})
        if (const auto it = json.find(name); it != json.end()) {
            if (!it->is_string())
                return fail(Errc::malformed, std::string("\"") + name + "\" must be a text");
            *target = it->get<std::string>();
        }
    if (const auto ts = json.find("ts"); ts != json.end()) {
        line.time = ts->is_string() ? parse_iso_time(ts->get<std::string>()) : std::nullopt;
        if (!line.time)
            return fail(Errc::malformed, R"("ts" must be like "2026-01-31T12:00:00.000Z")");
    }
    if (const auto meta = json.find("meta"); meta != json.end()) {
        if (!meta->is_object())
            return fail(Errc::malformed, R"("meta" must be an object)");
        for (const auto& [name, value] : meta->items()) {
            if (value.is_structured())
                return fail(Errc::malformed, R"(the values of "meta" must be texts or numbers)");
            line.meta.emplace_back(name,
                                   value.is_string() ? value.get<std::string>() : value.dump());
        }
    }
    return {};
}

} // namespace

void append_json_line(std::string& out, const MessageLine& line) {
    Json json;
    if (line.time)
        json["ts"] = format_iso_time(*line.time);
    if (!line.type.empty())
        json["type"] = clean(line.type);
    if (!line.endpoint.empty())
        json["endpoint"] = clean(line.endpoint);
    const bool text = all_utf8(line.frames);
    Json& frames = json["frames"] = Json::array();
    for (std::size_t i = 0; i < line.frames.size(); ++i)
        frames.push_back(text ? std::string(line.frames[i].view()) : base64(line.frames[i]));
    json["enc"] = text ? "utf8" : "base64";
    if (!line.meta.empty())
        for (const auto& [name, value] : line.meta)
            json["meta"][clean(name)] = clean(value);
    out += json.dump();
    out += '\n';
}

Result<MessageLine> parse_json_line(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false); // does not recurse
    if (json.is_discarded())
        return fail(Errc::malformed, "not JSON");
    if (!json.is_object())
        return fail(Errc::malformed, R"(not an object; write {"frames":["..."]})");
    MessageLine line;
    if (Status taken = take_frames(line, json); !taken)
        return fail(taken.error());
    if (Status taken = take_rest(line, json); !taken)
        return fail(taken.error());
    return line;
}

std::string format_iso_time(WallTime time) {
    const auto since = time.time_since_epoch().count();
    const auto seconds = since / nanoseconds_a_second - (since % nanoseconds_a_second < 0 ? 1 : 0);
    const std::time_t whole = static_cast<std::time_t>(seconds);
    std::tm utc{};
    gmtime_r(&whole, &utc);
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ",
                  utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                  utc.tm_sec, static_cast<long>(since - seconds * nanoseconds_a_second));
    return text.data();
}

std::optional<WallTime> parse_iso_time(std::string_view text) {
    const std::string owned(text);
    std::tm utc{};
    int used = 0;
    if (std::sscanf(owned.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon,
                    &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &used) != 6)
        return std::nullopt;
    if (utc.tm_year < 1970 || utc.tm_year > 2200 || utc.tm_mon < 1 || utc.tm_mon > 12 ||
        utc.tm_mday < 1 || utc.tm_mday > 31 || utc.tm_hour < 0 || utc.tm_hour > 23 ||
        utc.tm_min < 0 || utc.tm_min > 59 || utc.tm_sec < 0 || utc.tm_sec > 60)
        return std::nullopt;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    std::string_view rest = text.substr(static_cast<std::size_t>(used));
    long nanoseconds = 0;
    if (!rest.empty() && rest.front() == '.') {
        rest.remove_prefix(1);
        long unit = nanoseconds_a_second / 10;
        while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9' && unit > 0) {
            nanoseconds += unit * (rest.front() - '0');
            unit /= 10;
            rest.remove_prefix(1);
        }
    }
    if (rest != "Z" && rest != "+00:00")
        return std::nullopt;
    const std::chrono::seconds seconds{timegm(&utc)};
    return WallTime{seconds + Duration{nanoseconds}};
}

} // namespace flotilla::cli
