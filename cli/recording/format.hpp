// SPDX-License-Identifier: Apache-2.0
//
// The recording format, version 1 (docs/protocol/recording.md): bytes to values and back. Pure.
//
//     recording = header record*
//     header    = magic (8), version u16, created u64, source (u16 length, bytes), crc u32
//     record    = marker u32, length u32, body (length bytes), crc u32
//     body      = 1, time u64, offset u64, direction u8, frames u16, (u32 length, bytes)*   message
//               | 2, time u64                                                               resumed
//               | 3, messages u64, offset u64                                               end
//
// Every integer is big-endian; times are nanoseconds; a crc is CRC-32 over everything of its header
// or record before it, the marker excepted. Bodies of other kinds are skipped, so that later
// versions may add some.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace flotilla::cli::recording {

inline constexpr std::string_view magic{"\x89"
                                        "FLOTREC",
                                        8};
inline constexpr std::string_view marker{"\xF1\x07\xEC\x0D", 4};
inline constexpr std::uint16_t format_version = 1;
inline constexpr std::size_t source_bytes_max = 4096;
inline constexpr std::size_t header_bytes_min = 8 + 2 + 8 + 2 + 4;
inline constexpr std::size_t record_overhead_bytes = 12; // marker, length, crc
// A message of the largest size that a socket takes (256 MiB), with room for its frames' lengths.
inline constexpr std::size_t body_bytes_max = (std::size_t{256} << 20) + 65'536;

struct Header {
    std::uint16_t version = format_version;
    WallTime created{};
    std::string source{}; // what was recorded, for people: "sub tcp://127.0.0.1:5555"
};

enum class Direction : std::uint8_t {
    received = 0,    // by the recorder's own socket
    to_backend = 1,  // through a relay, from its frontend
    to_frontend = 2, // through a relay, from its backend
};
std::string_view name(Direction direction) noexcept; // "received", "to_backend", "to_frontend"

struct Message {
    WallTime time{};   // when it was received
    Duration offset{}; // since the recording began, by a clock that only moves forward
    Direction direction = Direction::received;
    wire::Frames frames{};
};
// An appended session begins; offsets go on where the one before ended.
struct Resumed {
    WallTime time{};
};
// The recorder ended in order.
struct End {
    std::uint64_t messages_total = 0;
    Duration offset{};
};
struct Unknown {
    std::uint8_t kind = 0;
};
using Record = std::variant<Message, Resumed, End, Unknown>;

// Errors: too_large (the source beyond source_bytes_max).
Result<std::string> encode(const Header& header);
// Errors: too_large (beyond body_bytes_max).
Result<std::string> encode(const Message& message);
std::string encode(const Resumed& resumed);
std::string encode(const End& end);

// What the bytes at hand begin with.
template <class T>
struct Decoded {
    T value;
    std::size_t bytes; // of the input, that it took
};
// Not decidable yet: at least this many bytes of input are needed.
struct Incomplete {
    std::size_t bytes_needed;
};
struct Damaged {
    Errc code;
    std::string what; // without place: the caller knows the offset
};
using HeaderOutcome = std::variant<Decoded<Header>, Incomplete, Damaged>;
using RecordOutcome = std::variant<Decoded<Record>, Incomplete, Damaged>;

// Damaged as malformed (no recording), unsupported (a later version) or damaged.
HeaderOutcome decode_header(ByteView bytes);
RecordOutcome decode_record(ByteView bytes);

} // namespace flotilla::cli::recording
