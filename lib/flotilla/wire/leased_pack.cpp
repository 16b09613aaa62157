// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <new>
#include <utility>

namespace flotilla::wire::leased {
namespace {

constexpr std::size_t record_header_bytes = 4 + 8 + 4 + 1 + 1 + 2;

// A part of bytes that many Blobs share.
struct Slice {
    std::shared_ptr<const Blob> kept;
    ByteView view;
};
static_assert(sizeof(Slice) <= Blob::owner_bytes_max);

Slice* slice(void* storage) noexcept {
    return std::launder(reinterpret_cast<Slice*>(storage));
}
const Slice* slice(const void* storage) noexcept {
    return std::launder(reinterpret_cast<const Slice*>(storage));
}

constexpr Blob::Owner slices{
    [](const void* storage) noexcept { return slice(storage)->view.data(); },
    [](void* to, void* from) noexcept {
        new (to) Slice{std::move(*slice(from))};
        slice(from)->~Slice();
    },
    [](void* to, const void* from) noexcept { new (to) Slice{*slice(from)}; },
    [](void* storage) noexcept { slice(storage)->~Slice(); },
};

// Reads one record off the front; a bad reader says that it was not whole.
PackedRecord read_record(Reader& reader, std::uint64_t first_lease) {
    PackedRecord record;
    const ByteView head = reader.bytes(record_header_bytes - 2);
    if (!reader.ok())
        return record;
    record.lease = first_lease + load_u32(head.data());
    record.id = load_u64(head.data() + 4);
    record.attempt = load_u32(head.data() + 12);
    const auto redelivered = static_cast<std::uint8_t>(head[16]);
    record.redelivered = static_cast<Redelivered>(redelivered <= 2 ? redelivered : 1);
    record.key = reader.bytes(static_cast<unsigned char>(head[17]));
    record.frames = reader.u16();
    const ByteView from = reader.rest();
    for (std::size_t i = 0; i < record.frames; ++i)
        reader.long_bytes();
    if (reader.ok())
        record.body = from.substr(0, from.size() - reader.left());
    return record;
}

// How many whole records there are. Errors: malformed, too_many.
Result<std::size_t> count_records(ByteView all, std::uint64_t first_lease) {
    Reader reader(all);
    std::size_t records = 0;
    while (reader.left() > 0) {
        const ByteView from = reader.rest();
        const PackedRecord record = read_record(reader, first_lease);
        if (!reader.ok())
            return fail(Errc::malformed, "record " + std::to_string(records) +
                                             " of a packed deliver ends too early");
        if (record.frames == 0 || record.attempt == 0 || record.lease < first_lease ||
            static_cast<unsigned char>(from[16]) > 2)
            return fail(Errc::malformed, "record " + std::to_string(records) +
                                             " of a packed deliver has a field out of range");
        if (record.frames > limits::body_frames_max)
            return fail(Errc::too_many, "a packed record has over 1000 frames");
        ++records;
    }
    return records;
}

} // namespace

ByteView next_frame(ByteView& body) noexcept {
    Reader reader(body);
    const ByteView frame = reader.long_bytes();
    body = reader.rest();
    return frame;
}

// ---- deliveries --------------------------------------------------------------------------------

std::size_t PackedWriter::record_bytes(ByteView key, std::size_t frames, std::size_t body_bytes) {
    return record_header_bytes + key.size() + 4 * frames + body_bytes;
}

void PackedWriter::begin(std::uint64_t epoch, std::uint64_t first_lease) {
    epoch_ = epoch;
    first_lease_ = first_lease;
    records_ = 0;
    records_bytes_.clear();
}

void PackedWriter::begin_record(std::uint64_t lease, std::uint64_t id, std::uint32_t attempt,
                                Redelivered redelivered, ByteView key, std::size_t frames) {
    FLOTILLA_CHECK(lease >= first_lease_ && lease - first_lease_ <= 0xffffffff,
                   "a packed lease is out of reach of the first");
    FLOTILLA_CHECK(frames >= 1 && frames <= limits::body_frames_max,
                   "a delivery has 1 to 1000 frames");
    // In one piece: a store writes one of these for every message it delivers.
    char head[record_header_bytes - 2];
    store_u32(head, static_cast<std::uint32_t>(lease - first_lease_));
    store_u64(head + 4, id);
    store_u32(head + 12, attempt);
    head[16] = static_cast<char>(redelivered);
    FLOTILLA_CHECK(key.size() <= limits::name_bytes_max, "a key is at most 255 bytes");
    head[17] = static_cast<char>(key.size());
    records_bytes_.bytes({head, sizeof head});
    if (!key.empty())
        records_bytes_.bytes(key);
    const char count[2] = {static_cast<char>(frames >> 8), static_cast<char>(frames)};
    records_bytes_.bytes({count, sizeof count});
    ++records_;
}

void PackedWriter::add_frame(ByteView frame) {
    records_bytes_.long_bytes(frame);
}

void PackedWriter::add_frames(ByteView frames) {
    records_bytes_.bytes(frames);
}

ByteView PackedWriter::finish(Compressor& compressor) {
    out_.clear();
    out_.u64(epoch_).u64(first_lease_).bytes(compressor.region(records_bytes_.view()));
    return out_.view();
}

Result<PackedReader> PackedReader::open(Blob packed, Expander& expander) {
    PackedReader opened;
    auto kept = std::make_shared<Blob>(std::move(packed));
    Reader reader(kept->view());
    opened.epoch_ = reader.u64();
    opened.first_lease_ = reader.u64();
    if (!reader.ok())
        return fail(Errc::malformed, "a packed deliver is shorter than its header");
    const ByteView region = reader.rest();
    const auto bytes = expander.bytes(region, limits::packed_bytes_max);
    if (!bytes)
        return fail(bytes.error());
    opened.all_ = *bytes;
    // Expanded bytes belong to the expander; plain ones lie in the frame, which is kept.
    const bool in_frame = region.size() >= bytes->size() && bytes->data() >= region.data() &&
                          bytes->data() <= region.data() + region.size();
    if (!in_frame) {
        *kept = Blob::copy(*bytes);
        opened.all_ = kept->view();
    }
    const auto records = count_records(opened.all_, opened.first_lease_);
    if (!records)
        return fail(records.error());
    opened.records_ = *records;
    opened.rest_ = opened.all_;
    opened.kept_ = std::move(kept);
    return opened;
}

std::optional<PackedRecord> PackedReader::next() {
    if (rest_.empty())
        return std::nullopt;
    Reader reader(rest_);
    PackedRecord record = read_record(reader, first_lease_);
    rest_ = reader.rest();
    return record;
}

void PackedReader::rewind() noexcept {
    rest_ = all_;
}

Blob PackedReader::cut(ByteView view) const {
    if (view.size() <= Blob::inline_bytes_max)
        return Blob::copy(view);
    return Blob::own(slices, view.size(), [&](void* storage) { new (storage) Slice{kept_, view}; });
}

// ---- leases ------------------------------------------------------------------------------------

std::string pack_leases(const Leases& leases) {
    FLOTILLA_CHECK(leases.ranges.size() <= limits::lease_ranges_max, "too many lease ranges");
    Writer writer;
    writer.u64(leases.epoch);
    for (const LeaseRange& range : leases.ranges)
        writer.u64(range.first).u32(range.count);
    return writer.take();
}

Result<Leases> read_leases(ByteView packed) {
    constexpr std::size_t range_bytes = 12;
    Reader reader(packed);
    Leases leases;
    leases.epoch = reader.u64();
    if (!reader.ok() || reader.left() % range_bytes != 0 || reader.left() == 0)
        return fail(Errc::malformed,
                    "packed leases are not an epoch (8 bytes) and ranges (12 bytes each)");
    const std::size_t ranges = reader.left() / range_bytes;
    if (ranges > limits::lease_ranges_max)
        return fail(Errc::too_many, std::to_string(ranges) + " lease ranges; the limit is " +
                                        std::to_string(limits::lease_ranges_max));
    leases.ranges.reserve(ranges);
    for (std::size_t i = 0; i < ranges; ++i) {
        const std::uint64_t first = reader.u64();
        const std::uint32_t count = reader.u32();
        if (count == 0 || first + count < first)
            return fail(Errc::malformed, "a lease range is empty or ends beyond the last number");
        leases.ranges.push_back({first, count});
    }
    if (leases.count() > limits::leases_max)
        return fail(Errc::too_many, std::to_string(leases.count()) + " leases; the limit is " +
                                        std::to_string(limits::leases_max));
    return leases;
}

} // namespace flotilla::wire::leased
