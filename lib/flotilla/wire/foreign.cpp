// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/foreign.hpp>
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace flotilla::wire {
namespace {

// What is given back has to be as the peer's protocol allows it.
constexpr std::size_t service_bytes_max = 255;
constexpr std::size_t id_bytes_max = 64;

// Of docs/protocol/admin.md.
constexpr std::array<ByteView, 13> admin_verbs{"status", "metrics", "health", "browse", "message",
                                               "purge",  "redrive", "kick",   "pause",  "resume",
                                               "drain",  "reload",  "audit"};

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t identity_digits = 16;
constexpr std::size_t name_bytes_max = 64; // of an identity

ByteView frame_at(const Frames& message, std::size_t at) {
    return at < message.size() ? message[at].view() : ByteView{};
}

bool asks_about_broker(ByteView service) {
    return service.substr(0, 4) == "mmi." && service.size() <= service_bytes_max;
}

// A reply to mmi.*, up to its service.
Frames answer(const Frames& message, std::size_t header_at, ByteView command,
              std::size_t service_at, std::string_view text) {
    Frames reply;
    if (header_at > 0)
        reply.add(ByteView{});
    reply.add(message[header_at].view());
    if (!command.empty())
        reply.add(command);
    reply.add(message[service_at].view());
    reply.add(not_a_broker_status);
    reply.add(ByteView{text});
    return reply;
}

std::optional<Frames> refuse_flr1(const Frames& message, std::size_t header_at,
                                  std::string_view text) {
    const ByteView verb = frame_at(message, header_at + 1);
    const bool is_call = verb == "request" || verb == "cancel";
    const bool is_worker = verb == "ready";
    if (!is_call && !is_worker && verb != "ping")
        return std::nullopt;
    const ByteView id = frame_at(message, header_at + 2);
    const ByteView service = frame_at(message, header_at + 3);
    if (id.size() > id_bytes_max || service.size() > service_bytes_max)
        return std::nullopt;
    Frames reply;
    if (header_at > 0)
        reply.add(ByteView{});
    reply.add(message[header_at].view());
    reply.add(is_worker ? ByteView{"disconnect"} : ByteView{"error"});
    reply.add(is_call ? id : ByteView{}); // that of a ping is no name of a request
    reply.add(is_call ? service : ByteView{});
    reply.add(OptionTextWriter()
                  .text("code", leased::name(leased::ErrorCode::wrong_peer))
                  .text("text", text)
                  .view());
    return reply;
}

} // namespace

std::optional<Frames> refuse_queue_speaker(const Frames& message, std::string_view text) {
    const auto head = leased::read_head(message, 0);
    if (!head || head->verb == "pong" || head->verb == "bye")
        return std::nullopt;
    Frames reply;
    leased::write(head->envelope,
                  leased::Event{leased::ErrorReply{leased::ErrorCode::wrong_peer, std::string(text),
                                                   0, 0, 0}},
                  reply);
    return reply;
}

std::optional<Frames> refuse_majordomo_speaker(const Frames& message, std::string_view text) {
    const std::size_t at = message.size() > 1 && message[0].empty() ? 1 : 0;
    const ByteView header = frame_at(message, at);
    if (header == "FLR1")
        return refuse_flr1(message, at, text);
    if (header == "MDPC01" && at == 1 && asks_about_broker(frame_at(message, at + 1)))
        return answer(message, at, {}, at + 1, text);
    if (header == "MDPC02" && frame_at(message, at + 1) == "\x01" &&
        asks_about_broker(frame_at(message, at + 2)))
        return answer(message, at, "\x03", at + 2, text);
    return std::nullopt;
}

std::optional<Frames> refuse_admin_speaker(const Frames& message, std::string_view text) {
    constexpr std::size_t number_digits_max = 20;
    if (message.size() < 2 || message.size() > 4)
        return std::nullopt;
    // What a DEALER puts before the empty frame; a REQ puts nothing.
    const bool is_numbered = !message[0].empty();
    const std::size_t verb_at = is_numbered ? 2 : 1;
    const ByteView number = message[0].view();
    const ByteView verb = frame_at(message, verb_at);
    const ByteView arguments = frame_at(message, verb_at + 1);
    if (number.size() > number_digits_max ||
        number.find_first_not_of("0123456789") != ByteView::npos ||
        (is_numbered && !message[1].empty()) || message.size() > verb_at + 2 ||
        std::find(admin_verbs.begin(), admin_verbs.end(), verb) == admin_verbs.end() ||
        (!arguments.empty() && arguments[0] != '{'))
        return std::nullopt;
    Frames reply;
    if (is_numbered)
        reply.add(number);
    reply.add(ByteView{});
    reply.add(ByteView{"421"});
    reply.add(ByteView{"{\"error\":\"wrong_peer\",\"why\":\"" + std::string(text) + "\"}"});
    return reply;
}

std::string daemon_identity(std::string_view daemon, std::uint64_t seed) {
    std::string identity{daemon};
    identity += '-';
    for (std::size_t i = 0; i < identity_digits; ++i)
        identity += hex_digits[seed >> (60 - 4 * i) & 15];
    return identity;
}

std::string_view daemon_of(std::string_view identity) noexcept {
    constexpr std::string_view ours = "flotilla-";
    constexpr std::size_t tail = 1 + identity_digits;
    if (identity.substr(0, ours.size()) != ours || identity.size() < ours.size() + tail ||
        identity.size() > name_bytes_max)
        return {};
    const std::string_view name = identity.substr(0, identity.size() - tail);
    const std::string_view digits = identity.substr(name.size() + 1);
    if (identity[name.size()] != '-' ||
        digits.find_first_not_of(hex_digits) != std::string_view::npos ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string_view::npos)
        return {};
    return name;
}

} // namespace flotilla::wire
