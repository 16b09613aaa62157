// SPDX-License-Identifier: Apache-2.0
//
// The packed body of a put: many messages of one queue in one frame.
//
//     packed = region (wire/compress.hpp) of put-records
//     put-record = flags(u8) [key(u8 length, bytes)] [priority(u8)] [delay_ms(u64)] [ttl_ms(u64)]
//                  [message_id(u8 length, bytes)] frames(u16) *( size(u32) bytes )
//     flags = 2 key, 64 options (then all of priority, delay_ms, ttl_ms, message_id follow)
//
// A record without options is byte for byte what a store keeps (engine/record.hpp), so a run of
// them is stored with one copy. Writer and reader allocate nothing per message. One thread at a
// time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace flotilla::queue {

struct PutRecord {
    std::string_view key{}; // up to 255 bytes
    std::uint8_t priority = 0;
    Duration delay{0}; // whole ms; what does not fit a Duration is read as the longest one
    Duration ttl{0};
    std::string_view message_id{}; // up to 255 bytes
    std::uint16_t frames = 0;
    ByteView body{};              // frames(u16) and the frames, each with its length
    std::uint64_t body_bytes = 0; // the frames alone
    ByteView whole{};             // the record; when is_plain, as it is stored
    bool is_plain = false;        // no options: no priority, delay, ttl or message_id
};

// One record on its own, for whoever gathers them elsewhere. `to` has record_bytes() of room.
void write_put_record(const PutRecord& head, std::span<const ByteView> frames, char* to) noexcept;
// How long the first of `records` is; 0: it is not whole and valid.
std::size_t put_record_bytes(ByteView records) noexcept;

class PutWriter {
public:
    void clear() noexcept;
    void begin(const PutRecord& head, std::size_t frames); // of head: key and options
    void add_frame(ByteView frame);
    std::size_t records() const noexcept { return records_; }
    std::size_t bytes() const noexcept { return out_.size(); }
    // What a record with this head adds to bytes(), before compression.
    static std::size_t record_bytes(const PutRecord& head, std::size_t frames,
                                    std::uint64_t body_bytes) noexcept;
    // The body frame of the put; valid until the next call.
    ByteView finish(wire::Compressor& compressor);

private:
    std::size_t records_ = 0;
    wire::Writer out_{};
};

// Plain records in a row.
struct PutRun {
    ByteView records{}; // in stored form
    std::size_t count = 0;
    std::uint64_t body_bytes = 0; // the frames of all
    std::uint64_t key_bytes = 0;  // the keys of all
};

class PutReader {
public:
    // Whole and valid, or not opened. `packed` must outlive the reader, and `expander` must not
    // be used meanwhile. Errors: malformed, too_large, too_many, unsupported.
    static Result<PutReader> open(ByteView packed, wire::Expander& expander);
    // In all, and how many are left.
    std::size_t records() const noexcept { return records_; }
    std::size_t left() const noexcept { return left_; }
    std::optional<PutRecord> next();

    // The longest run from here of plain records, of at most `records` and `bytes`, each of at most
    // `message_bytes` of body and key. Empty when the next record is none of these: take next().
    struct RunLimits {
        std::size_t records = 0;
        std::size_t bytes = 0;
        std::uint64_t message_bytes = 0;
    };
    PutRun next_run(const RunLimits& limits);

private:
    ByteView rest_{};
    std::size_t records_ = 0;
    std::size_t left_ = 0;
};

} // namespace flotilla::queue
