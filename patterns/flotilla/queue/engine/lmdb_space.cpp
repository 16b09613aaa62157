// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/lmdb_space.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace flotilla::queue::lmdb {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t map_first_bytes = 256 * mebibyte;
constexpr std::uint64_t ahead_step_bytes = mebibyte; // what is written ahead, at least
// What a turn makes the file longer by, from which on that is done without zeros.
constexpr std::uint64_t large_growth_bytes = mebibyte / 2;
// Pages that a change may touch beside its own bytes: a leaf of its tree, copied.
constexpr std::uint64_t change_bytes = 4096;
// And that any transaction does: paths of the trees, the list of free pages.
constexpr std::uint64_t turn_bytes = 256 * 1024;
// How often the disk is looked at, in turns; and free pages counted, where it does not matter yet.
constexpr std::uint64_t look_turns = 64;
constexpr std::uint64_t trust_turns = 16;

std::uint64_t over(std::uint64_t a, std::uint64_t b) noexcept {
    return a > b ? a - b : 0;
}

} // namespace

Space::Space(const LmdbOptions& options) noexcept
    : options_(options),
      reserve_bytes_(std::clamp(options.bytes_max / 64, 2 * mebibyte, 16 * mebibyte)) {}

std::uint64_t Space::first_map_bytes(const LmdbOptions& options,
                                     std::uint64_t file_bytes) noexcept {
    return std::max(std::min(std::max(map_first_bytes, 2 * file_bytes), options.bytes_max),
                    file_bytes);
}

void Space::begin(Environment& environment) {
    // A file that is longer than it may be is still finished and emptied.
    limit_bytes_ = std::max(options_.bytes_max, environment.end_bytes() + reserve_bytes_);
    refresh(environment);
}

Status Space::prepare(Environment& environment, std::uint64_t bytes, std::uint64_t changes) {
    const std::uint64_t need = 2 * bytes + changes * change_bytes + turn_bytes;
    end_bytes_ = environment.end_bytes();
    const std::uint64_t mapped = environment.map_bytes();
    if (end_bytes_ + need > mapped && mapped < limit_bytes_) {
        const std::uint64_t wanted = std::max(2 * mapped, end_bytes_ + 2 * need);
        if (const Status grown = environment.grow_map(std::min(wanted, limit_bytes_)); !grown)
            return grown;
    }
    keep_ahead(environment);
    return {};
}

void Space::committed(const Environment& environment, std::uint64_t bytes) {
    const std::uint64_t end = environment.end_bytes();
    if (end > end_bytes_)
        growth_bytes_ = end - end_bytes_;
    end_bytes_ = end;
    file_bytes_ = std::max(file_bytes_, end);
    free_bytes_ = over(free_bytes_, 2 * bytes + turn_bytes);
    trust();
    if (++turns_ % look_turns == 0)
        look(environment);
    count_room(environment);
}

void Space::overflowed(const Environment& environment) {
    look(environment);
    unusable_bytes_ = available_bytes();
    count_room(environment);
}

bool Space::is_disk_full(const Environment& environment) {
    look(environment);
    const std::uint64_t wanted = file_bytes_ + std::max(ahead_step_bytes, 2 * growth_bytes_);
    write_ahead(environment, wanted - file_bytes_);
    return file_bytes_ < std::min(wanted, limit_bytes_);
}

void Space::refresh(Environment& environment) {
    end_bytes_ = environment.end_bytes();
    look(environment);
    keep_ahead(environment);
    count_room(environment);
}

void Space::between_turns(Environment& environment) {
    if (room_ > 0)
        keep_ahead(environment); // the disk is looked at now and then
    else
        refresh(environment);
}

void Space::refused(Environment& environment) {
    if (++refusals_ % look_turns != 0)
        return;
    trust();
    refresh(environment);
}

void Space::trust() noexcept {
    unusable_bytes_ -= (unusable_bytes_ + trust_turns - 1) / trust_turns;
}

// Zeros are written only where the file does grow; one that reuses its space needs none. In steps,
// since each time that it becomes longer the next sync costs more.
void Space::keep_ahead(const Environment& environment) {
    if (over(file_bytes_, end_bytes_) >= reserve_bytes_)
        return;
    const std::uint64_t missing = reserve_bytes_ - over(file_bytes_, end_bytes_);
    write_ahead(environment, missing + std::max(ahead_step_bytes, 8 * growth_bytes_));
}

void Space::look(const Environment& environment) {
    struct stat file {};
    if (::fstat(environment.descriptor(), &file) == 0)
        file_bytes_ = static_cast<std::uint64_t>(file.st_size);
    struct statvfs disk {};
    if (::fstatvfs(environment.descriptor(), &disk) == 0)
        disk_free_bytes_ = disk.f_bavail * disk.f_frsize;
}

// Where much is written the zeros would cost as much disk as what comes to stand there, and a
// longer sync is soon paid for. What fails here is left to writing.
void Space::allocate(const Environment& environment, std::uint64_t until) {
    if (file_bytes_ >= until ||
        disk_free_bytes_ < until - file_bytes_ + options_.disk_reserve_bytes)
        return;
    const std::uint64_t size = until - file_bytes_;
    if (::fallocate(environment.descriptor(), 0, static_cast<off_t>(file_bytes_),
                    static_cast<off_t>(size)) != 0)
        return;
    file_bytes_ = until;
    disk_free_bytes_ = over(disk_free_bytes_, size);
}

void Space::write_ahead(const Environment& environment, std::uint64_t bytes) {
    static const std::vector<char> zeros(mebibyte);
    const std::uint64_t most = std::max(options_.write_ahead_bytes, reserve_bytes_);
    const std::uint64_t until = std::min(file_bytes_ + std::min(bytes, most), limit_bytes_);
    if (growth_bytes_ >= large_growth_bytes)
        allocate(environment, until);
    while (file_bytes_ < until && disk_free_bytes_ > options_.disk_reserve_bytes) {
        const std::uint64_t size = std::min<std::uint64_t>(until - file_bytes_, zeros.size());
        const ssize_t written =
            ::pwrite(environment.descriptor(), zeros.data(), static_cast<std::size_t>(size),
                     static_cast<off_t>(file_bytes_));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) { // no room, most likely: room() will say so
            disk_free_bytes_ = 0;
            return;
        }
        file_bytes_ += static_cast<std::uint64_t>(written);
        disk_free_bytes_ = over(disk_free_bytes_, static_cast<std::uint64_t>(written));
    }
}

std::uint64_t Space::available_bytes() const noexcept {
    const std::uint64_t in_map = over(limit_bytes_, end_bytes_);
    const std::uint64_t on_disk =
        over(file_bytes_, end_bytes_) + over(disk_free_bytes_, options_.disk_reserve_bytes);
    // Free pages lie scattered, and a large value needs a run of them.
    return std::min(in_map, on_disk) + free_bytes_ / 4 * 3;
}

void Space::count_room(const Environment& environment) {
    // Counting what is free is a walk, so it is done when it begins to matter.
    const std::uint64_t available = available_bytes();
    const std::uint64_t age = turns_ - counted_turn_;
    if (available < 8 * reserve_bytes_ || (available < options_.bytes_max / 16 && age > look_turns))
        if (const auto counted = environment.free_bytes(); counted) {
            free_bytes_ = *counted;
            counted_turn_ = turns_;
        }
    room_ = over(available_bytes(), finish_bytes() + unusable_bytes_) / 2;
    // The reserve has to be in the file, or the next turn has to be able to put it there.
    if (over(file_bytes_, end_bytes_) + free_bytes_ < reserve_bytes_ &&
        disk_free_bytes_ <= options_.disk_reserve_bytes)
        room_ = 0;
}

} // namespace flotilla::queue::lmdb
