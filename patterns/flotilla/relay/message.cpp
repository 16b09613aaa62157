// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

namespace flotilla::relay {
namespace {

Sent refusal(const Error& error) noexcept {
    switch (error.code) {
    case Errc::would_block:
        return Sent::no_room;
    case Errc::peer_gone:
        return Sent::unroutable;
    default:
        return Sent::failed;
    }
}

} // namespace

Message Message::share() const {
    Message other;
    other.parts.reserve(frames);
    for (std::size_t i = 0; i < frames; ++i)
        other.parts.push_back(parts[i].share());
    other.frames = frames;
    other.bytes = bytes;
    return other;
}

void Message::own_small() {
    for (std::size_t i = 0; i < frames; ++i)
        if (parts[i].view().size() <= Blob::small_bytes_max)
            parts[i] = net::Part::copy(parts[i].view());
}

Received receive(net::Socket& socket, const MessageLimits& limits, Message& message) {
    message.frames = 0;
    message.bytes = 0;
    std::size_t seen = 0;
    for (bool more = true; more; ++seen) {
        // Frames over the limit overwrite the last slot: they are read only to be let go.
        if (message.frames == message.parts.size())
            message.parts.emplace_back();
        net::Part& part = message.parts[message.frames];
        const auto got = socket.receive_look(part, Duration::zero());
        if (!got)
            return seen == 0 && got.error().code == Errc::would_block ? Received::nothing
                                                                      : Received::failed;
        more = got->more() == net::More::yes;
        message.bytes += got->bytes().size();
        if (seen + 1 < limits.frames_max && message.bytes <= limits.message_bytes_max && more)
            ++message.frames;
    }
    ++message.frames;
    if (seen <= limits.frames_max && message.bytes <= limits.message_bytes_max)
        return Received::whole;
    message.parts.resize(1);
    message.frames = 0;
    message.bytes = 0;
    return seen > limits.frames_max ? Received::too_many : Received::too_large;
}

Sent send(net::Socket& socket, Message& message) {
    bool cut_off = false;
    for (std::size_t i = 0; i < message.frames; ++i) {
        const net::More more = i + 1 < message.frames ? net::More::yes : net::More::no;
        const Status sent = socket.send(message.parts[i], more, Duration::zero());
        if (sent)
            continue;
        if (i == 0)
            return refusal(sent.error());
        // The frames before are gone with their connection. libzmq swallows the rest up to the
        // last frame, so it must get them, or it would swallow the next message.
        cut_off = true;
    }
    return cut_off ? Sent::cut_off : Sent::whole;
}

} // namespace flotilla::relay
