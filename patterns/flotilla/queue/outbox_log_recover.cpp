// SPDX-License-Identifier: Apache-2.0
//
// OutboxLog: reading what is there when it is opened. Everything is looked at before anything is
// changed: of a damaged outbox nothing is lost that was not lost already.
#include "outbox_format.hpp"

#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/pack.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace flotilla::queue {

using namespace outbox;

namespace {

constexpr std::size_t line_bytes = 64; // what the machine writes to memory at once

bool is_zero(ByteView bytes) {
    return bytes.find_first_not_of('\0') == bytes.npos;
}

// Whether a part of the entry's bytes was never written: its end, or a line in between.
bool lacks_bytes(const char* data, std::size_t offset, std::size_t end) {
    if (data[end - 1] == '\0')
        return true;
    while (offset < end) {
        const std::size_t line_end = std::min(end, offset / line_bytes * line_bytes + line_bytes);
        if (is_zero({data + offset, line_end - offset}))
            return true;
        offset = line_end;
    }
    return false;
}

} // namespace

Status OutboxLog::recover() {
    Result<std::vector<Segment>> loaded = load();
    if (!loaded)
        return fail(loaded.error());
    std::vector<std::filesystem::path> unwritten;
    for (Segment& segment : *loaded) {
        bytes_ += segment.data ? segment.size : 0;
        if (segment.data)
            segments_.push_back(std::move(segment));
        else
            unwritten.push_back(segment.path);
    }
    for (Segment& segment : segments_)
        if (Status replayed = replay(segment); !replayed)
            return replayed;
    if (Status checked = check_lanes(); !checked)
        return checked;
    if (!segments_.empty()) {
        Segment& last = segments_.back();
        const std::size_t rest = last.size - last.used;
        if (!is_zero({last.data + last.used, rest})) {
            cut_ = "'" + last.path.string() + "' was cut at byte " + std::to_string(last.used) +
                   ": what was written there last is not whole";
            std::memset(last.data + last.used, 0, rest);
        }
    }
    for (const auto& path : unwritten) {
        ::unlink(path.c_str());
        cut_ += (cut_.empty() ? "'" : "; '") + path.string() +
                "' was removed: it was made, and nothing was written into it";
    }
    return let_go();
}

// All segments, in order. One without data was made and never written.
Result<std::vector<OutboxLog::Segment>> OutboxLog::load() {
    std::vector<Segment> found;
    const auto let_go_of = [&](Error error) {
        for (Segment& segment : found)
            if (segment.data)
                ::munmap(segment.data, segment.size);
        return fail(std::move(error));
    };
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(options_.directory, error)) {
        if (file.path().extension() != ".outbox")
            continue;
        Segment& segment = found.emplace_back();
        segment.path = file.path();
        if (const Status loaded = load(segment); !loaded)
            return let_go_of(loaded.error());
    }
    if (error)
        return let_go_of(
            {Errc::io, "cannot list '" + options_.directory.string() + "': " + error.message()});
    std::sort(found.begin(), found.end(),
              [](const Segment& a, const Segment& b) { return a.number < b.number; });
    if (const Status checked = check_numbers(found); !checked)
        return let_go_of(checked.error());
    return found;
}

Status OutboxLog::check_numbers(const std::vector<Segment>& found) const {
    for (std::size_t i = 0; i < found.size(); ++i) {
        const Segment& segment = found[i];
        if (i > 0 && segment.number != found[i - 1].number + 1)
            return fail(Errc::damaged,
                        "the outbox '" + options_.directory.string() + "' lacks '" +
                            segment_name(found[i - 1].number + 1) +
                            "'; put it back, or move the directory away to start afresh");
        if (!segment.data && i + 1 < found.size()) // the next began when this was written
            return fail(damage(segment.path, 0, "it has no beginning"));
    }
    return {};
}

// Maps a segment. A file that was made and never written is left without data.
Status OutboxLog::load(Segment& segment) {
    const std::string name = segment.path.filename().string();
    segment.number = std::strtoull(name.c_str(), nullptr, 16);
    if (segment.number == 0 || name != segment_name(segment.number))
        return fail(Errc::damaged, "'" + segment.path.string() +
                                       "' is not called as a file of an outbox is; if it is not "
                                       "one, move it away");
    const int file = ::open(segment.path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0)
        return fail(failure("cannot open", segment.path));
    const off_t size = ::lseek(file, 0, SEEK_END);
    void* data = MAP_FAILED;
    if (size > 0) {
        segment.size = static_cast<std::size_t>(size);
        data = ::mmap(nullptr, segment.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    ::close(file);
    if (size < 0 || (size > 0 && data == MAP_FAILED))
        return fail(failure("cannot map", segment.path));
    if (size == 0)
        return {};
    const ByteView bytes{static_cast<char*>(data), segment.size};
    Status checked;
    // The number is written before the magic.
    const bool has_header = bytes.size() >= header_bytes;
    const std::uint64_t number = has_header ? wire::load_u64(bytes.data() + magic.size()) : 0;
    const std::size_t behind = number == segment.number ? header_bytes : 0;
    if (is_zero(bytes.substr(0, std::min(magic.size(), bytes.size()))) &&
        is_zero(bytes.substr(behind))) {
        ::munmap(data, segment.size);
        return {};
    }
    if (!has_header || bytes.substr(0, magic.size()) != magic)
        checked = fail(damage(segment.path, 0, "it does not begin as a file of an outbox does"));
    else if (number != segment.number)
        checked = fail(damage(segment.path, magic.size(), "its number is not that of its name"));
    else if (bytes.size() < std::min(segment_bytes_min, options_.segment_bytes))
        checked = fail(damage(segment.path, bytes.size(), "it is shorter than it was made"));
    if (!checked)
        ::munmap(data, segment.size);
    else
        segment.data = static_cast<char*>(data);
    return checked;
}

bool OutboxLog::is_whole(const Segment& segment, std::size_t offset, const Entry& entry) const {
    return wire::load_u32(segment.data + offset + 4) ==
           check_of(segment.number, offset, entry.kind, entry.payload);
}

Status OutboxLog::replay(Segment& segment) {
    segment.used = header_bytes;
    while (const auto entry = entry_at(segment, segment.used)) {
        if (!is_whole(segment, segment.used, *entry))
            break;
        if (Status applied = apply(*entry, segment); !applied)
            return applied;
        segment.used = entry->next;
    }
    return check_end(segment);
}

Status OutboxLog::apply(const Entry& entry, Segment& segment) {
    wire::Reader reader(entry.payload);
    const auto nonsense = [&](const char* what) {
        return fail(damage(segment.path, segment.used, what));
    };
    if (entry.kind == kind_segment) {
        const std::uint64_t size = reader.u64();
        if (!reader.ok_at_end() || size != segment.size)
            return nonsense("it has not the size with which it was made");
        return {};
    }
    const std::uint32_t lane = reader.u32();
    if (entry.kind == kind_lane) {
        OutboxLaneState state;
        state.settled = reader.u64();
        state.appended = reader.u64();
        state.base = reader.u64();
        state.queue = reader.short_bytes();
        state.producer = reader.short_bytes();
        state.store = reader.short_bytes();
        if (!reader.ok_at_end() || lane > lanes_.size() || state.settled > state.appended)
            return nonsense("an entry has no sense");
        if (lane == lanes_.size()) {
            lanes_.emplace_back();
            before_.push_back(state.appended);
        } else if (state.appended != lanes_[lane].appended ||
                   state.settled < lanes_[lane].settled) {
            return nonsense("messages before it are missing");
        }
        lanes_[lane] = std::move(state);
    } else if (lane >= lanes_.size()) {
        return nonsense("an entry has no sense");
    } else if (entry.kind == kind_message) {
        note(segment, lane, ++lanes_[lane].appended);
    } else if (entry.kind == kind_settled) {
        const std::uint64_t number = reader.u64();
        if (!reader.ok_at_end() || number > lanes_[lane].appended)
            return nonsense("an entry has no sense");
        lanes_[lane].settled = std::max(lanes_[lane].settled, number);
    } else {
        return nonsense("an entry of a kind that is not known");
    }
    return {};
}

// Behind the last whole entry there is nothing, or in the last segment what was being written.
Status OutboxLog::check_end(const Segment& segment) const {
    std::size_t at = segment.used;
    if (is_zero({segment.data + at, segment.size - at}))
        return {};
    if (&segment != &segments_.back())
        return fail(damage(segment.path, at, "an entry is not whole"));
    if (const auto behind = whole_entry_behind(segment, at))
        return fail(
            damage(segment.path, at,
                   "an entry is not whole, and one at byte " + std::to_string(*behind) + " is"));
    // The size is written last, at once: without it the entry was never there.
    while (segment.size - at >= entry_head_bytes && wire::load_u32(segment.data + at) != 0) {
        const auto entry = entry_at(segment, at);
        if (!entry)
            return fail(damage(segment.path, at, "an entry is longer than the file"));
        if (!lacks_bytes(segment.data, at, at + entry_head_bytes + entry->payload.size()))
            return fail(damage(segment.path, at, "an entry was changed"));
        at = entry->next;
    }
    return {};
}

// What cannot be an entry is told by its form, so that few places are hashed.
std::optional<std::size_t> OutboxLog::whole_entry_behind(const Segment& segment,
                                                         std::size_t offset) const {
    for (offset += 4; offset + entry_head_bytes < segment.size; offset += 4) {
        const auto entry = entry_at(segment, offset);
        if (!entry || entry->payload.size() < 4)
            continue;
        const ByteView payload = entry->payload;
        const bool may_be =
            entry->kind == kind_message ? put_record_bytes(payload.substr(4)) == payload.size() - 4
            : entry->kind == kind_lane  ? payload.size() <= lane_entry_bytes_max
                                        : entry->kind == kind_settled && payload.size() == 12;
        if (may_be && is_whole(segment, offset, *entry))
            return offset;
    }
    return std::nullopt;
}

// What the oldest segment does not hold any more must be settled.
Status OutboxLog::check_lanes() const {
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
        if (lanes_[lane].settled < before_[lane])
            return fail(Errc::damaged,
                        "the outbox '" + options_.directory.string() + "' lacks messages " +
                            std::to_string(lanes_[lane].settled + 1) + " to " +
                            std::to_string(before_[lane]) + " for queue '" + lanes_[lane].queue +
                            "'; put missing files back, or move the directory away to start "
                            "afresh");
    return {};
}

} // namespace flotilla::queue
