// SPDX-License-Identifier: Apache-2.0
#include "store/message_line.hpp"

#include <flotilla/base/encoding.hpp>

#include <nlohmann/json.hpp>

namespace flotilla::store_daemon {
namespace {

using Json = nlohmann::ordered_json;

bool all_utf8(const wire::Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i)
        if (!is_utf8(frames[i].view()))
            return false;
    return true;
}

std::string text_of(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Status take_frames(MessageLine& line, const Json& json) {
    const auto frames = json.find("frames");
    if (frames == json.end() || !frames->is_array() || frames->empty())
        return fail(Errc::malformed, R"("frames" must be a list of at least one text)");
    if (frames->size() > wire::Frames::frames_max)
        return fail(Errc::too_many, "more than 1024 frames");
    const std::string encoding = text_of(json, "enc");
    for (const Json& frame : *frames) {
        const std::string* text = frame.get_ptr<const std::string*>();
        if (!text)
            return fail(Errc::malformed, "a frame is not a text");
        if (encoding != "base64") {
            line.frames.add(ByteView{*text});
            continue;
        }
        const auto bytes = decode_base64(*text);
        if (!bytes)
            return fail(Errc::malformed, "a frame is not base64");
        line.frames.add(ByteView{*bytes});
    }
    return {};
}

} // namespace

std::string_view MessageLine::value(std::string_view name) const noexcept {
    for (const auto& [known, value] : meta)
        if (known == name)
            return value;
    return {};
}

std::string to_text(const MessageLine& line) {
    Json json;
    json["type"] = line.type;
    json["endpoint"] = line.queue;
    const bool is_text = all_utf8(line.frames);
    Json& frames = json["frames"] = Json::array();
    for (std::size_t i = 0; i < line.frames.size(); ++i) {
        std::string text;
        if (is_text)
            text = line.frames[i].view();
        else
            append_base64(text, line.frames[i].view());
        frames.push_back(std::move(text));
    }
    json["enc"] = is_text ? "utf8" : "base64";
    for (const auto& [name, value] : line.meta)
        json["meta"][name] = value;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<MessageLine> parse_line(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object())
        return fail(Errc::malformed, "not a JSON object");
    MessageLine line;
    line.type = text_of(json, "type");
    line.queue = text_of(json, "endpoint");
    if (Status taken = take_frames(line, json); !taken)
        return fail(taken.error());
    if (const auto meta = json.find("meta"); meta != json.end() && meta->is_object())
        for (const auto& [name, value] : meta->items())
            line.meta.emplace_back(name,
                                   value.is_string() ? value.get<std::string>() : value.dump());
    return line;
}

} // namespace flotilla::store_daemon
