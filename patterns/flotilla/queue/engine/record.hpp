// SPDX-License-Identifier: Apache-2.0
//
// Records: the bytes of every value that the queue engine stores; engine/keys.hpp has the keys.
// docs/protocol/store.md is the specification. Integers are big-endian. Every value begins with a
// version (u8, now 1) and ends with XXH3-64 of what is before it, checked at every read; old
// versions are read for ever.
//
//     block  = version wall_ms(u64) expiry_ms(u64) count(u16) region check(u64)
//     region = wire/compress region of count records (of its sizes, only the expanded one)
//     record = flags(u8) [id(u64)] [key(u8 length, bytes)] [expiry_ms(u64)] [attempts(u32)]
//              [note(u16 length, option text)] frames(u16) *( size(u32) bytes )
//     flags  = 1 id differs from position, 2 key, 4 expiry, 8 attempts, 16 note
//
// A message's position is its block's first position plus its index in the block; positions of a
// lane rise and are not reused. A plain message's id is its position. Records that state no expiry
// have the block's. A plain record of a packed put (put_pack.hpp) is byte for byte the record that
// is stored.
//
// `note`: of a dead letter, where it came from and why: origin, origin_id, reason, attempts, text.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/wire/compress.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

using Position = std::uint64_t;
using Lane = std::uint8_t; // a priority level, or with order=key a partition of the keys

// A value of so many bytes and the store's own 16 of head fill 16 pages. One message may be larger.
inline constexpr std::size_t block_bytes_target = (64ULL << 10) - 16;
inline constexpr std::size_t block_messages_max = 4096;
inline constexpr std::size_t key_lanes = 64; // partitions of order=key

// One message as stored. Views into whatever it was read from.
struct Record {
    MessageId id = 0; // 0: its position; BlockReader leaves that to who knows the position
    std::string_view key{};
    std::int64_t expiry_ms = 0;   // wall; 0: never. To write: 0 is the block's
    std::uint32_t attempts = 0;   // deliveries before it came here
    std::string_view note{};      // up to 65,535 bytes
    std::uint16_t frames = 0;     // 1 or more; read only, add() takes them from the body
    ByteView body{};              // frames(u16) *( size(u32) bytes ), as in leased_pack
    std::uint64_t body_bytes = 0; // of the frames alone; read only
};

// Bytes that add() needs for it.
std::size_t record_bytes(const Record& record) noexcept;

struct BlockHead {
    std::int64_t wall_ms = 0;   // when its messages were accepted
    std::int64_t expiry_ms = 0; // of records without one of their own; 0: never
};

// Builds one block's value. Keeps its memory.
class BlockWriter {
public:
    bool empty() const noexcept { return count_ == 0; }
    std::size_t count() const noexcept { return count_; }
    std::size_t bytes() const noexcept { return out_.size(); }
    // Whether so many more bytes of records still belong here; an empty block takes any.
    bool has_room(std::size_t bytes, std::size_t records = 1) const noexcept;
    // How many bytes of records still belong here; 0 when it is full.
    std::size_t room() const noexcept;
    void add(const Record& record);
    // Records already in stored form, as they are.
    void add_raw(ByteView records, std::size_t count);
    // The value; the writer starts over. Not of an empty block.
    std::string finish(const BlockHead& head);
    // The same with records compressed, where that makes them smaller.
    std::string finish(const BlockHead& head, wire::Compressor& compressor);
    void clear() noexcept;

private:
    void begin(std::size_t bytes);
    std::string out_{};
    std::size_t count_ = 0;
};

// Reads a block's value: checked once as a whole, then record by record. Keeps its memory, so one
// reader for many blocks allocates nothing.
class BlockReader {
public:
    // `value` must outlive what is read from it. After an error it is empty.
    // Errors: damaged (checksum, or records that do not add up); unsupported (a newer version, or
    // a compression that this build lacks).
    Status open(ByteView value);
    void close() noexcept;
    std::size_t count() const noexcept { return offsets_.empty() ? 0 : offsets_.size() - 1; }
    std::int64_t wall_ms() const noexcept { return head_.wall_ms; }
    std::int64_t expiry_ms() const noexcept { return head_.expiry_ms; }
    Record operator[](std::size_t index) const noexcept; // index < count()
    // `count` records from `index` on in stored form, for add_raw().
    ByteView raw(std::size_t index, std::size_t count = 1) const noexcept;

private:
    ByteView records_{};
    BlockHead head_{};
    std::vector<std::uint32_t> offsets_{}; // of each record, and of their end
    std::optional<wire::Expander> expander_{};
};

// The head alone, unchecked: for what only shows. Nothing: it is too short, or of a newer version.
std::optional<BlockHead> peek_block_head(ByteView value) noexcept;

// Checks what a single stored-form record holds. Errors: damaged. `used` of its bytes are it.
struct RecordRead {
    Record record{};
    std::size_t used = 0;
};
Result<RecordRead> read_record(ByteView bytes);

// ---- other values ------------------------------------------------------------------------------

// `value` with its checksum behind it, and back. Errors: damaged.
std::string seal(std::string value);
Result<ByteView> unseal(ByteView value);
std::uint64_t checksum(ByteView bytes) noexcept; // XXH3-64
inline constexpr std::size_t checksum_bytes = 8;

} // namespace flotilla::queue
