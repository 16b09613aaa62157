// SPDX-License-Identifier: Apache-2.0
//
// Records: the bytes of every key and value that the queue engine stores. docs/protocol/store.md
// is the specification. Integers are big-endian; keys compare as bytes. Every value begins with a
// version (u8, now 1) and ends with XXH3-64 of what is before it, checked at every read; old
// versions are read for ever.
//
//     block  = version wall_ms(u64) count(u16) *record check(u64)
//     record = flags(u8) [id(u64)] [key(u8 length, bytes)] [expiry_ms(u64)] [attempts(u32)]
//              [note(u16 length, option text)] body
//     body   = frames(u16) *( size(u32) bytes )                    flags without bit 5
//            | region(u32 length, wire/compress region of a body)  flags bit 5
//     flags  = 1 id differs from position, 2 key, 4 expiry, 8 attempts, 16 note, 32 compressed
//
// A message's position is its block's first position plus its index in the block; positions of a
// lane rise and are not reused. A plain message's id is its position. A plain record of a packed
// put (wire/queue_pack) is byte for byte the record that is stored.
//
// `note`: of a dead letter, where it came from and why: origin, origin_id, reason, attempts, text.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/queue/model.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

using Position = std::uint64_t;
using Lane = std::uint8_t; // a priority level, or with order=key a partition of the keys

inline constexpr std::size_t block_bytes_target = 64ULL << 10; // one message may be larger
inline constexpr std::size_t block_messages_max = 4096;
inline constexpr std::size_t key_lanes = 64; // partitions of order=key

// One message as stored. Views into whatever it was read from.
struct Record {
    MessageId id = 0; // 0 in a record to be written: its position
    std::string_view key{};
    std::int64_t expiry_ms = 0; // wall; 0: never
    std::uint32_t attempts = 0; // deliveries before it came here
    std::string_view note{};
    bool is_compressed = false;
    ByteView body{}; // the bytes after the head of the record: frames, or a region
};

// Builds one block's value.
class BlockWriter {
public:
    bool empty() const noexcept { return count_ == 0; }
    std::size_t count() const noexcept { return count_; }
    std::size_t bytes() const noexcept { return out_.size(); }
    // Whether a record of so many bytes still belongs here.
    bool has_room(std::size_t record_bytes) const noexcept;
    void add(const Record& record);
    // Records already in stored form, as they are.
    void add_raw(ByteView records, std::size_t count);
    // The value; the writer starts over.
    std::string finish(std::int64_t wall_ms);

private:
    std::string out_{};
    std::size_t count_ = 0;
};

// Reads a block's value: checked once as a whole, then record by record.
class BlockReader {
public:
    // Errors: damaged (checksum, or records that do not add up); unsupported (a newer version).
    static Result<BlockReader> open(ByteView value);
    std::size_t count() const noexcept { return offsets_.size(); }
    std::int64_t wall_ms() const noexcept { return wall_ms_; }
    Record operator[](std::size_t index) const; // index < count()

private:
    ByteView value_{};
    std::int64_t wall_ms_ = 0;
    std::vector<std::uint32_t> offsets_{};
};

// Keys.
std::string block_key(QueueId queue, Lane lane, Position first);
struct BlockPlace {
    QueueId queue = 0;
    Lane lane = 0;
    Position first = 0;
    friend auto operator<=>(const BlockPlace&, const BlockPlace&) = default;
};
Result<BlockPlace> read_block_key(ByteView key);

// `value` with its checksum behind it, and back. Errors: damaged.
std::string seal(std::string value);
Result<ByteView> unseal(ByteView value);

} // namespace flotilla::queue
