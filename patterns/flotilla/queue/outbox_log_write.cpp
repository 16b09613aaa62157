// SPDX-License-Identifier: Apache-2.0
//
// OutboxLog: what changes its files.
#include "outbox_format.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/wire/pack.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace flotilla::queue {

using namespace outbox;

namespace outbox {

std::string segment_name(std::uint64_t number) {
    char name[32];
    std::snprintf(name, sizeof name, "%016llx.outbox", static_cast<unsigned long long>(number));
    return name;
}

} // namespace outbox

// ---- writing -----------------------------------------------------------------------------------

Result<OutboxLog::Segment> OutboxLog::create(std::uint64_t number, std::size_t size) {
    Segment segment;
    segment.number = number;
    segment.path = options_.directory / segment_name(number);
    segment.size = size;
    const int file = ::open(segment.path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(failure("cannot create", segment.path));
    // Its room is there before anything is written through the mapping: a full disk is told here.
    errno = ::posix_fallocate(file, 0, static_cast<off_t>(size));
    if (errno != 0) {
        const Error full = failure("no room for", segment.path);
        ::close(file);
        ::unlink(segment.path.c_str());
        return fail(full);
    }
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (data == MAP_FAILED)
        return fail(failure("cannot map", segment.path));
    segment.data = static_cast<char*>(data);
    wire::store_u64(segment.data + magic.size(), number);
    std::memcpy(segment.data, magic.data(), magic.size());
    segment.used = header_bytes;
    return segment;
}

// The segment is full: it goes to the disk, and a new one begins with the lanes as they stand.
Status OutboxLog::roll(std::size_t bytes) {
    std::size_t needed = header_bytes + entry_bytes(sizeof(std::uint64_t)) + bytes;
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
    wire::Writer whole;
    whole.u64(size);
    write_entry(segments_.back(), kind_segment, whole.view());
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane)
        write_entry(segments_.back(), kind_lane, lane_payload(lane));
    return let_go();
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

// That their messages are settled is on the disk before they go: a gap in the numbers is damage.
Status OutboxLog::let_go() {
    if (segments_.size() < 2 || !is_done(segments_.front()))
        return {};
    if (Status synced = sync(); !synced)
        return synced;
    while (segments_.size() > 1 && is_done(segments_.front())) {
        Segment& segment = segments_.front();
        ::munmap(segment.data, segment.size);
        ::unlink(segment.path.c_str());
        bytes_ -= segment.size;
        segments_.pop_front();
    }
    return {};
}

Status OutboxLog::settle(std::uint32_t lane, std::uint64_t number) {
    lanes_[lane].settled = std::max(lanes_[lane].settled, number);
    wire::Writer out;
    out.u32(lane).u64(number);
    const Status written = write(kind_settled, out.view());
    // Full of what is not settled: it is known again after a restart, when the store says so.
    if (!written)
        return written.error().code == Errc::would_block ? Status{} : written;
    return let_go();
}

Status OutboxLog::sync() {
    if (segments_.empty())
        return {};
    const Segment& segment = segments_.back();
    if (::msync(segment.data, segment.size, MS_SYNC) != 0)
        return fail(failure("cannot sync", segment.path));
    if (is_new_) { // and its name
        const int directory =
            ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool synced = directory >= 0 && ::fsync(directory) == 0;
        if (directory >= 0)
            ::close(directory);
        if (!synced)
            return fail(failure("cannot sync", options_.directory));
        is_new_ = false;
    }
    return {};
}

} // namespace flotilla::queue
