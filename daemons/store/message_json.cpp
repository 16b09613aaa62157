// SPDX-License-Identifier: Apache-2.0
// Messages of a queue as administrators see them: docs/protocol/admin.md.
#include "store/orders.hpp"

#include <flotilla/base/encoding.hpp>
#include <flotilla/wire/envelope.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace flotilla::store_daemon {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct Known {
    std::string_view option;
    const char* member;
};
constexpr std::array known{Known{"attempts", "attempts"}, Known{"put_ms", "enqueued_ms"},
                           Known{"due_ms", "due_ms"}, Known{"expiry_ms", "expiry_ms"}};

// One line of option text: what every message has is a member of its own, the rest is its note.
void add_option(std::string_view line, Json& to, Json& note) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
        return;
    const std::string_view option = line.substr(0, equals);
    const std::string value(line.substr(equals + 1));
    if (option == "id")
        return;
    if (option == "key") {
        to["key"] = value;
        return;
    }
    for (const Known& each : known)
        if (each.option == option) {
            const Json number = Json::parse(value, nullptr, false);
            to[each.member] = number.is_number_integer() ? number : Json(value);
            return;
        }
    note[std::string(option)] = value;
}

Json about(const queue::PeekReply::Message& message) {
    // As a text: a number of 64 bits is not safe in a browser.
    Json json{{"id", std::to_string(message.id)}, {"bytes", message.body.bytes()}};
    Json note = Json::object();
    std::string_view rest = message.info;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        add_option(line, json, note);
    }
    json["note"] = std::move(note);
    return json;
}

// The beginning that is shown; of a text not half a character.
ByteView shown_of(ByteView bytes) {
    const ByteView shown = bytes.substr(0, part_bytes_max);
    for (std::size_t less = 1; less <= 3 && shown.size() < bytes.size(); ++less)
        if (!is_utf8(shown) && is_utf8(shown.substr(0, shown.size() - less)))
            return shown.substr(0, shown.size() - less);
    return shown;
}

Json part(ByteView bytes) {
    const ByteView shown = shown_of(bytes);
    Json json;
    if (is_utf8(shown) && shown.find('\0') == ByteView::npos) {
        json["text"] = std::string(shown);
    } else {
        std::string base64;
        append_base64(base64, shown);
        json["base64"] = std::move(base64);
    }
    json["bytes"] = bytes.size();
    if (shown.size() < bytes.size())
        json["cut"] = true;
    return json;
}

Json headers(const wire::Envelope& envelope) {
    Json json = Json::object();
    if (envelope.content_type)
        json["content-type"] = *envelope.content_type;
    if (envelope.traceparent)
        json["traceparent"] = *envelope.traceparent;
    for (const wire::Header& each : envelope.headers)
        json[each.name] = each.value;
    return json;
}

} // namespace

std::string browse_json(const queue::PeekReply& page) {
    Json messages = Json::array();
    for (const queue::PeekReply::Message& each : page.messages)
        messages.push_back(about(each));
    return text_of(Json{{"messages", std::move(messages)}, {"next", page.next}});
}

std::string message_json(const queue::PeekReply::Message& message) {
    Json json = about(message);
    std::size_t parts = message.body.size();
    json["headers"] = Json::object();
    if (parts > 0 && wire::has_envelope_magic(message.body.back().view()))
        if (const auto envelope = wire::decode_envelope(message.body.back().view())) {
            json["headers"] = headers(*envelope);
            --parts;
        }
    json["parts"] = Json::array();
    for (std::size_t i = 0; i < parts; ++i)
        json["parts"].push_back(part(message.body[i].view()));
    return text_of(json);
}

} // namespace flotilla::store_daemon
