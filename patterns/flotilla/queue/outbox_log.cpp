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

} // namespace outbox

namespace {

constexpr std::uint64_t segment_bytes_min = 64ULL << 10;
constexpr std::uint64_t segment_bytes_max = 16ULL << 20;

} // namespace

// ---- opening and closing -----------------------------------------------------------------------

OutboxLog::OutboxLog(OutboxLog&& other) noexcept
    : options_(std::move(other.options_)), lock_(std::exchange(other.lock_, -1)),
      lanes_(std::move(other.lanes_)), segments_(std::exchange(other.segments_, {})),
      open_entry_(other.open_entry_), open_lane_(other.open_lane_), bytes_(other.bytes_),
      was_cut_(other.was_cut_) {}

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
        was_cut_ = other.was_cut_;
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

Status OutboxLog::recover() {
    std::vector<Segment> found;
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(options_.directory, error)) {
        if (file.path().extension() != ".outbox")
            continue;
        Segment segment;
        segment.path = file.path();
        if (Status loaded = load(segment); !loaded)
            return loaded;
        if (segment.data)
            found.push_back(std::move(segment));
    }
    if (error)
        return fail(Errc::io,
                    "cannot list '" + options_.directory.string() + "': " + error.message());
    std::sort(found.begin(), found.end(),
              [](const Segment& a, const Segment& b) { return a.number < b.number; });
    for (Segment& segment : found) {
        bytes_ += segment.size;
        segments_.push_back(std::move(segment));
    }
    for (Segment& segment : segments_) {
        if (Status replayed = replay(segment); !replayed)
            return replayed;
        const bool is_last = &segment == &segments_.back();
        const auto rest = ByteView{segment.data + segment.used, segment.size - segment.used};
        if (rest.find_first_not_of('\0') == rest.npos)
            continue;
        // Between the last whole entry and the end of the segment before the next there are zeros.
        if (!is_last)
            return fail(Errc::damaged, "'" + segment.path.string() + "' is damaged at byte " +
                                           std::to_string(segment.used) +
                                           "; move the directory away to start afresh");
        was_cut_ = true;
        std::memset(segment.data + segment.used, 0, rest.size());
    }
    let_go();
    return {};
}

// Maps a segment; one whose header never came to be is removed.
Status OutboxLog::load(Segment& segment) {
    const int file = ::open(segment.path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0)
        return fail(failure("cannot open", segment.path));
    const off_t size = ::lseek(file, 0, SEEK_END);
    void* data = MAP_FAILED;
    if (size >= static_cast<off_t>(header_bytes)) {
        segment.size = static_cast<std::size_t>(size);
        data = ::mmap(nullptr, segment.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    ::close(file);
    if (size >= static_cast<off_t>(header_bytes) && data == MAP_FAILED)
        return fail(failure("cannot map", segment.path));
    if (data == MAP_FAILED || ByteView{static_cast<char*>(data), magic.size()} != magic) {
        if (data != MAP_FAILED)
            ::munmap(data, segment.size);
        was_cut_ = true;
        ::unlink(segment.path.c_str());
        return {};
    }
    segment.data = static_cast<char*>(data);
    segment.number = wire::load_u64(segment.data + magic.size());
    return {};
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

Status OutboxLog::replay(Segment& segment) {
    segment.used = header_bytes;
    while (const auto entry = entry_at(segment, segment.used)) {
        const std::uint32_t check = wire::load_u32(segment.data + segment.used + 4);
        if (check != check_of(segment.number, segment.used, entry->kind, entry->payload))
            break;
        if (Status applied = apply(*entry, segment); !applied)
            return applied;
        segment.used = entry->next;
    }
    return {};
}

Status OutboxLog::apply(const Entry& entry, Segment& segment) {
    wire::Reader reader(entry.payload);
    const std::uint32_t lane = reader.u32();
    const auto nonsense = [&] {
        return fail(Errc::damaged, "'" + segment.path.string() + "' has an entry without sense");
    };
    if (entry.kind == kind_lane) {
        OutboxLaneState state;
        state.settled = reader.u64();
        state.appended = reader.u64();
        state.base = reader.u64();
        state.queue = reader.short_bytes();
        state.producer = reader.short_bytes();
        state.store = reader.short_bytes();
        if (!reader.ok_at_end() || lane > lanes_.size() || state.settled > state.appended)
            return nonsense();
        if (lane == lanes_.size())
            lanes_.emplace_back();
        lanes_[lane] = std::move(state);
    } else if (lane >= lanes_.size()) {
        return nonsense();
    } else if (entry.kind == kind_message) {
        note(segment, lane, ++lanes_[lane].appended);
    } else if (entry.kind == kind_settled) {
        const std::uint64_t number = reader.u64();
        if (!reader.ok_at_end() || number > lanes_[lane].appended)
            return nonsense();
        lanes_[lane].settled = std::max(lanes_[lane].settled, number);
    }
    return {};
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
                return fail(Errc::damaged, "'" + segment.path.string() + "' was changed");
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
                    return fail(Errc::damaged, "'" + segment.path.string() + "' was changed");
                return std::optional<ByteView>(entry->payload.substr(4));
            }
        }
    }
    return std::optional<ByteView>();
}

} // namespace flotilla::queue
