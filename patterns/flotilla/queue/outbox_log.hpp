// SPDX-License-Identifier: Apache-2.0
//
// OutboxLog: what a producer has accepted and not settled, in files, so that it survives the
// producer. Append-only segments, written through a shared mapping: what append() has written is
// the kernel's when it returns, without a system call; sync() puts it on the disk.
//
//     segment  = "FLOBOX1\n" number(u64) *entry, the rest zeros
//     entry    = size(u32) check(u32) kind(u8) payload, to a multiple of 4; size is written last
//     lane     : lane(u32) settled(u64) appended(u64) base(u64) queue producer store (u8 lengths)
//     message  : lane(u32) put-record (put_pack.hpp); it is number appended + 1 of its lane
//     settled  : lane(u32) number(u64)
//     segment  : bytes(u64), of the whole file
//
// A segment begins with its own size and every lane as it stands, so the oldest ones go as soon as
// all they hold is settled. `check` is XXH3 over segment number, place, kind and payload. Reading
// ends at the first entry that is not whole. At the end of the last segment, and when it is such
// as an interrupted write leaves, that is the torn tail: it is cut off, and cut() tells of it.
// Everything else is damage (segments were synced before the next began), also a message number
// that is missing: it is told with file and place, and nothing is touched.
//
// One process at a time has a directory (a lock says so); one thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::queue {

// A lane as the log knows it.
struct OutboxLaneState {
    std::string queue{};
    std::string producer{}; // of its epoch; empty: none yet
    std::string store{};    // where that was used
    std::uint64_t base = 0;
    std::uint64_t settled = 0;
    std::uint64_t appended = 0;
};

class OutboxLog {
public:
    struct Options {
        std::filesystem::path directory{};
        std::uint64_t bytes_max = 64ULL << 20; // of all segments; one may be too many
        std::uint64_t segment_bytes = 0;       // 0: a suitable part of bytes_max
    };
    // Makes the directory if need be, and reads what is there.
    // Errors: io; disk_full; address_in_use (by another process); damaged.
    static Result<OutboxLog> open(Options options);
    OutboxLog(OutboxLog&& other) noexcept;
    OutboxLog& operator=(OutboxLog&& other) noexcept;
    ~OutboxLog();

    const std::vector<OutboxLaneState>& lanes() const noexcept { return lanes_; }
    // A new lane, or a new epoch of one. Errors: as append().
    Result<std::uint32_t> add_lane(std::string_view queue);
    Status set_epoch(std::uint32_t lane, std::string producer, std::uint64_t base,
                     std::string store);

    // Room for a record of `bytes` in `lane`, to be filled and then commit()ed at once.
    // Errors: would_block (bytes_max); disk_full, io; too_large (for bytes_max).
    Result<char*> append(std::uint32_t lane, std::size_t bytes);
    void commit() noexcept;
    // All up to `number` is settled; segments that hold nothing else go.
    Status settle(std::uint32_t lane, std::uint64_t number);
    // On the disk. Errors: io.
    Status sync();

    // Reads a lane's records in order. Valid while the log is, and for what is not settled.
    struct Cursor {
        std::uint64_t segment = 0; // number; 0: at the oldest
        std::size_t offset = 0;
        std::uint64_t number = 0; // of the record read last
    };
    // The next record of `lane` behind what is settled; nothing: there is none yet.
    Result<std::optional<ByteView>> read(std::uint32_t lane, Cursor& cursor);

    std::uint64_t bytes() const noexcept; // of all segments, on disk
    // What open() cut off, in words; empty: nothing.
    const std::string& cut() const noexcept { return cut_; }

private:
    struct Segment {
        std::uint64_t number = 0;
        std::filesystem::path path{};
        char* data = nullptr; // mapped while it is open
        std::size_t size = 0;
        std::size_t used = 0;
        std::vector<std::pair<std::uint32_t, std::uint64_t>> last{}; // of each lane in it
    };
    struct Entry {
        std::uint8_t kind = 0;
        ByteView payload{};
        std::size_t next = 0; // offset behind it
    };

    OutboxLog() = default;
    void close() noexcept;
    // Reading what is there (outbox_log_recover.cpp).
    Status recover();
    Result<std::vector<Segment>> load();
    Status load(Segment& segment);
    Status check_numbers(const std::vector<Segment>& found) const;
    Status replay(Segment& segment);
    Status apply(const Entry& entry, Segment& segment);
    Status check_end(const Segment& segment) const;
    Status check_lanes() const;
    bool is_whole(const Segment& segment, std::size_t offset, const Entry& entry) const;
    std::optional<std::size_t> whole_entry_behind(const Segment& segment, std::size_t offset) const;
    Result<Segment> create(std::uint64_t number, std::size_t size);
    Status roll(std::size_t entry_bytes);
    std::optional<Entry> entry_at(const Segment& segment, std::size_t offset) const;
    Result<char*> begin_entry(std::uint8_t kind, std::size_t payload_bytes);
    void write_entry(Segment& segment, std::uint8_t kind, ByteView payload);
    Status write(std::uint8_t kind, ByteView payload);
    std::string lane_payload(std::uint32_t lane) const;
    void note(Segment& segment, std::uint32_t lane, std::uint64_t number);
    Status let_go();
    bool is_done(const Segment& segment) const;

    Options options_{};
    int lock_ = -1;
    std::vector<OutboxLaneState> lanes_{};
    std::vector<std::uint64_t> before_{}; // of each lane: appended before the oldest segment
    std::deque<Segment> segments_{};
    std::size_t open_entry_ = 0; // payload bytes of the entry that is being filled
    std::uint32_t open_lane_ = 0;
    std::uint64_t bytes_ = 0;
    std::string cut_{};
    bool is_new_ = false; // the last segment's name is not synced
};

} // namespace flotilla::queue
