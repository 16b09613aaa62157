// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <cli/format.hpp>
#include <cli/json_lines.hpp>

#include <algorithm>
#include <optional>

namespace flotilla::cli {

namespace {

constexpr std::size_t routing_bytes_max = 255;

Status append_frame(std::string& out, Format::Kind kind, ByteView frame, std::size_t index) {
    switch (kind) {
    case Format::Kind::text:
    case Format::Kind::raw:
        out += frame;
        break;
    case Format::Kind::shown:
        if (is_printable(frame)) {
            out += frame;
            break;
        }
        [[fallthrough]];
    case Format::Kind::quoted:
        out += '"';
        append_escaped(out, frame);
        out += '"';
        break;
    case Format::Kind::hex:
        append_hex(out, frame);
        break;
    case Format::Kind::base64:
        append_base64(out, frame);
        break;
    case Format::Kind::z85:
        if (!append_z85(out, frame))
            return fail(Errc::malformed, "frame " + std::to_string(index) + " has " +
                                             std::to_string(frame.size()) +
                                             " bytes; z85 writes multiples of 4 only (use "
                                             "--format hex or base64)");
        break;
    case Format::Kind::json:
    case Format::Kind::none:
        break;
    }
    return {};
}

} // namespace

std::string routing_text(ByteView id) {
    if (!id.empty() && is_printable(id) && id.substr(0, 2) != "0x")
        return std::string(id);
    std::string text = "0x";
    append_hex(text, id);
    return text;
}

std::string routing_bytes(std::string_view text) {
    if (text.substr(0, 2) == "0x" && text.size() <= 2 + 2 * routing_bytes_max)
        if (const auto bytes = decode_hex(text.substr(2)))
            return *bytes;
    return std::string(text);
}

const std::vector<std::string>& Format::names() {
    static const std::vector<std::string> list{"text", "quoted", "hex", "base64",
                                               "z85",  "json",   "raw", "none"};
    return list;
}

Result<Format> Format::named(std::string_view name, std::string_view separator, Reader reader) {
    auto bytes = unescape(separator);
    if (!bytes)
        return fail(bytes.error());
    Format format;
    format.separator_ = std::move(*bytes);
    if (name.empty()) {
        format.kind_ = reader == Reader::person ? Kind::shown : Kind::text;
        return format;
    }
    constexpr Kind kinds[] = {Kind::text, Kind::quoted, Kind::hex, Kind::base64,
                              Kind::z85,  Kind::json,   Kind::raw, Kind::none};
    const auto it = std::find(names().begin(), names().end(), name);
    if (it == names().end())
        return fail(Errc::bad_option, "--format: there is no '" + std::string(name) + "'");
    format.kind_ = kinds[it - names().begin()];
    return format;
}

Status Format::append(std::string& out, const Shown& message) const {
    if (is_template_) {
        append_template(out, message);
        return {};
    }
    if (kind_ == Kind::none)
        return {};
    if (kind_ != Kind::json)
        return append_line(out, message);
    MessageLine line;
    line.time = message.time;
    line.type = message.type;
    line.endpoint = message.endpoint;
    line.frames = message.frames.share();
    if (!message.user_id.empty())
        line.meta.emplace_back("user_id", message.user_id);
    line.meta.insert(line.meta.end(), message.meta.begin(), message.meta.end());
    append_json_line(out, line);
    return {};
}

Status Format::append_line(std::string& out, const Shown& message) const {
    for (std::size_t i = 0; i < message.frames.size(); ++i) {
        if (i > 0 && kind_ != Kind::raw)
            out += separator_;
        const bool routing = i == 0 && message.routing == Shown::Routing::first_frame &&
                             (kind_ == Kind::text || kind_ == Kind::shown);
        if (routing)
            out += routing_text(message.frames[0]);
        else if (Status done = append_frame(out, kind_, message.frames[i], i); !done)
            return done;
    }
    if (kind_ != Kind::raw)
        out += '\n';
    return {};
}

} // namespace flotilla::cli
