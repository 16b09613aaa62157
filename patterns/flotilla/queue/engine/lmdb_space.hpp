// SPDX-License-Identifier: Apache-2.0
//
// LmdbSpace: room for a store's next turns, in its map, in its file and on its disk.
//
//     0 ─────────── end ─────────────── file ─────────── map ─────────── bytes_max
//       pages used    zeros written,      mapped, not      to be mapped
//       once          or allocated        there yet
//
// Writing into blocks of the file that are already there is up to nine times faster than making it
// longer, so zeros are written ahead of its end; where it grows by much in each turn, room is only
// allocated. Either is also the reserve with which messages are finished on a full disk: room()
// keeps puts out of it.
//
// Space for a turn is counted twice, for what LMDB writes beside the turn's own bytes (pages of the
// trees, of which it changes copies) and for pages that are less than full.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>

#include <cstdint>

namespace flotilla::queue::lmdb {

class Space {
public:
    explicit Space(const LmdbOptions& options) noexcept;

    // First.
    void begin(Environment& environment);
    // Before a transaction of so many bytes in so many changes: maps enough, writes ahead.
    // No transaction may be open. Errors: io (the map is gone).
    Status prepare(Environment& environment, std::uint64_t bytes, std::uint64_t changes);
    // After it.
    void committed(const Environment& environment, std::uint64_t bytes);
    // It did not fit: what there was is held to be unusable, and trusted again by and by.
    void overflowed(const Environment& environment);
    // Looks at the disk again, writes ahead.
    void refresh(Environment& environment);
    // The same as far as it may matter now: cheap, for after every turn.
    void between_turns(Environment& environment);
    // Somebody asked for room and was told that there is none: looks now and then whether that is
    // still so, since nothing may be committed meanwhile.
    void refused(Environment& environment);

    // Whether the disk has less than a turn needs: tries.
    bool is_disk_full(const Environment& environment);
    std::uint64_t room() const noexcept { return room_; }
    std::uint64_t file_bytes() const noexcept { return file_bytes_; }
    std::uint64_t disk_free_bytes() const noexcept { return disk_free_bytes_; }
    // What room() keeps puts out of.
    std::uint64_t finish_bytes() const noexcept { return 2 * reserve_bytes_; }
    // Of the map at the start, before it is known what the file has.
    static std::uint64_t first_map_bytes(const LmdbOptions& options,
                                         std::uint64_t file_bytes) noexcept;

private:
    void look(const Environment& environment);
    void keep_ahead(const Environment& environment);
    void trust() noexcept;
    void write_ahead(const Environment& environment, std::uint64_t bytes);
    void allocate(const Environment& environment, std::uint64_t until);
    void count_room(const Environment& environment);
    std::uint64_t available_bytes() const noexcept;

    LmdbOptions options_;
    std::uint64_t reserve_bytes_;
    std::uint64_t limit_bytes_ = 0; // bytes_max, or more where the file had more at the start
    std::uint64_t end_bytes_ = 0;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t disk_free_bytes_ = 0;
    std::uint64_t free_bytes_ = 0;   // a lower bound
    std::uint64_t growth_bytes_ = 0; // of the last turn that needed new pages
    std::uint64_t unusable_bytes_ = 0;
    std::uint64_t turns_ = 0;
    std::uint64_t refusals_ = 0;
    std::uint64_t counted_turn_ = 0; // when free_bytes_ was counted
    std::uint64_t room_ = 0;
};

} // namespace flotilla::queue::lmdb
