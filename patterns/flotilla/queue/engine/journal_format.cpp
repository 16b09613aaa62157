// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/journal_format.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t headless_version = 1;
constexpr std::uint8_t mark_version = 2;
constexpr std::uint32_t turn_magic = 0x464C'4A31; // FLJ1
constexpr std::uint32_t head_magic = 0x464C'4A48; // FLJH
constexpr std::uint8_t head_version = 1;
constexpr std::uint64_t journal_head_bytes = 4 + 1 + 8 + 8 + 8 + 8;
constexpr std::uint64_t turn_head_bytes = 4 + 4 + 8 + 8 + 4;
constexpr std::uint64_t change_head_bytes = 1 + 1 + 2 + 4;

std::string whole(std::string bytes) {
    bytes.resize(whole_journal_blocks(bytes.size()), '\0');
    return bytes;
}

struct JournalTurn {
    std::uint64_t store = 0;
    std::uint64_t number = 0;
    std::uint64_t bytes = 0; // whole blocks
    std::vector<Mutations::Change> changes{};
};

// The turn that begins here, if one does, whole.
std::optional<JournalTurn> decode_turn(ByteView bytes) {
    wire::Reader head(bytes);
    if (head.u32() != turn_magic)
        return std::nullopt;
    const std::uint32_t size = head.u32();
    if (!head.ok() || size > bytes.size() || size < turn_head_bytes + checksum_bytes)
        return std::nullopt;
    const auto sealed = unseal(bytes.substr(0, size));
    if (!sealed)
        return std::nullopt;
    wire::Reader in(*sealed);
    JournalTurn turn;
    (void)in.u64(); // magic, size
    turn.store = in.u64();
    turn.number = in.u64();
    turn.bytes = whole_journal_blocks(size);
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        Mutations::Change change;
        const std::uint8_t table = in.u8();
        change.table = static_cast<Table>(table);
        change.erase = in.u8() != 0;
        change.key = in.medium_bytes();
        change.value = in.long_bytes();
        if (table >= tables)
            return std::nullopt;
        turn.changes.push_back(std::move(change));
    }
    if (!in.ok_at_end())
        return std::nullopt;
    return turn;
}

std::optional<JournalHead> decode_head(ByteView block) {
    const auto sealed = unseal(block.substr(0, journal_head_bytes));
    if (!sealed)
        return std::nullopt;
    wire::Reader in(*sealed);
    if (in.u32() != head_magic || in.u8() != head_version)
        return std::nullopt;
    JournalHead head;
    head.store = in.u64();
    head.generation = in.u64();
    head.bytes = in.u64();
    if (!in.ok_at_end())
        return std::nullopt;
    return head;
}

} // namespace

std::uint64_t whole_journal_blocks(std::uint64_t bytes) noexcept {
    return (bytes + journal_block_bytes - 1) / journal_block_bytes * journal_block_bytes;
}

// ---- the mark, and the head --------------------------------------------------------------------

std::string encode_journal_mark(const JournalMark& mark) {
    wire::Writer out;
    out.u8(mark_version).u64(mark.store).u64(mark.turn).u64(mark.generation);
    out.u8(static_cast<std::uint8_t>(mark.use));
    return seal(out.take());
}

Result<JournalMark> decode_journal_mark(ByteView value) {
    const auto sealed = unseal(value);
    if (!sealed)
        return fail(Errc::damaged, "the store's row about its journal fails its checksum");
    wire::Reader in(*sealed);
    const std::uint8_t version = in.u8();
    if (version != mark_version && version != headless_version)
        return fail(Errc::unsupported, "the store's journal has a version that this build lacks");
    JournalMark mark;
    mark.store = in.u64();
    mark.turn = in.u64();
    mark.use = JournalMark::Use::headless;
    if (version == mark_version) {
        mark.generation = in.u64();
        mark.use = in.u8() == 0 ? JournalMark::Use::at_rest : JournalMark::Use::in_use;
    }
    if (!in.ok_at_end())
        return fail(Errc::damaged, "the store's row about its journal is not whole");
    return mark;
}

std::string encode_journal_head(const JournalHead& head) {
    wire::Writer out;
    out.u32(head_magic).u8(head_version);
    out.u64(head.store).u64(head.generation).u64(head.bytes);
    return whole(seal(out.take()));
}

std::optional<JournalHead> find_journal_head(ByteView bytes) {
    std::optional<JournalHead> newest;
    for (std::uint64_t at = 0; at < journal_heads_bytes && at < bytes.size();
         at += journal_block_bytes)
        if (const auto head = decode_head(bytes.substr(at));
            head && (!newest || head->generation > newest->generation))
            newest = head;
    return newest;
}

std::uint64_t offset_of_head(std::uint64_t generation) noexcept {
    return generation % journal_heads * journal_block_bytes;
}

// ---- turns -------------------------------------------------------------------------------------

std::uint64_t journal_turn_bytes(const Mutations& turn) noexcept {
    return turn_head_bytes + turn.bytes() + turn.changes().size() * change_head_bytes +
           checksum_bytes;
}

std::string encode_journal_turn(std::uint64_t store, std::uint64_t number, const Mutations& turn) {
    wire::Writer changes;
    for (const Mutations::Change& change : turn.changes()) {
        changes.u8(static_cast<std::uint8_t>(change.table)).u8(change.erase ? 1 : 0);
        changes.medium_bytes(change.key).long_bytes(change.value);
    }
    wire::Writer out;
    const std::uint64_t size = turn_head_bytes + changes.size() + checksum_bytes;
    out.u32(turn_magic).u32(static_cast<std::uint32_t>(size)).u64(store).u64(number);
    out.u32(static_cast<std::uint32_t>(turn.changes().size())).bytes(changes.view());
    return whole(seal(out.take()));
}

std::optional<std::uint64_t> store_of_journal_turn(ByteView bytes) {
    const auto turn = decode_turn(bytes);
    return turn ? std::optional{turn->store} : std::nullopt;
}

std::uint64_t newest_journal_turn(ByteView turns, std::uint64_t store) {
    std::uint64_t newest = 0;
    for (std::uint64_t at = 0; at < turns.size(); at += journal_block_bytes)
        if (const auto turn = decode_turn(turns.substr(at)); turn && turn->store == store)
            newest = std::max(newest, turn->number);
    return newest;
}

Replayed replay_journal(ByteView turns, const JournalMark& mark, Overlay& into) {
    Replayed done{mark.turn, 0, {}};
    std::uint64_t at = 0;
    std::optional<std::uint64_t> before;
    while (at < turns.size()) {
        const auto turn = decode_turn(turns.substr(at));
        if (!turn || turn->store != mark.store || turn->number > done.turn + 1 ||
            (before && turn->number != *before + 1))
            break;
        before = turn->number;
        if (turn->number > mark.turn) {
            for (const Mutations::Change& change : turn->changes)
                into.apply(change);
            done.turn = turn->number;
            done.bytes = at + turn->bytes;
        }
        at += turn->bytes;
    }
    // A turn is written when all before it are on disk, so one behind a gap was confirmed, and
    // others as well that cannot be read.
    for (; at < turns.size() && !done.gap; at += journal_block_bytes)
        if (const auto turn = decode_turn(turns.substr(at));
            turn && turn->store == mark.store && turn->number > done.turn)
            done.gap = "has turn " + std::to_string(turn->number) + " and lacks turn " +
                       std::to_string(done.turn + 1);
    return done;
}

} // namespace flotilla::queue
