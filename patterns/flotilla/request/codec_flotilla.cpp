// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/codec_flotilla.hpp>
#include <flotilla/wire/option_text.hpp>
#include <flotilla/wire/staged.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace flotilla::request::detail {
namespace {

constexpr Verb verbs[] = {Verb::request,    Verb::partial, Verb::final,    Verb::error,
                          Verb::cancel,     Verb::ready,   Verb::draining, Verb::heartbeat,
                          Verb::disconnect, Verb::ping,    Verb::pong};
constexpr std::uint64_t any_number = 0xffff'ffff;
constexpr std::size_t code_bytes_max = 64;

std::optional<Verb> verb_named(ByteView text) noexcept {
    for (const Verb each : verbs)
        if (name(each) == text)
            return each;
    return std::nullopt;
}

// Whose conversation a verb belongs to; at the broker that tells clients from workers.
Side side_of(Receiver receiver, Verb verb) noexcept {
    switch (receiver) {
    case Receiver::client:
        return Side::client;
    case Receiver::worker:
        return Side::worker;
    case Receiver::broker:
        break;
    }
    const bool client = verb == Verb::request || verb == Verb::cancel || verb == Verb::ping;
    return client ? Side::client : Side::worker;
}

bool has_body(Verb verb) noexcept {
    return verb == Verb::request || verb == Verb::partial || verb == Verb::final;
}

// Names a request of the client side, rather than a correlation or nothing.
bool has_id(Side side, Verb verb) noexcept {
    return side == Side::client && verb != Verb::ping && verb != Verb::pong;
}

bool has_service(Side side, Verb verb) noexcept {
    return has_id(side, verb) ||
           (side == Side::worker && (verb == Verb::ready || verb == Verb::request));
}

bool has_address(Side side, Verb verb) noexcept {
    return side == Side::worker && (has_body(verb) || verb == Verb::error || verb == Verb::cancel);
}

bool is_id(ByteView id) noexcept {
    return !id.empty() && id.size() <= limits::id_bytes_max &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_service(ByteView service) noexcept {
    return !service.empty() && service.size() <= limits::service_bytes_max;
}

ByteView frame_at(const wire::Frames& frames, std::size_t i) {
    return i < frames.size() ? frames[i].view() : ByteView{};
}

Status check_names(Side side, Verb verb, ByteView id, ByteView service) {
    // About a message so broken that these could not be read from it.
    if (side == Side::client && verb == Verb::error && (id.empty() || service.empty()))
        return id.size() > limits::id_bytes_max || service.size() > limits::service_bytes_max
                   ? Status{fail(Errc::too_large, "the id or the service is too long")}
                   : Status{};
    if (has_id(side, verb) && !is_id(id))
        return fail(Errc::malformed,
                    "the id of a request is 1 to 64 printable ASCII characters without blanks");
    if (side == Side::client && !has_id(side, verb) && id.size() > limits::id_bytes_max)
        return fail(Errc::too_large, "the correlation of a ping has at most 64 bytes");
    if (has_address(side, verb) && id.size() > limits::address_bytes_max)
        return fail(Errc::too_large, "the token of a request has at most 255 bytes");
    if (has_service(side, verb) && !is_service(service))
        return fail(Errc::malformed, "the name of a service has 1 to 255 bytes");
    return {};
}

void read_options(wire::OptionTextReader& options, Receiver receiver, Message& message) {
    switch (message.verb) {
    case Verb::request:
        message.attempt = static_cast<std::uint32_t>(options.count("attempt", 1, 1, any_number));
        if (options.has("expires_ms"))
            message.expires = options.milliseconds("expires_ms", limits::expires_max);
        if (receiver == Receiver::worker)
            message.id = options.text("id", limits::id_bytes_max);
        break;
    case Verb::partial:
    case Verb::final:
        message.attempt = static_cast<std::uint32_t>(options.count("attempt", 1, 1, any_number));
        message.part = static_cast<std::uint32_t>(options.count("part", 0, 0, any_number));
        message.kept = options.flag("kept");
        break;
    case Verb::error:
        options.require("code");
        message.kept = options.flag("kept");
        [[fallthrough]];
    case Verb::disconnect:
        message.code = error_code_named(options.text("code", code_bytes_max));
        message.text = options.text("text", limits::text_bytes_max);
        break;
    case Verb::ready:
        message.capacity =
            static_cast<std::uint32_t>(options.count("capacity", 1, 1, limits::capacity_max));
        message.packs = options.flag("packs");
        break;
    default:
        break;
    }
}

void write_options(const Message& message, wire::OptionTextWriter& out) {
    if (message.attempt != 1 && has_body(message.verb))
        out.count("attempt", message.attempt);
    switch (message.verb) {
    case Verb::request:
        if (message.expires)
            out.milliseconds("expires_ms", *message.expires);
        if (message.side == Side::worker && !message.id.empty())
            out.text("id", message.id);
        break;
    case Verb::partial:
        out.count("part", message.part);
        break;
    case Verb::final:
        if (message.kept)
            out.text("kept", "yes");
        break;
    case Verb::error:
    case Verb::disconnect:
        if (message.verb == Verb::error || message.code != ErrorCode::unknown)
            out.text("code", name(message.code));
        if (!message.text.empty())
            out.text("text", std::string_view{message.text}.substr(0, limits::text_bytes_max));
        if (message.kept)
            out.text("kept", "yes");
        break;
    case Verb::ready:
        out.count("capacity", message.capacity);
        if (message.packs)
            out.text("packs", "yes");
        break;
    default:
        break;
    }
}

} // namespace

bool is_for(Receiver receiver, Side side, Verb verb) noexcept {
    switch (receiver) {
    case Receiver::broker:
        if (side == Side::client)
            return verb == Verb::request || verb == Verb::cancel || verb == Verb::ping;
        return verb != Verb::request && verb != Verb::cancel && verb != Verb::ping &&
               verb != Verb::pong;
    case Receiver::client:
        return side == Side::client && (verb == Verb::partial || verb == Verb::final ||
                                        verb == Verb::error || verb == Verb::pong);
    case Receiver::worker:
        return side == Side::worker && (verb == Verb::request || verb == Verb::cancel ||
                                        verb == Verb::heartbeat || verb == Verb::disconnect);
    }
    return false;
}

Status check_body(const wire::Frames& frames, std::size_t first) {
    if (first >= frames.size())
        return fail(Errc::malformed, "a body has at least one frame, be it empty");
    if (frames.size() - first > limits::body_frames_max)
        return fail(Errc::too_many, "a body has at most 1000 frames");
    return {};
}

void take_body(wire::Frames& frames, std::size_t first, wire::Frames& body) {
    for (std::size_t i = first; i < frames.size(); ++i)
        body.add(std::move(frames[i]));
}

template <class To>
void write_body(wire::Frames& body, To& frames) {
    FLOTILLA_CHECK(body.size() <= limits::body_frames_max, "a body has at most 1000 frames");
    if (body.empty())
        frames.add(ByteView{});
    for (std::size_t i = 0; i < body.size(); ++i)
        frames.add(std::move(body[i]));
    body.clear();
}

Status read_flotilla(wire::Frames& frames, std::size_t at, Receiver receiver, Message& message) {
    const auto verb = verb_named(frame_at(frames, at));
    if (!verb)
        return fail(Errc::unsupported, at < frames.size() ? "a verb that FLR1 does not have"
                                                          : "FLR1 has to be followed by a verb");
    message.dialect = Dialect::flotilla;
    message.side = side_of(receiver, *verb);
    message.verb = *verb;
    if (!is_for(receiver, message.side, *verb))
        return fail(Errc::malformed,
                    "'" + std::string(name(*verb)) + "' goes in the other direction");
    const ByteView id = frame_at(frames, at + 1);
    const ByteView service = frame_at(frames, at + 2);
    if (Status named = check_names(message.side, *verb, id, service); !named)
        return fail(std::move(named.error()));
    wire::OptionTextReader options(frame_at(frames, at + 3));
    if (options.status())
        read_options(options, receiver, message);
    if (receiver == Receiver::worker && !message.id.empty() && !is_id(message.id))
        options.refuse(Errc::bad_option, "option 'id' must be printable, without blanks");
    if (!options.status())
        return fail(options.status().error());
    const std::size_t body_at = at + 4;
    if (!has_body(*verb) && frames.size() > body_at)
        return fail(Errc::malformed,
                    "'" + std::string(name(*verb)) + "' has a body that it should not have");
    if (has_body(*verb) && frames.size() > body_at)
        if (Status body = check_body(frames, body_at); !body)
            return fail(std::move(body.error()));

    if (message.side == Side::client)
        message.id = id;
    if (has_address(message.side, *verb) && at + 1 < frames.size())
        message.address = std::move(frames[at + 1]);
    if (has_service(message.side, *verb))
        message.service = at + 2 < frames.size() ? std::move(frames[at + 2]) : Blob{};
    take_body(frames, body_at, message.body);
    if (has_body(*verb) && message.body.empty())
        message.body.add(); // left out, being empty and last
    return {};
}

Message read_flotilla_origin(const wire::Frames& frames, std::size_t at) {
    Message message;
    message.dialect = Dialect::flotilla;
    // An unknown verb is more likely a newer client's, and an error frees whoever waits for it.
    const auto verb = verb_named(frame_at(frames, at));
    message.side = verb ? side_of(Receiver::broker, *verb) : Side::client;
    if (message.side == Side::client && is_id(frame_at(frames, at + 1)))
        message.id = frame_at(frames, at + 1);
    if (is_service(frame_at(frames, at + 2)))
        message.service = Blob::copy(frame_at(frames, at + 2));
    return message;
}

template <class To>
void write_flotilla(Message& message, To& frames) {
    wire::OptionTextWriter options;
    write_options(message, options);
    frames.add(name(message.verb));
    if (has_address(message.side, message.verb))
        frames.add(std::move(message.address));
    else
        frames.add(message.side == Side::client ? ByteView{message.id} : ByteView{});
    if (has_service(message.side, message.verb))
        frames.add(std::move(message.service));
    else
        frames.add(ByteView{});
    frames.add(options.view());
    if (has_body(message.verb))
        write_body(message.body, frames);
}

template void write_body(wire::Frames&, wire::Frames&);
template void write_body(wire::Frames&, wire::StagedMessages&);
template void write_flotilla(Message&, wire::Frames&);
template void write_flotilla(Message&, wire::StagedMessages&);

void write_entry(const Message& message, wire::Writer& entries) {
    const std::size_t body_frames = has_body(message.verb) ? message.body.size() : 0;
    entries.u16(static_cast<std::uint16_t>(4 + body_frames)).long_bytes(name(message.verb));
    if (has_address(message.side, message.verb))
        entries.long_bytes(message.address);
    else
        entries.long_bytes(message.side == Side::client ? ByteView{message.id} : ByteView{});
    entries.long_bytes(has_service(message.side, message.verb) ? message.service.view()
                                                               : ByteView{});
    wire::OptionTextWriter options;
    write_options(message, options);
    entries.long_bytes(options.view());
    for (std::size_t i = 0; i < body_frames; ++i)
        entries.long_bytes(message.body[i]);
}

} // namespace flotilla::request::detail
