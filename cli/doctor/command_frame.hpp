// SPDX-License-Identifier: Apache-2.0
//
// Command frames of ZMTP 3 (37/ZMTP), as far as a handshake shows them in clear text: READY with
// its properties and ERROR with its reason under NULL; under CURVE only their names. Pure.
//
//     command = flags (bit 2 command, bit 1 long), size (u8 or u64), name (u8 length, bytes), data
//     READY data = (name (u8 length, bytes), value (u32 length, bytes))*
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::cli::doctor {

// A handshake command has to fit this; CURVE's largest are a few hundred bytes.
inline constexpr std::size_t command_bytes_max = 8192;

struct CommandFrame {
    std::string name;  // "READY", "ERROR", "HELLO", "WELCOME", "INITIATE"
    std::string data;  // what follows the name
    std::size_t bytes; // of the input, the whole frame
};
struct NeedsMore {};
struct NotACommand {}; // a message frame, one that is too large, or garbage
using CommandOutcome = std::variant<CommandFrame, NeedsMore, NotACommand>;
CommandOutcome decode_command(ByteView bytes);

using Properties = std::vector<std::pair<std::string, std::string>>;
// Of a READY's data; nothing when it is malformed.
std::optional<Properties> decode_properties(ByteView data);
// The value of a property, names compared without regard to case.
std::optional<std::string> property(const Properties& properties, std::string_view name);
// Of an ERROR's data: u8 length, reason. Empty when malformed.
std::string decode_reason(ByteView data);

} // namespace flotilla::cli::doctor
