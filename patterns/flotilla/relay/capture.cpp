// SPDX-License-Identifier: Apache-2.0
#include <flotilla/relay/capture.hpp>
#include <flotilla/wire/pack.hpp>

#include <utility>

namespace flotilla::relay {

std::string_view name(Direction direction) noexcept {
    return direction == Direction::in ? "in" : "out";
}

std::string capture_topic(std::string_view relay, Direction direction) {
    return std::string(relay) + "." + std::string(name(direction));
}

std::string encode(const CaptureHeader& header) {
    wire::Writer out;
    out.u8(CaptureHeader::version)
        .u8(static_cast<std::uint8_t>(header.direction))
        .u64(static_cast<std::uint64_t>(header.at.time_since_epoch().count()))
        .u64(header.sequence)
        .u16(header.frames);
    return out.take();
}

Result<CaptureHeader> decode_capture_header(ByteView bytes) {
    wire::Reader in(bytes);
    const std::uint8_t version = in.u8();
    const std::uint8_t direction = in.u8();
    CaptureHeader header;
    header.at = WallTime{Duration{static_cast<std::int64_t>(in.u64())}};
    header.sequence = in.u64();
    header.frames = in.u16();
    if (!in.ok_at_end())
        return fail(Errc::malformed, "a capture header has " + std::to_string(bytes.size()) +
                                         " bytes; it must have " +
                                         std::to_string(CaptureHeader::bytes));
    if (version != CaptureHeader::version)
        return fail(Errc::malformed, "a capture header has version " + std::to_string(version) +
                                         "; this program reads version " +
                                         std::to_string(CaptureHeader::version));
    if (direction > static_cast<std::uint8_t>(Direction::out))
        return fail(Errc::malformed, "a capture header has direction " + std::to_string(direction) +
                                         "; it must be 0 (in) or 1 (out)");
    header.direction = static_cast<Direction>(direction);
    return header;
}

Result<Captured> parse_capture(wire::Frames received) {
    if (received.size() < 2)
        return fail(Errc::malformed, "a captured message has " + std::to_string(received.size()) +
                                         " frames; it starts with a topic and a header");
    Result<CaptureHeader> header = decode_capture_header(received[1]);
    if (!header)
        return fail(header.error());
    if (header->frames != received.size() - 2)
        return fail(Errc::malformed, "a captured message says " + std::to_string(header->frames) +
                                         " frames and has " + std::to_string(received.size() - 2));
    const ByteView topic = received[0];
    const std::string ending = "." + std::string(name(header->direction));
    if (topic.size() <= ending.size() || topic.substr(topic.size() - ending.size()) != ending)
        return fail(Errc::malformed, "a captured message's topic does not end in '" + ending +
                                         "', which its header says");
    Captured captured;
    captured.relay = std::string(topic.substr(0, topic.size() - ending.size()));
    captured.header = *header;
    for (std::size_t i = 2; i < received.size(); ++i)
        captured.message.add(std::move(received[i]));
    return captured;
}

} // namespace flotilla::relay
