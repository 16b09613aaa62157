// SPDX-License-Identifier: Apache-2.0
//
// Envelope: what is known about a message besides its body: id, time, priority, expiry, key,
// content type, trace, free headers, and the numbers by which a subscriber counts its losses.
//
// It travels as one frame, always the last of its message, so a peer that knows nothing of it sees
// one more frame and may ignore it. It is read only by a receiver that asked for it. The bytes are
// described in docs/protocol/envelope.md. Pure values; safe from every thread.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/pack.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::wire {

struct Header {
    std::string name{};  // 1 to header_name_bytes_max printable ASCII characters without space
    std::string value{}; // any bytes, up to header_value_bytes_max
    friend bool operator==(const Header&, const Header&) = default;
};

struct Envelope {
    static constexpr std::size_t frame_bytes_max = 64 << 10;
    static constexpr std::size_t fields_max = 256; // known and unknown ones together
    static constexpr std::size_t headers_max = 64;
    static constexpr std::size_t header_name_bytes_max = 64;
    static constexpr std::size_t header_value_bytes_max = 4096;
    static constexpr std::size_t key_bytes_max = 255;
    static constexpr std::size_t content_type_bytes_max = 127;
    static constexpr std::size_t traceparent_bytes = 55;

    using MessageId = std::array<char, 16>;

    std::optional<MessageId> id{};
    std::optional<WallTime> timestamp{}; // when it was sent; not before 1970
    std::optional<std::uint8_t> priority{};
    std::optional<WallTime> expiry{}; // worthless after this
    std::optional<std::string> key{}; // any bytes, up to key_bytes_max
    std::optional<std::string> content_type{};
    std::optional<std::string> traceparent{}; // W3C Trace Context, see is_traceparent
    std::vector<Header> headers{};            // order kept, names may repeat

    // Pub/sub: sequences count per (epoch, generation, topic), from 1.
    std::optional<std::uint64_t> publisher_epoch{}; // drawn anew when a publisher starts
    std::optional<std::uint64_t> sequence{};
    std::uint32_t generation = 0; // changes when the publisher had forgotten the topic's sequence
    bool snapshot = false;        // a cached value, sent again for a late joiner

    friend bool operator==(const Envelope&, const Envelope&) = default;
};

// Appends the frame to `out`. Errors, with nothing appended: too_large or too_many (a limit above),
// malformed (a header name, content type, traceparent or time that may not be sent).
Status encode(const Envelope& envelope, Writer& out);
Result<std::string> encode(const Envelope& envelope);

// Errors: malformed (not an envelope, or bytes that break the grammar; says which), unsupported
// (another version), too_large, too_many.
Result<Envelope> decode_envelope(ByteView frame);

// The same envelope with snapshot set, fields that this version does not know included; for whoever
// sends a cached message again. Errors: those of decode_envelope; too_large, too_many (no room for
// the mark).
Result<std::string> mark_snapshot(ByteView frame);

// The frame starts with an envelope's magic number, whatever its version. Cheap; a peer's body may
// do so by accident, which decode_envelope then finds out.
bool has_envelope_magic(ByteView frame) noexcept;

// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": lower-case hex, version not ff, trace
// and parent not all zero.
bool is_traceparent(std::string_view text) noexcept;

} // namespace flotilla::wire
