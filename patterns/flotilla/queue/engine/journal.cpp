// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/journal.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t mark_version = 1;
constexpr std::uint32_t magic = 0x464C'4A31; // FLJ1
constexpr std::uint64_t head_bytes = 4 + 4 + 8 + 8 + 4;
constexpr std::uint64_t check_bytes = 8;
constexpr std::uint64_t change_head_bytes = 1 + 1 + 2 + 4;

std::uint64_t whole_blocks(std::uint64_t bytes) noexcept {
    return (bytes + journal_block_bytes - 1) / journal_block_bytes * journal_block_bytes;
}

// ---- a turn ------------------------------------------------------------------------------------

std::uint64_t turn_bytes(const Mutations& turn) noexcept {
    return head_bytes + turn.bytes() + turn.changes().size() * change_head_bytes + check_bytes;
}

std::string encode_turn(std::uint64_t store, std::uint64_t number, const Mutations& turn) {
    wire::Writer changes;
    for (const Mutations::Change& change : turn.changes()) {
        changes.u8(static_cast<std::uint8_t>(change.table)).u8(change.erase ? 1 : 0);
        changes.medium_bytes(change.key).long_bytes(change.value);
    }
    wire::Writer out;
    const std::uint64_t size = head_bytes + changes.size() + check_bytes;
    out.u32(magic).u32(static_cast<std::uint32_t>(size)).u64(store).u64(number);
    out.u32(static_cast<std::uint32_t>(turn.changes().size())).bytes(changes.view());
    std::string sealed = seal(out.take());
    sealed.resize(whole_blocks(sealed.size()), '\0');
    return sealed;
}

struct Turn {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0; // whole blocks
    std::vector<Mutations::Change> changes{};
};

// The turn that begins here, if one does, whole, of this store.
std::optional<Turn> decode_turn(ByteView bytes, std::uint64_t store) {
    wire::Reader head(bytes);
    if (head.u32() != magic)
        return std::nullopt;
    const std::uint32_t size = head.u32();
    if (!head.ok() || size > bytes.size() || size < head_bytes + check_bytes)
        return std::nullopt;
    const auto sealed = unseal(bytes.substr(0, size));
    if (!sealed)
        return std::nullopt;
    wire::Reader in(*sealed);
    Turn turn;
    (void)in.u64(); // magic, size
    if (in.u64() != store)
        return std::nullopt;
    turn.number = in.u64();
    turn.bytes = whole_blocks(size);
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

// ---- files -------------------------------------------------------------------------------------

Status write_all(const FileHandle& file, ByteView bytes, std::uint64_t at, const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(system_error(written < 0 ? errno : ENOSPC, "write", path));
        at += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// Blocks that are there, so that writing to them changes nothing but them.
Status fill(const fs::path& path, std::uint64_t bytes) {
    const FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    struct stat found {};
    if (!file.is_open() || ::fstat(file.get(), &found) != 0)
        return fail(system_error(errno, "open", path));
    const auto has = static_cast<std::uint64_t>(found.st_size);
    if (has >= bytes)
        return {};
    const std::string zeros(bytes - has, '\0');
    if (const Status written = write_all(file, zeros, has, path); !written)
        return written;
    if (::fsync(file.get()) != 0)
        return fail(system_error(errno, "sync", path));
    return DataDirectory::sync(path.parent_path());
}

} // namespace

// ---- the mark ----------------------------------------------------------------------------------

std::string encode_journal_mark(const JournalMark& mark) {
    wire::Writer out;
    out.u8(mark_version).u64(mark.store).u64(mark.turn);
    return seal(out.take());
}

Result<JournalMark> decode_journal_mark(ByteView value) {
    const auto sealed = unseal(value);
    if (!sealed)
        return fail(Errc::damaged, "the store's mark in its journal fails its checksum");
    wire::Reader in(*sealed);
    if (in.u8() != mark_version)
        return fail(Errc::unsupported, "the store's journal has a version that this build lacks");
    JournalMark mark;
    mark.store = in.u64();
    mark.turn = in.u64();
    if (!in.ok_at_end())
        return fail(Errc::damaged, "the store's mark in its journal is not whole");
    return mark;
}

// ---- reading -----------------------------------------------------------------------------------

Result<Replayed> replay_journal(ByteView bytes, const JournalMark& mark, Overlay& into) {
    std::uint64_t last = mark.turn;
    std::uint64_t at = 0;
    std::uint64_t used = 0;
    std::optional<std::uint64_t> before;
    while (at < bytes.size()) {
        const auto turn = decode_turn(bytes.substr(at), mark.store);
        if (!turn || turn->number > last + 1 || (before && turn->number != *before + 1))
            break;
        before = turn->number;
        if (turn->number > mark.turn) {
            for (const Mutations::Change& change : turn->changes)
                into.apply(change);
            last = turn->number;
            used = at + turn->bytes;
        }
        at += turn->bytes;
    }
    // A turn is written when all before it are on disk, so one behind a gap was confirmed, and
    // others as well that cannot be read.
    for (; at < bytes.size(); at += journal_block_bytes)
        if (const auto turn = decode_turn(bytes.substr(at), mark.store);
            turn && turn->number > last)
            return fail(Errc::damaged, "the journal has turn " + std::to_string(turn->number) +
                                           " and lacks turn " + std::to_string(last + 1));
    return Replayed{last, used};
}

Result<std::string> read_journal(const fs::path& directory) {
    const fs::path path = directory / journal_name;
    const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        if (errno == ENOENT)
            return std::string{};
        return fail(system_error(errno, "open", path));
    }
    struct stat found {};
    if (::fstat(file.get(), &found) != 0)
        return fail(system_error(errno, "look at", path));
    std::string bytes(static_cast<std::size_t>(found.st_size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t read =
            ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
        if (read < 0 && errno == EINTR)
            continue;
        if (read < 0)
            return fail(system_error(errno, "read", path));
        if (read == 0)
            break;
        done += static_cast<std::size_t>(read);
    }
    bytes.resize(done);
    return bytes;
}

// ---- writing -----------------------------------------------------------------------------------

Result<Journal> Journal::open(const fs::path& directory, std::uint64_t bytes, std::uint64_t store) {
    const fs::path path = directory / journal_name;
    bytes = whole_blocks(bytes);
    if (const Status filled = fill(path, bytes); !filled)
        return fail(filled.error());
    FileHandle file(::open(path.c_str(), O_WRONLY | O_DSYNC | O_CLOEXEC));
    if (!file.is_open())
        return fail(system_error(errno, "open", path));
    return Journal(std::move(file), path, bytes, store);
}

bool Journal::has_room(const Mutations& turn) const noexcept {
    return at_ + whole_blocks(turn_bytes(turn)) <= bytes_;
}

Status Journal::append(std::uint64_t number, const Mutations& turn) {
    if (!has_room(turn))
        return fail(Errc::too_large, "the journal has no room for this turn");
    const std::string bytes = encode_turn(store_, number, turn);
    if (const Status written = write_all(file_, bytes, at_, path_); !written)
        return written;
    at_ += bytes.size();
    return {};
}

} // namespace flotilla::queue
