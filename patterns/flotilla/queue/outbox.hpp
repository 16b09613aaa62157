// SPDX-License-Identifier: Apache-2.0
//
// Outbox: what a producer has accepted and not settled, lane by lane: in memory, and with a
// directory on disk too (outbox_log.hpp). Beyond memory_bytes_max a lane's newer messages are on
// disk alone, and are read ahead of their turn.
//
// Bounded in messages and bytes; beyond them append() says would_block. One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/outbox_lane.hpp>
#include <flotilla/queue/outbox_log.hpp>
#include <flotilla/queue/put_pack.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

class Outbox {
public:
    static constexpr std::uint32_t lanes_max = 10'000;

    struct Options {
        std::uint64_t messages_max = 100'000;
        std::uint64_t bytes_max = 64ULL << 20;
        std::filesystem::path directory{}; // empty: in memory
        std::uint64_t memory_bytes_max = 8ULL << 20;
    };
    // Errors: as OutboxLog::open.
    static Result<Outbox> open(Options options);

    // Lanes that were there before: what is theirs. In memory there are none.
    const std::vector<OutboxLaneState>& restored() const noexcept { return restored_; }

    // What a crash had left half written, and open() cut off, in words; empty: nothing.
    std::string cut() const { return log_ ? log_->cut() : std::string{}; }

    // Errors: too_many (lanes_max); disk_full, io.
    Result<std::uint32_t> add_lane(std::string_view queue);
    Status set_epoch(std::uint32_t lane, std::string producer, std::uint64_t base,
                     std::string store);

    // The next message of `lane`; returns how long its record is. Errors: would_block; too_large;
    // disk_full, io.
    Result<std::size_t> append(std::uint32_t lane, const PutRecord& head,
                               std::span<const ByteView> frames);
    // As OutboxLane::measure and copy. Errors: damaged.
    Result<OutboxLane::Cut> measure(std::uint32_t lane, std::uint64_t number,
                                    std::uint64_t messages_max, std::size_t bytes_max);
    void copy(std::uint32_t lane, char* to) { near_[lane].records.copy(to); }
    // All up to `number` is settled. Errors: disk_full, io.
    Status settle(std::uint32_t lane, std::uint64_t number);
    Status sync() { return log_ ? log_->sync() : Status{}; }

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept;

private:
    struct Near {
        OutboxLane records{};
        std::uint64_t appended = 0; // in all; behind records.next() they are on disk alone
        OutboxLog::Cursor cursor{}; // read so far
        bool is_behind() const noexcept { return records.next() <= appended; }
    };
    Outbox() = default;
    Status read_ahead(std::uint32_t lane);

    Options options_{};
    std::optional<OutboxLog> log_{};
    std::vector<OutboxLaneState> restored_{};
    std::deque<Near> near_{};
    std::uint64_t messages_ = 0;
    std::uint64_t near_bytes_ = 0;
};

} // namespace flotilla::queue
