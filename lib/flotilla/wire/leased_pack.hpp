// SPDX-License-Identifier: Apache-2.0
//
// The packed bodies of FLQ1: many deliveries in one frame, many leases in one frame.
//
//     packed  = epoch (u64), first lease (u64), region (compress.hpp) of records
//     record  = lease - first (u32), id (u64), attempt (u32), redelivered (u8: 0 no, 1 maybe,
//               2 yes), key (u8 length, bytes), frames (u16 count, each u32 length and bytes)
//     leases  = epoch (u64), ranges (first u64, count u32)...
//
// Writer and reader allocate nothing per message. One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace flotilla::wire::leased {

// One message of a packed delivery. Views live as long as the reader's bytes.
struct PackedRecord {
    std::uint64_t lease = 0;
    std::uint64_t id = 0;
    std::uint32_t attempt = 1;
    Redelivered redelivered = Redelivered::no;
    ByteView key{};
    std::uint16_t frames = 0;
    ByteView body{}; // the frames, each with its length: see next_frame
};

// Takes the next frame off a record's body. The record was validated by PackedReader::open.
ByteView next_frame(ByteView& body) noexcept;

class PackedWriter {
public:
    // How many bytes a record with this key and body adds, before compression.
    static std::size_t record_bytes(ByteView key, std::size_t frames, std::size_t body_bytes);

    // Starts over. Leases of the records must be `first_lease` to first_lease + 2^32 - 1.
    void begin(std::uint64_t epoch, std::uint64_t first_lease);
    void begin_record(std::uint64_t lease, std::uint64_t id, std::uint32_t attempt,
                      Redelivered redelivered, ByteView key, std::size_t frames);
    void add_frame(ByteView frame); // as often as begin_record said
    // Or all of them at once, each with its length before it (u32), as a body lies in a store.
    void add_frames(ByteView frames);
    std::size_t records() const noexcept { return records_; }
    std::size_t size() const noexcept { return records_bytes_.size(); }
    // The body frame of the delivery; valid until the next call.
    ByteView finish(Compressor& compressor);

private:
    std::uint64_t epoch_ = 0;
    std::uint64_t first_lease_ = 0;
    std::size_t records_ = 0;
    Writer records_bytes_;
    Writer out_;
};

// The messages of one packed delivery. Whole and valid, or not opened. Its bytes are shared by the
// Blobs cut from it, so a Blob kept for long keeps the delivery's bytes.
class PackedReader {
public:
    // `packed` is consumed. Errors: malformed, too_large, too_many, unsupported.
    static Result<PackedReader> open(Blob packed, Expander& expander);

    std::uint64_t epoch() const noexcept { return epoch_; }
    std::size_t records() const noexcept { return records_; }
    // The next record, in the order written; nothing at the end.
    std::optional<PackedRecord> next();
    void rewind() noexcept;
    // A view into a record as a Blob of its own; nothing is copied that does not fit into a Blob.
    Blob cut(ByteView view) const;

private:
    PackedReader() = default;
    std::shared_ptr<const Blob> kept_;
    ByteView all_{};
    ByteView rest_{};
    std::uint64_t epoch_ = 0;
    std::uint64_t first_lease_ = 0;
    std::size_t records_ = 0;
};

// Errors of read: malformed, too_many.
std::string pack_leases(const Leases& leases);
Result<Leases> read_leases(ByteView packed);

} // namespace flotilla::wire::leased
