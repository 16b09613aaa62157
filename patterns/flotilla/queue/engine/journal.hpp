// SPDX-License-Identifier: Apache-2.0
//
// Journal: a file of blocks that are already there, into which a small turn goes with one sync
// where a tree needs two. docs/protocol/store.md has the bytes.
//
//     | turn 8 | turn 9 | turn 10 | what is left of older turns ... | zeros |
//     0        (each begins at a block of its own)                    bytes
//
// Turns have numbers that rise by one. The store below says up to which number it has them itself;
// once it has them all the journal begins again at its first block, over turns that nobody needs.
// So a block that holds a confirmed turn is never written again while it is needed, and a turn that
// was written by half is told by its checksum, or by a number that is not the next.
//
// One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/overlay.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace flotilla::queue {

inline constexpr const char* journal_name = "journal";
inline constexpr std::uint64_t journal_block_bytes = 4096;

// Which store a journal belongs to, and the last turn that this store has itself: the row
// `journal` of its table meta.
struct JournalMark {
    static constexpr ByteView key = "journal";
    std::uint64_t store = 0;
    std::uint64_t turn = 0;
};
std::string encode_journal_mark(const JournalMark& mark);
Result<JournalMark> decode_journal_mark(ByteView value); // Errors: damaged, unsupported

// Applies the changes of the turns behind `mark` that `bytes`, a journal's, hold. A turn written by
// half ends them. Errors: damaged: turns are missing before one that is there.
struct Replayed {
    std::uint64_t turn = 0;  // the last one; that of the mark if there is none
    std::uint64_t bytes = 0; // of the journal, up to its end
};
Result<Replayed> replay_journal(ByteView bytes, const JournalMark& mark, Overlay& into);
// The bytes of a directory's journal; none when there is no such file. Errors: io.
Result<std::string> read_journal(const std::filesystem::path& directory);

class Journal {
public:
    // Makes the file, or what is missing of it, as long as it will be. Errors: disk_full, io.
    static Result<Journal> open(const std::filesystem::path& directory, std::uint64_t bytes,
                                std::uint64_t store);

    // Whether a turn of so many bytes in so many changes fits behind those that are there.
    bool has_room(const Mutations& turn) const noexcept;
    // Durable when it returns. Errors: too_large (has_room() said no); io, disk_full: it may be
    // there or not, and this journal is not to be used any more.
    Status append(std::uint64_t number, const Mutations& turn);
    // The store below has all of it: the next turn goes to the first block.
    void begin_again() noexcept { at_ = 0; }
    std::uint64_t used_bytes() const noexcept { return at_; }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    Journal(FileHandle file, std::filesystem::path path, std::uint64_t bytes, std::uint64_t store)
        : file_(std::move(file)), path_(std::move(path)), bytes_(bytes), store_(store) {}
    FileHandle file_; // each write of it is synced
    std::filesystem::path path_;
    std::uint64_t bytes_;
    std::uint64_t store_;
    std::uint64_t at_ = 0;
};

} // namespace flotilla::queue
