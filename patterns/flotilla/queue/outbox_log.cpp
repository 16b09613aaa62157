// SPDX-License-Identifier: Apache-2.0
#include "outbox_format.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/wire/pack.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace flotilla::queue {

using namespace outbox;

namespace outbox {

std::uint32_t check_of(std::uint64_t segment, std::size_t offset, std::uint8_t kind,
                       ByteView payload) noexcept {
    const std::uint64_t seed = segment * 0x9e3779b97f4a7c15ULL ^ offset << 8 ^ kind;
    return static_cast<std::uint32_t>(XXH3_64bits_withSeed(payload.data(), payload.size(), seed));
}

Error failure(const char* what, const std::filesystem::path& path) {
    const int error = errno;
    return {error == ENOSPC || error == EDQUOT ? Errc::disk_full : Errc::io,
            std::string(what) + " '" + path.string() + "': " + std::strerror(error)};
}

Error damage(const std::filesystem::path& path, std::size_t offset, const std::string& what) {
    return {Errc::damaged, "'" + path.string() + "' is damaged at byte " + std::to_string(offset) +
                               ": " + what + "; move the directory away to start afresh"};
}

} // namespace outbox

namespace {

constexpr std::uint64_t segment_bytes_max = 16ULL << 20;

} // namespace

// ---- opening and closing -----------------------------------------------------------------------

OutboxLog::OutboxLog(OutboxLog&& other) noexcept
    : options_(std::move(other.options_)), lock_(std::exchange(other.lock_, -1)),
      lanes_(std::move(other.lanes_)), segments_(std::exchange(other.segments_, {})),
      open_entry_(other.open_entry_), open_lane_(other.open_lane_), bytes_(other.bytes_),
      cut_(std::move(other.cut_)) {}

OutboxLog& OutboxLog::operator=(OutboxLog&& other) noexcept {
    if (this != &other) {
        close();
        options_ = std::move(other.options_);
        lock_ = std::exchange(other.lock_, -1);
        lanes_ = std::move(other.lanes_);
        segments_ = std::exchange(other.segments_, {});
        open_entry_ = other.open_entry_;
        open_lane_ = other.open_lane_;
        bytes_ = other.bytes_;
        cut_ = std::move(other.cut_);
    }
    return *this;
}

OutboxLog::~OutboxLog() {
    close();
}

void OutboxLog::close() noexcept {
    for (Segment& segment : segments_)
        if (segment.data)
            ::munmap(segment.data, segment.size);
    segments_.clear();
    if (lock_ >= 0)
        ::close(std::exchange(lock_, -1)); // with it the lock goes
}

Result<OutboxLog> OutboxLog::open(Options options) {
    if (options.segment_bytes == 0)
        options.segment_bytes =
            std::clamp(options.bytes_max / 8, segment_bytes_min, segment_bytes_max);
    OutboxLog log;
    log.options_ = std::move(options);
    const auto& directory = log.options_.directory;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const auto lock_path = directory / "lock";
    log.lock_ = ::open(lock_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (log.lock_ < 0)
        return fail(failure("cannot open", lock_path));
    if (::flock(log.lock_, LOCK_EX | LOCK_NB) != 0)
        return fail(Errc::address_in_use, "the outbox '" + directory.string() +
                                              "' is in use; give each producer its own directory");
    if (const Status recovered = log.recover(); !recovered)
        return fail(recovered.error());
    return log;
}

std::optional<OutboxLog::Entry> OutboxLog::entry_at(const Segment& segment,
                                                    std::size_t offset) const {
    if (segment.size - offset < entry_head_bytes)
        return std::nullopt;
    const char* const at = segment.data + offset;
    const std::size_t size = wire::load_u32(at);
    if (size == 0 || size > segment.size - offset - (entry_head_bytes - 1))
        return std::nullopt;
    Entry entry;
    entry.kind = static_cast<std::uint8_t>(at[8]);
    entry.payload = {at + entry_head_bytes, size - 1};
    entry.next = std::min(offset + entry_bytes(entry.payload.size()), segment.size);
    return entry;
}

// ---- reading -----------------------------------------------------------------------------------

std::uint64_t OutboxLog::bytes() const noexcept {
    return bytes_;
}

Result<std::optional<ByteView>> OutboxLog::read(std::uint32_t lane, Cursor& cursor) {
    for (const Segment& segment : segments_) {
        if (segment.number < cursor.segment)
            continue;
        if (segment.number != cursor.segment) {
            cursor.segment = segment.number;
            cursor.offset = header_bytes;
        }
        while (cursor.offset < segment.used) {
            const auto entry = entry_at(segment, cursor.offset);
            if (!entry)
                return fail(damage(segment.path, cursor.offset, "it was changed"));
            const std::size_t at = cursor.offset;
            cursor.offset = entry->next;
            wire::Reader reader(entry->payload);
            if (reader.u32() != lane)
                continue;
            if (entry->kind == kind_lane) {
                (void)reader.u64();
                cursor.number = reader.u64();
            } else if (entry->kind == kind_message && ++cursor.number > lanes_[lane].settled) {
                const std::uint32_t check = wire::load_u32(segment.data + at + 4);
                if (check != check_of(segment.number, at, entry->kind, entry->payload))
                    return fail(damage(segment.path, at, "it was changed"));
                return std::optional<ByteView>(entry->payload.substr(4));
            }
        }
    }
    return std::optional<ByteView>();
}

} // namespace flotilla::queue
