// SPDX-License-Identifier: Apache-2.0
//
// Journal: a file of blocks that are already there, into which a small turn goes with one sync
// where a tree needs two. docs/protocol/store.md has the bytes.
//
//     | head | head | turn 8 | turn 9 | turn 10 | what is left of older turns ... | zeros |
//     0               (each begins at a block of its own)                           bytes
//
// Turns have numbers that rise by one. The store below says up to which number it has them itself;
// once it has them all the journal begins again at its first turn, over turns that nobody needs.
// So a block that holds a confirmed turn is never written again while it is needed, and a turn that
// was written by half is told by its checksum, or by a number that is not the next.
//
// One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/journal_format.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace flotilla::queue {

inline constexpr const char* journal_name = "journal";

// A directory's journal, as the store there, whose mark is `mark` (nothing: it never had one), has
// to see it. Applies the turns that the store lacks to `into`, as far as there is no gap.
struct JournalLook {
    // damaged: opening the store with this file, or without it when it is missing, could lose what
    // was confirmed, here or in another store. Says which file, and what is wrong.
    std::optional<Error> fault{};
    std::string turns{};          // the bytes of those that were applied
    std::uint64_t turn = 0;       // the last one; the mark's if there was none
    std::uint64_t generation = 0; // of the file's head; 0: none, or another store's
};
// Errors: io; faults are no errors.
Result<JournalLook> look_at_journal(const std::filesystem::path& directory,
                                    const std::optional<JournalMark>& mark, Overlay& into);
// With what an operator can do about it.
Error with_advice(const Error& fault, const std::filesystem::path& directory);

class Journal {
public:
    // For a store that has every turn itself: makes the file, unless one is there that can be used
    // again, with the generation behind the mark's. Errors: disk_full, io.
    static Result<Journal> open(const std::filesystem::path& directory, std::uint64_t bytes,
                                const JournalMark& mark);

    // Whether a turn of so many bytes in so many changes fits behind those that are there.
    bool has_room(const Mutations& turn) const noexcept;
    // Durable when it returns. Errors: too_large (has_room() said no); io, disk_full: it may be
    // there or not, and this journal is not to be used any more.
    Status append(std::uint64_t number, const Mutations& turn);
    // The store below has all of it: the next turn goes to the first block of turns.
    void begin_again() noexcept { at_ = journal_heads_bytes; }
    // Before the store's mark says so. Errors: io; this journal is not to be used any more.
    Status begin_generation(std::uint64_t generation);
    std::uint64_t generation() const noexcept { return generation_; }
    std::uint64_t used_bytes() const noexcept { return at_ - journal_heads_bytes; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    bool is_deleted() const noexcept { return queue::is_deleted(file_.get()); }

private:
    Journal(FileHandle file, std::filesystem::path path, const JournalHead& head)
        : file_(std::move(file)), path_(std::move(path)), bytes_(head.bytes), store_(head.store),
          generation_(head.generation) {}
    FileHandle file_; // each write of it is synced
    std::filesystem::path path_;
    std::uint64_t bytes_;
    std::uint64_t store_;
    std::uint64_t generation_;
    std::uint64_t at_ = journal_heads_bytes;
};

} // namespace flotilla::queue
