// SPDX-License-Identifier: Apache-2.0
//
// A message of a queue in the formats of the tool: what it is called, and what is said beside it.
#pragma once

#include <cli/format.hpp>
#include <cli/queue/take_session.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::cli {

struct ShownFrom {
    std::string_view queue{};
    std::string_view endpoint{};
    std::uint64_t number = 1; // of this run
};
// From now to a time that a message tells (due_ms, expiry_ms); zero when it is over, or none.
Duration until(std::string_view wall_ms);

// `lease`: as zmq queue ack takes it; empty: it is nobody's to give back.
Status append(std::string& out, const Format& format, const ShownFrom& from, const Taken& message,
              const std::string& lease);
// Of peek: `info` is option text, each line of which is shown.
Status append(std::string& out, const Format& format, const ShownFrom& from,
              const queue::PeekReply::Message& message);

// What option text says, in order.
std::vector<std::pair<std::string, std::string>> option_pairs(std::string_view text);

} // namespace flotilla::cli
