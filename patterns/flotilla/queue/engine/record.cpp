// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/record_scan.hpp>
#include <flotilla/wire/pack.hpp>

#include <xxhash.h>

#include <utility>

namespace flotilla::queue {
namespace {

using scan::load_u16;
using wire::load_u32;
using wire::load_u64;

constexpr char block_version = 1;
constexpr std::size_t region_at = 1 + 8 + 8 + 2;
constexpr std::size_t records_at = region_at + wire::region_overhead_bytes;

constexpr std::uint8_t has_id = 1;
constexpr std::uint8_t has_key = scan::flag_key;
constexpr std::uint8_t has_expiry = 4;
constexpr std::uint8_t has_attempts = 8;
constexpr std::uint8_t has_note = 16;
constexpr std::uint8_t flags_known = has_id | has_key | has_expiry | has_attempts | has_note;

void append(std::string& out, std::uint64_t value, std::size_t width) {
    char bytes[8];
    wire::store_u64(bytes, value);
    out.append(bytes + 8 - width, width);
}

void append_check(std::string& value) {
    append(value, checksum(value), checksum_bytes);
}

// The fields between flags and body. The bytes must have been checked, or `end` is respected.
// nullptr: it ends too early.
const char* read_fields(const char* at, const char* end, Record& record) noexcept {
    const auto left = [&] { return static_cast<std::size_t>(end - at); };
    const auto flags = static_cast<std::uint8_t>(*at++);
    if (flags == 0) [[likely]]
        return at;
    if ((flags & has_id) != 0) {
        if (left() < 8)
            return nullptr;
        record.id = load_u64(at);
        at += 8;
    }
    if ((flags & has_key) != 0) {
        if (left() < 1 || left() - 1 < static_cast<unsigned char>(*at))
            return nullptr;
        const std::size_t size = static_cast<unsigned char>(*at);
        record.key = {at + 1, size};
        at += 1 + size;
    }
    if ((flags & has_expiry) != 0) {
        if (left() < 8)
            return nullptr;
        record.expiry_ms = static_cast<std::int64_t>(load_u64(at));
        if (record.expiry_ms == 0) // would be its block's when it is written again
            return nullptr;
        at += 8;
    }
    if ((flags & has_attempts) != 0) {
        if (left() < 4)
            return nullptr;
        record.attempts = load_u32(at);
        at += 4;
    }
    if ((flags & has_note) != 0) {
        if (left() < 2 || left() - 2 < load_u16(at))
            return nullptr;
        const std::size_t size = load_u16(at);
        record.note = {at + 2, size};
        at += 2 + size;
    }
    return at;
}

// One record off the front of [at, end). nullptr: not a whole and valid one.
const char* scan_record(const char* at, const char* end, Record& record) noexcept {
    if (at == end || (static_cast<std::uint8_t>(*at) & ~flags_known) != 0)
        return nullptr;
    const char* const from = read_fields(at, end, record);
    if (!from)
        return nullptr;
    const scan::Body body = scan::body(from, end);
    if (!body.end)
        return nullptr;
    record.frames = body.frames;
    record.body_bytes = body.bytes;
    record.body = {from, static_cast<std::size_t>(body.end - from)};
    return body.end;
}

} // namespace

// ---- sealed values -----------------------------------------------------------------------------

std::uint64_t checksum(ByteView bytes) noexcept {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::string seal(std::string value) {
    append_check(value);
    return value;
}

Result<ByteView> unseal(ByteView value) {
    if (value.size() < checksum_bytes)
        return fail(Errc::damaged, "a value is shorter than its checksum");
    const ByteView sealed = value.substr(0, value.size() - checksum_bytes);
    if (load_u64(sealed.data() + sealed.size()) != checksum(sealed))
        return fail(Errc::damaged, "a value does not have its checksum");
    return sealed;
}

// ---- writing blocks ----------------------------------------------------------------------------

std::size_t record_bytes(const Record& record) noexcept {
    return 1 + (record.id != 0 ? 8 : 0) + (record.key.empty() ? 0 : 1 + record.key.size()) +
           (record.expiry_ms != 0 ? 8 : 0) + (record.attempts != 0 ? 4 : 0) +
           (record.note.empty() ? 0 : 2 + record.note.size()) + record.body.size();
}

std::size_t BlockWriter::room() const noexcept {
    if (count_ >= block_messages_max)
        return 0;
    const std::size_t used = (count_ == 0 ? records_at : out_.size()) + checksum_bytes;
    return used < block_bytes_target ? block_bytes_target - used : 0;
}

bool BlockWriter::has_room(std::size_t bytes, std::size_t records) const noexcept {
    return count_ == 0 || (bytes <= room() && records <= block_messages_max - count_);
}

void BlockWriter::begin(std::size_t bytes) {
    if (count_ > 0)
        return;
    out_.reserve(std::max(block_bytes_target, records_at + bytes + checksum_bytes));
    out_.assign(records_at, '\0');
}

void BlockWriter::add(const Record& record) {
    FLOTILLA_CHECK(record.key.size() <= 0xff, "a key is over 255 bytes");
    FLOTILLA_CHECK(record.note.size() <= 0xffff, "a note is over 65535 bytes");
    FLOTILLA_CHECK(count_ < 0xffff, "a block is over its count of messages");
    begin(record_bytes(record));
    const int flags = (record.id != 0 ? has_id : 0) | (record.key.empty() ? 0 : has_key) |
                      (record.expiry_ms != 0 ? has_expiry : 0) |
                      (record.attempts != 0 ? has_attempts : 0) |
                      (record.note.empty() ? 0 : has_note);
    out_.push_back(static_cast<char>(flags));
    if (record.id != 0)
        append(out_, record.id, 8);
    if (!record.key.empty())
        out_.append(1, static_cast<char>(record.key.size())).append(record.key);
    if (record.expiry_ms != 0)
        append(out_, static_cast<std::uint64_t>(record.expiry_ms), 8);
    if (record.attempts != 0)
        append(out_, record.attempts, 4);
    if (!record.note.empty()) {
        append(out_, record.note.size(), 2);
        out_.append(record.note);
    }
    out_.append(record.body);
    ++count_;
}

void BlockWriter::add_raw(ByteView records, std::size_t count) {
    FLOTILLA_CHECK(count <= 0xffff - count_, "a block is over its count of messages");
    begin(records.size());
    out_.append(records);
    count_ += count;
}

std::string BlockWriter::finish(const BlockHead& head) {
    FLOTILLA_CHECK(count_ > 0, "an empty block is finished");
    char* const at = out_.data();
    at[0] = block_version;
    wire::store_u64(at + 1, static_cast<std::uint64_t>(head.wall_ms));
    wire::store_u64(at + 9, static_cast<std::uint64_t>(head.expiry_ms));
    at[17] = static_cast<char>(count_ >> 8);
    at[18] = static_cast<char>(count_);
    at[region_at] = static_cast<char>(wire::Compression::none);
    wire::store_u32(at + region_at + 1, static_cast<std::uint32_t>(out_.size() - records_at));
    append_check(out_);
    count_ = 0;
    return std::exchange(out_, {});
}

std::string BlockWriter::finish(const BlockHead& head, wire::Compressor& compressor) {
    const ByteView records = ByteView{out_}.substr(count_ == 0 ? 0 : records_at);
    if (compressor.algorithm() == wire::Compression::none ||
        records.size() > wire::region_bytes_max)
        return finish(head);
    const ByteView region = compressor.region(records);
    if (region[0] == static_cast<char>(wire::Compression::none))
        return finish(head);
    const std::size_t expanded = records.size();
    out_.replace(records_at, std::string::npos, region.substr(wire::region_overhead_bytes));
    std::string value = finish(head);
    value.resize(value.size() - checksum_bytes);
    value[region_at] = region[0];
    wire::store_u32(value.data() + region_at + 1, static_cast<std::uint32_t>(expanded));
    append_check(value);
    return value;
}

void BlockWriter::clear() noexcept {
    count_ = 0;
}

// ---- reading blocks ----------------------------------------------------------------------------

void BlockReader::close() noexcept {
    records_ = {};
    head_ = {};
    offsets_.clear();
}

std::optional<BlockHead> peek_block_head(ByteView value) noexcept {
    if (value.size() < records_at || value[0] != block_version)
        return std::nullopt;
    return BlockHead{static_cast<std::int64_t>(load_u64(value.data() + 1)),
                     static_cast<std::int64_t>(load_u64(value.data() + 9))};
}

Status BlockReader::open(ByteView value) {
    close();
    if (!value.empty() && value[0] != block_version)
        return fail(Errc::unsupported, "a block has version " +
                                           std::to_string(static_cast<unsigned char>(value[0])) +
                                           "; this build reads 1");
    const auto sealed = unseal(value);
    if (!sealed)
        return fail(sealed.error());
    if (sealed->size() < records_at)
        return fail(Errc::damaged, "a block is shorter than its head");
    const char* at = sealed->data();
    const std::size_t count = load_u16(at + 17);
    head_ = {static_cast<std::int64_t>(load_u64(at + 1)),
             static_cast<std::int64_t>(load_u64(at + 9))};
    ByteView records = sealed->substr(records_at);
    if (at[region_at] != static_cast<char>(wire::Compression::none)) {
        if (!expander_)
            expander_.emplace();
        const auto expanded = expander_->bytes(sealed->substr(region_at), wire::region_bytes_max);
        if (!expanded)
            return fail(expanded.error().code == Errc::unsupported ? Errc::unsupported
                                                                   : Errc::damaged,
                        expanded.error().detail);
        records = *expanded;
    } else if (load_u32(at + region_at + 1) != records.size()) {
        return fail(Errc::damaged, "a block's region does not have its size");
    }
    offsets_.reserve(count + 1);
    at = records.data();
    const char* const end = at + records.size();
    for (std::size_t index = 0; index < count; ++index) {
        offsets_.push_back(static_cast<std::uint32_t>(at - records.data()));
        Record ignored;
        at = scan_record(at, end, ignored);
        if (!at)
            break;
    }
    if (at != end || count == 0) {
        close();
        return fail(Errc::damaged, "a block's records do not add up");
    }
    offsets_.push_back(static_cast<std::uint32_t>(records.size()));
    records_ = records;
    return {};
}

Record BlockReader::operator[](std::size_t index) const noexcept {
    const char* const at = records_.data() + offsets_[index];
    const char* const end = records_.data() + offsets_[index + 1];
    Record record;
    record.expiry_ms = head_.expiry_ms;
    const char* const from = read_fields(at, end, record);
    record.body = {from, static_cast<std::size_t>(end - from)};
    record.frames = load_u16(from);
    record.body_bytes = record.body.size() - 2 - std::size_t{4} * record.frames;
    return record;
}

ByteView BlockReader::raw(std::size_t index, std::size_t count) const noexcept {
    return records_.substr(offsets_[index], offsets_[index + count] - offsets_[index]);
}

Result<RecordRead> read_record(ByteView bytes) {
    RecordRead read;
    const char* const end = scan_record(bytes.data(), bytes.data() + bytes.size(), read.record);
    if (!end)
        return fail(Errc::damaged, "a record is not whole");
    read.used = static_cast<std::size_t>(end - bytes.data());
    return read;
}

} // namespace flotilla::queue
