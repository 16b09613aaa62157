// SPDX-License-Identifier: Apache-2.0
//
// Capture: the messages a relay publishes about the messages it passes (docs/protocol/capture.md):
//
//     frame 0    topic: "<relay>.in" (frontend to backend) or "<relay>.out" (backend to frontend)
//     frame 1    header, 20 bytes: version, direction, wall time, sequence, frame count
//     frame 2..  the frames of the message, as they were
//
// Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::relay {

enum class Direction : std::uint8_t {
    in = 0,  // frontend to backend: messages, requests, work
    out = 1, // backend to frontend: subscriptions, replies
};
std::string_view name(Direction direction) noexcept; // "in"

struct CaptureHeader {
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t bytes = 20;

    Direction direction = Direction::in;
    WallTime at{};              // when the relay had read the message
    std::uint64_t sequence = 0; // from 1, for each direction; a gap is what this tap lost
    std::uint16_t frames = 0;   // of the message
};

std::string capture_topic(std::string_view relay, Direction direction);
std::string encode(const CaptureHeader& header);
// Errors: malformed (size, version or direction).
Result<CaptureHeader> decode_capture_header(ByteView bytes);

// A captured message as a tap receives it.
struct Captured {
    std::string relay{};
    CaptureHeader header{};
    wire::Frames message{};
};
// Takes the frames. Errors: malformed, saying which frame is wrong and how.
Result<Captured> parse_capture(wire::Frames received);

} // namespace flotilla::relay
