// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/foreign.hpp>
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/option_text.hpp>

#include <string>

namespace flotilla::wire {
namespace {

// What is given back has to be as the peer's protocol allows it.
constexpr std::size_t service_bytes_max = 255;
constexpr std::size_t id_bytes_max = 64;

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

} // namespace flotilla::wire
