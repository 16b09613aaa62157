// SPDX-License-Identifier: Apache-2.0
//
// MessageLine: one line of an export: the JSON lines of the zmq tool, with the queue as endpoint.
//
//   {"type":"queue","endpoint":"orders","frames":[""],"enc":"utf8","meta":{"lease_ms":"30000",..}}
//   {"type":"message","endpoint":"orders","frames":["body"],"enc":"utf8","meta":{"id":"7",...}}
//
// "enc" is "utf8" when all frames are valid UTF-8, else "base64". Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/wire/frames.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::store_daemon {

struct MessageLine {
    std::string type{}; // "queue" or "message"
    std::string queue{};
    wire::Frames frames{};
    std::vector<std::pair<std::string, std::string>> meta{};

    // Empty when there is none.
    std::string_view value(std::string_view name) const noexcept;
};

// With its '\n'.
std::string to_text(const MessageLine& line);
// `text` is one line without '\n'. Errors: malformed, too_many.
Result<MessageLine> parse_line(std::string_view text);

} // namespace flotilla::store_daemon
