// SPDX-License-Identifier: Apache-2.0
//
// JSON lines: one message a line, the shape that every verb prints with --format json, reads with
// --json, and that tap, record and replay use:
//
//   {"ts":"2026-01-31T12:00:00.000000000Z","type":"sub","endpoint":"tcp://127.0.0.1:5555",
//    "frames":["topic","body"],"enc":"utf8","meta":{"name":"value"}}
//
// "enc" says how every frame of the line is written: "utf8" when all of them are valid UTF-8, else
// "base64"; so any bytes survive the round trip. Only "frames" is required of input; "enc" is then
// "utf8". Unknown members are ignored. Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::cli {

struct MessageLine {
    std::optional<WallTime> time{};
    std::string type{}; // the socket type that received it; empty: not stated
    std::string endpoint{};
    wire::Frames frames{};
    std::vector<std::pair<std::string, std::string>> meta{}; // in order
};

// Appends the line, its '\n' included.
void append_json_line(std::string& out, const MessageLine& line);
// `text` is one line without '\n'. Errors: malformed (what is wrong, and where); too_many (frames).
Result<MessageLine> parse_json_line(std::string_view text);

// "2026-01-31T12:00:00.000000000Z", and back (any number of decimals up to nine, UTC only).
std::string format_iso_time(WallTime time);
std::optional<WallTime> parse_iso_time(std::string_view text);

} // namespace flotilla::cli
