// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a journal (docs/protocol/store.md), and of the row by which its store knows it.
// Pure.
//
// Generations tell an older copy of either file: the head of the journal gets the next one before
// the store's row does, so the head is the row's generation or one beyond it.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/overlay.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace flotilla::queue {

inline constexpr std::uint64_t journal_block_bytes = 4096;
// Blocks before the first turn: a head each, written in turn, so that one is always whole.
inline constexpr std::uint64_t journal_heads = 2;
inline constexpr std::uint64_t journal_heads_bytes = journal_heads * journal_block_bytes;

// Which journal belongs to a store, and the last turn that the store has itself: the row `journal`
// of its table meta.
struct JournalMark {
    static constexpr ByteView key = "journal";
    enum class Use : std::uint8_t {
        at_rest = 0,  // the store has every turn: the file is not needed
        in_use = 1,   // confirmed turns may be in the file alone
        headless = 2, // of format 2, whose journals have no head: nobody can say
    };
    std::uint64_t store = 0;
    std::uint64_t turn = 0;
    std::uint64_t generation = 0;
    Use use = Use::at_rest;
};
std::string encode_journal_mark(const JournalMark& mark); // not of a headless one
Result<JournalMark> decode_journal_mark(ByteView value);  // Errors: damaged, unsupported

struct JournalHead {
    std::uint64_t store = 0;
    std::uint64_t generation = 0;
    std::uint64_t bytes = 0; // of the file
};
std::string encode_journal_head(const JournalHead& head); // a block
// The newest that `bytes`, a journal's first, hold whole.
std::optional<JournalHead> find_journal_head(ByteView bytes);
std::uint64_t offset_of_head(std::uint64_t generation) noexcept;

std::uint64_t whole_journal_blocks(std::uint64_t bytes) noexcept;
std::uint64_t journal_turn_bytes(const Mutations& turn) noexcept; // before it fills its last block
std::string encode_journal_turn(std::uint64_t store, std::uint64_t number, const Mutations& turn);
// Whose turn begins here, if a whole one does.
std::optional<std::uint64_t> store_of_journal_turn(ByteView bytes);

// The highest number of a whole turn of this store; 0: there is none.
std::uint64_t newest_journal_turn(ByteView turns, std::uint64_t store);

// Applies the changes of the turns behind `mark` in `turns`, a journal's bytes from its first turn
// on. A turn written by half ends them.
struct Replayed {
    std::uint64_t turn = 0;  // the last one; that of the mark if there is none
    std::uint64_t bytes = 0; // of the turns, up to its end
    // Turns are missing before one that is there, and so were confirmed: which.
    std::optional<std::string> gap{};
};
Replayed replay_journal(ByteView turns, const JournalMark& mark, Overlay& into);

} // namespace flotilla::queue
