// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/outbox_log.hpp>
#include <flotilla/wire/pack.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace flotilla::queue {

namespace {

constexpr std::string_view magic = "FLOBOX1\n";
constexpr std::size_t header_bytes = 16;
constexpr std::size_t entry_head_bytes = 9; // size, check, kind
constexpr std::uint8_t kind_lane = 1;
constexpr std::uint8_t kind_message = 2;
constexpr std::uint8_t kind_settled = 3;
constexpr std::size_t lane_entry_bytes_max = 1024;
constexpr std::uint64_t segment_bytes_min = 64ULL << 10;
constexpr std::uint64_t segment_bytes_max = 16ULL << 20;

std::size_t padded(std::size_t bytes) {
    return (bytes + 3) & ~std::size_t{3};
}
std::size_t entry_bytes(std::size_t payload) {
    return padded(entry_head_bytes + payload);
}

std::uint32_t check_of(std::uint64_t segment, std::size_t offset, std::uint8_t kind,
                       ByteView payload) {
    const std::uint64_t seed = segment * 0x9e3779b97f4a7c15ULL ^ offset << 8 ^ kind;
    return static_cast<std::uint32_t>(XXH3_64bits_withSeed(payload.data(), payload.size(), seed));
}

// What has to be told of a failed system call on `path`.
auto failed(const char* what, const std::filesystem::path& path) {
    const int error = errno;
    const Errc code = error == ENOSPC || error == EDQUOT ? Errc::disk_full : Errc::io;
    return fail(code, std::string(what) + " '" + path.string() + "': " + std::strerror(error));
}

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
        return failed("cannot open", lock_path);
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
        return failed("cannot open", segment.path);
    const off_t size = ::lseek(file, 0, SEEK_END);
    void* data = MAP_FAILED;
    if (size >= static_cast<off_t>(header_bytes)) {
        segment.size = static_cast<std::size_t>(size);
        data = ::mmap(nullptr, segment.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    ::close(file);
    if (size >= static_cast<off_t>(header_bytes) && data == MAP_FAILED)
        return failed("cannot map", segment.path);
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

// ---- writing -----------------------------------------------------------------------------------

Result<OutboxLog::Segment> OutboxLog::create(std::uint64_t number, std::size_t size) {
    char name[32];
    std::snprintf(name, sizeof name, "%016llx.outbox", static_cast<unsigned long long>(number));
    Segment segment;
    segment.number = number;
    segment.path = options_.directory / name;
    segment.size = size;
    const int file = ::open(segment.path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return failed("cannot create", segment.path);
    // Its room is there before anything is written through the mapping: a full disk is told here.
    errno = ::posix_fallocate(file, 0, static_cast<off_t>(size));
    if (errno != 0) {
        auto failure = failed("no room for", segment.path);
        ::close(file);
        ::unlink(segment.path.c_str());
        return failure;
    }
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (data == MAP_FAILED)
        return failed("cannot map", segment.path);
    segment.data = static_cast<char*>(data);
    wire::store_u64(segment.data + magic.size(), number);
    std::memcpy(segment.data, magic.data(), magic.size());
    segment.used = header_bytes;
    return segment;
}

// The segment is full: it goes to the disk, and a new one begins with the lanes as they stand.
Status OutboxLog::roll(std::size_t bytes) {
    std::size_t needed = header_bytes + bytes;
    for (const OutboxLaneState& lane : lanes_)
        needed += entry_bytes(64 + lane.queue.size() + lane.producer.size() + lane.store.size());
    const std::size_t size = std::max<std::size_t>(options_.segment_bytes, padded(needed));
    if (bytes > options_.bytes_max)
        return fail(Errc::too_large, "the message is larger than the outbox may be");
    std::uint64_t kept = 0; // what is done goes as soon as there is a segment behind it
    for (const Segment& segment : segments_)
        kept += kept > 0 || !is_done(segment) ? segment.size : 0;
    if (kept > 0 && kept + size > options_.bytes_max)
        return fail(Errc::would_block);
    const std::uint64_t number = segments_.empty() ? 1 : segments_.back().number + 1;
    if (!segments_.empty())
        if (Status synced = sync(); !synced)
            return synced;
    Result<Segment> created = create(number, size);
    if (!created)
        return fail(created.error());
    bytes_ += size;
    is_new_ = true;
    segments_.push_back(std::move(*created));
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane)
        write_entry(segments_.back(), kind_lane, lane_payload(lane));
    let_go();
    return {};
}

void OutboxLog::write_entry(Segment& segment, std::uint8_t kind, ByteView payload) {
    std::memcpy(segment.data + segment.used + entry_head_bytes, payload.data(), payload.size());
    segment.data[segment.used + 8] = static_cast<char>(kind);
    open_entry_ = payload.size();
    commit();
}

// What is filled already is whole before its size says that it is there.
void OutboxLog::commit() noexcept {
    Segment& segment = segments_.back();
    char* const at = segment.data + segment.used;
    const ByteView payload{at + entry_head_bytes, open_entry_};
    const auto kind = static_cast<std::uint8_t>(at[8]);
    wire::store_u32(at + 4, check_of(segment.number, segment.used, kind, payload));
    std::atomic_thread_fence(std::memory_order_release);
    wire::store_u32(at, static_cast<std::uint32_t>(open_entry_ + 1));
    segment.used += entry_bytes(open_entry_);
    if (kind == kind_message)
        note(segment, open_lane_, ++lanes_[open_lane_].appended);
}

Result<char*> OutboxLog::begin_entry(std::uint8_t kind, std::size_t payload_bytes) {
    const std::size_t bytes = entry_bytes(payload_bytes);
    if (segments_.empty() || segments_.back().size - segments_.back().used < bytes)
        if (const Status rolled = roll(bytes); !rolled)
            return fail(rolled.error());
    Segment& segment = segments_.back();
    segment.data[segment.used + 8] = static_cast<char>(kind);
    open_entry_ = payload_bytes;
    return segment.data + segment.used + entry_head_bytes;
}

Status OutboxLog::write(std::uint8_t kind, ByteView payload) {
    const Result<char*> at = begin_entry(kind, payload.size());
    if (!at)
        return fail(at.error());
    std::memcpy(*at, payload.data(), payload.size());
    commit();
    return {};
}

Result<char*> OutboxLog::append(std::uint32_t lane, std::size_t bytes) {
    const Result<char*> at = begin_entry(kind_message, bytes + 4);
    if (!at)
        return at;
    wire::store_u32(*at, lane);
    open_lane_ = lane;
    return *at + 4;
}

std::string OutboxLog::lane_payload(std::uint32_t lane) const {
    const OutboxLaneState& state = lanes_[lane];
    wire::Writer out;
    out.u32(lane).u64(state.settled).u64(state.appended).u64(state.base);
    out.short_bytes(state.queue).short_bytes(state.producer).short_bytes(state.store);
    FLOTILLA_CHECK(out.size() <= lane_entry_bytes_max, "a lane's names are too long");
    return out.take();
}

Result<std::uint32_t> OutboxLog::add_lane(std::string_view queue) {
    const auto lane = static_cast<std::uint32_t>(lanes_.size());
    lanes_.emplace_back();
    lanes_.back().queue = queue;
    if (const Status written = write(kind_lane, lane_payload(lane)); !written) {
        lanes_.pop_back();
        return fail(written.error());
    }
    return lane;
}

Status OutboxLog::set_epoch(std::uint32_t lane, std::string producer, std::uint64_t base,
                            std::string store) {
    OutboxLaneState& state = lanes_[lane];
    state.producer = std::move(producer);
    state.store = store.substr(0, 255);
    state.base = base;
    return write(kind_lane, lane_payload(lane));
}

void OutboxLog::note(Segment& segment, std::uint32_t lane, std::uint64_t number) {
    if (!segment.last.empty() && segment.last.back().first == lane) {
        segment.last.back().second = number;
        return;
    }
    for (auto& [each, last] : segment.last)
        if (each == lane) {
            last = number;
            return;
        }
    segment.last.emplace_back(lane, number);
}

// ---- settling ----------------------------------------------------------------------------------

bool OutboxLog::is_done(const Segment& segment) const {
    return std::all_of(segment.last.begin(), segment.last.end(),
                       [&](const auto& last) { return last.second <= lanes_[last.first].settled; });
}

void OutboxLog::let_go() {
    while (segments_.size() > 1 && is_done(segments_.front())) {
        Segment& segment = segments_.front();
        ::munmap(segment.data, segment.size);
        ::unlink(segment.path.c_str());
        bytes_ -= segment.size;
        segments_.pop_front();
    }
}

Status OutboxLog::settle(std::uint32_t lane, std::uint64_t number) {
    lanes_[lane].settled = std::max(lanes_[lane].settled, number);
    wire::Writer out;
    out.u32(lane).u64(number);
    // Full of what is not settled: it is known again after a restart, when the store says so.
    Status written = write(kind_settled, out.view());
    if (!written && written.error().code == Errc::would_block)
        written = {};
    let_go();
    return written;
}

Status OutboxLog::sync() {
    if (segments_.empty())
        return {};
    const Segment& segment = segments_.back();
    if (::msync(segment.data, segment.size, MS_SYNC) != 0)
        return failed("cannot sync", segment.path);
    if (is_new_) { // and its name
        const int directory =
            ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool synced = directory >= 0 && ::fsync(directory) == 0;
        if (directory >= 0)
            ::close(directory);
        if (!synced)
            return failed("cannot sync", options_.directory);
        is_new_ = false;
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
