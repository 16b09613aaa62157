// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/pack.hpp>

#include <cli/recording/format.hpp>
#include <zlib.h>

#include <optional>

namespace flotilla::cli::recording {
namespace {

constexpr std::uint8_t message_kind = 1;
constexpr std::uint8_t resumed_kind = 2;
constexpr std::uint8_t end_kind = 3;

std::uint32_t checksum(ByteView bytes) {
    return static_cast<std::uint32_t>(
        ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint64_t count_of(WallTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

std::uint64_t count_of(Duration duration) {
    return static_cast<std::uint64_t>(duration.count());
}

// Nanoseconds beyond the year 2262 do not fit a Duration.
std::optional<Duration> duration_of(std::uint64_t count) {
    if (count > static_cast<std::uint64_t>(Duration::max().count()))
        return std::nullopt;
    return Duration{static_cast<Duration::rep>(count)};
}

std::string framed(ByteView body) {
    wire::Writer out;
    out.bytes(marker).u32(static_cast<std::uint32_t>(body.size())).bytes(body);
    const std::uint32_t crc = checksum(out.view().substr(marker.size()));
    out.u32(crc);
    return out.take();
}

Damaged damaged(std::string what) {
    return Damaged{Errc::damaged, std::move(what)};
}

std::optional<Record> decode_message(wire::Reader& in) {
    Message message;
    const auto time = duration_of(in.u64());
    const auto offset = duration_of(in.u64());
    const std::uint8_t direction = in.u8();
    const std::uint16_t frames = in.u16();
    if (!in.ok() || !time || !offset || direction > 2 || frames > wire::Frames::frames_max)
        return std::nullopt;
    message.time = WallTime{*time};
    message.offset = *offset;
    message.direction = static_cast<Direction>(direction);
    for (std::uint16_t i = 0; i < frames && in.ok(); ++i)
        message.frames.add(in.long_bytes());
    if (!in.ok_at_end())
        return std::nullopt;
    return message;
}

std::optional<Record> decode_body(ByteView body) {
    wire::Reader in(body);
    switch (const std::uint8_t kind = in.u8(); kind) {
    case message_kind:
        return decode_message(in);
    case resumed_kind: {
        const auto time = duration_of(in.u64());
        if (!in.ok_at_end() || !time)
            return std::nullopt;
        return Resumed{WallTime{*time}};
    }
    case end_kind: {
        const std::uint64_t messages = in.u64();
        const auto offset = duration_of(in.u64());
        if (!in.ok_at_end() || !offset)
            return std::nullopt;
        return End{messages, *offset};
    }
    default:
        return Unknown{kind};
    }
}

} // namespace

std::string_view name(Direction direction) noexcept {
    switch (direction) {
    case Direction::received:
        return "received";
    case Direction::to_backend:
        return "to_backend";
    case Direction::to_frontend:
        return "to_frontend";
    }
    return "unknown";
}

Result<std::string> encode(const Header& header) {
    if (header.source.size() > source_bytes_max)
        return fail(Errc::too_large, "the source of a recording is limited to 4096 bytes");
    wire::Writer out;
    out.bytes(magic).u16(header.version).u64(count_of(header.created)).medium_bytes(header.source);
    const std::uint32_t crc = checksum(out.view());
    out.u32(crc);
    return out.take();
}

Result<std::string> encode(const Message& message) {
    if (message.frames.bytes() + 4 * message.frames.size() + 32 > body_bytes_max)
        return fail(Errc::too_large, "a message of " + std::to_string(message.frames.bytes()) +
                                         " bytes does not fit a recording (256 MiB)");
    wire::Writer body;
    body.u8(message_kind)
        .u64(count_of(message.time.time_since_epoch()))
        .u64(count_of(message.offset))
        .u8(static_cast<std::uint8_t>(message.direction))
        .u16(static_cast<std::uint16_t>(message.frames.size()));
    for (std::size_t i = 0; i < message.frames.size(); ++i)
        body.long_bytes(message.frames[i]);
    return framed(body.view());
}

std::string encode(const Resumed& resumed) {
    return framed(wire::Writer().u8(resumed_kind).u64(count_of(resumed.time)).view());
}

std::string encode(const End& end) {
    return framed(
        wire::Writer().u8(end_kind).u64(end.messages_total).u64(count_of(end.offset)).view());
}

HeaderOutcome decode_header(ByteView bytes) {
    const ByteView start = bytes.substr(0, magic.size());
    if (start != magic.substr(0, start.size()))
        return Damaged{Errc::malformed, "not a recording of zmq record (its first bytes differ)"};
    if (bytes.size() < header_bytes_min)
        return Incomplete{header_bytes_min};
    wire::Reader in(bytes.substr(magic.size()));
    Header header;
    header.version = in.u16();
    if (header.version != format_version)
        return Damaged{Errc::unsupported, "a recording of format version " +
                                              std::to_string(header.version) +
                                              "; this program reads version 1"};
    const auto created = duration_of(in.u64());
    const std::uint16_t source_bytes = in.u16();
    if (!created || source_bytes > source_bytes_max)
        return damaged("the header is damaged");
    const std::size_t size = header_bytes_min + source_bytes;
    if (bytes.size() < size)
        return Incomplete{size};
    header.created = WallTime{*created};
    header.source = std::string(in.bytes(source_bytes));
    if (in.u32() != checksum(bytes.substr(0, size - 4)))
        return damaged("the header's checksum does not match");
    return Decoded<Header>{std::move(header), size};
}

RecordOutcome decode_record(ByteView bytes) {
    const ByteView start = bytes.substr(0, marker.size());
    if (start != marker.substr(0, start.size()))
        return damaged("no record begins here");
    if (bytes.size() < marker.size() + 4)
        return Incomplete{record_overhead_bytes};
    const std::size_t length = wire::load_u32(bytes.data() + marker.size());
    if (length > body_bytes_max)
        return damaged("the record's length is beyond the limit");
    const std::size_t size = length + record_overhead_bytes;
    if (bytes.size() < size)
        return Incomplete{size};
    const ByteView covered = bytes.substr(marker.size(), 4 + length);
    if (wire::load_u32(bytes.data() + size - 4) != checksum(covered))
        return damaged("the record's checksum does not match");
    std::optional<Record> record = decode_body(covered.substr(4));
    if (!record)
        return damaged("the record's content is malformed");
    return Decoded<Record>{std::move(*record), size};
}

} // namespace flotilla::cli::recording
