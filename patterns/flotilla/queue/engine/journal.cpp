// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/journal.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;
using Use = JournalMark::Use;

// A journal has its name once it is whole.
constexpr const char* journal_part_name = "journal.part";
constexpr std::uint64_t blocks_min = 16;
// Of a file without a head, of an older format or damaged: no program made a larger one.
constexpr std::uint64_t headless_bytes_max = 64ULL << 20;

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

struct OpenFile {
    FileHandle handle{};
    std::uint64_t bytes = 0;
};

// Nothing: there is no such file. Errors: damaged (it is no ordinary file), io, out_of_files. Never
// waits for whoever may write to a pipe of that name.
Result<std::optional<OpenFile>> open_file(const fs::path& path) {
    FileHandle file(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY));
    if (!file.is_open()) {
        if (errno == ENOENT)
            return std::optional<OpenFile>{};
        if (errno == ELOOP)
            return fail(Errc::damaged, path.string() + " is a symbolic link, and no journal");
        return fail(system_error(errno, "open", path));
    }
    struct stat found {};
    if (::fstat(file.get(), &found) != 0)
        return fail(system_error(errno, "look at", path));
    if (!S_ISREG(found.st_mode))
        return fail(Errc::damaged, path.string() + " is no ordinary file");
    return std::optional{OpenFile{std::move(file), static_cast<std::uint64_t>(found.st_size)}};
}

// From where `bytes` ends on, until it has `bytes_max` or all. Errors: damaged (the disk cannot
// read it), io.
Status read_on(const OpenFile& file, const fs::path& path, std::uint64_t bytes_max,
               std::string& bytes) {
    std::size_t done = bytes.size();
    bytes.resize(std::max<std::uint64_t>(done, std::min(bytes_max, file.bytes)));
    while (done < bytes.size()) {
        const ssize_t read = ::pread(file.handle.get(), bytes.data() + done, bytes.size() - done,
                                     static_cast<off_t>(done));
        if (read < 0 && errno == EINTR)
            continue;
        if (read < 0 && errno == EIO)
            return fail(Errc::damaged, path.string() + " cannot be read: the disk fails");
        if (read < 0)
            return fail(system_error(errno, "read", path));
        if (read == 0)
            break;
        done += static_cast<std::size_t>(read);
    }
    bytes.resize(done);
    return {};
}

// A journal to the end that its head states, however long the file is. Nothing: there is none.
Result<std::optional<std::string>> read_journal(const fs::path& path) {
    const auto file = open_file(path);
    if (!file)
        return fail(file.error());
    if (!*file)
        return std::optional<std::string>{};
    std::string bytes;
    Status read = read_on(**file, path, journal_heads_bytes, bytes);
    if (read) {
        const auto head = find_journal_head(bytes);
        read = read_on(**file, path, head ? head->bytes : headless_bytes_max, bytes);
    }
    if (!read)
        return fail(read.error());
    return std::optional{std::move(bytes)};
}

// Blocks that are there, so that writing to them changes nothing but them.
Status make(const fs::path& directory, const JournalHead& head) {
    const fs::path part = directory / journal_part_name;
    const fs::path path = directory / journal_name;
    const FileHandle file(::open(part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open())
        return fail(system_error(errno, "make", part));
    const std::string zeros(head.bytes, '\0');
    Status done = write_all(file, zeros, 0, part);
    if (done)
        done = write_all(file, encode_journal_head(head), offset_of_head(head.generation), part);
    if (done && ::fsync(file.get()) != 0)
        done = fail(system_error(errno, "sync", part));
    if (done && ::rename(part.c_str(), path.c_str()) != 0)
        done = fail(system_error(errno, "rename", part));
    if (!done) {
        ::unlink(part.c_str());
        return done;
    }
    return DataDirectory::sync(directory);
}

// Whether a file that is there can be written over as it is: ours, whole, and under no other name,
// by which somebody keeps it.
std::optional<JournalHead> head_to_use(const fs::path& path, std::uint64_t store) {
    const auto file = open_file(path);
    std::string bytes;
    struct stat found {};
    if (!file || !*file || !read_on(**file, path, journal_heads_bytes, bytes) ||
        ::fstat((*file)->handle.get(), &found) != 0 || found.st_nlink != 1)
        return std::nullopt;
    const auto head = find_journal_head(bytes);
    if (!head || head->store != store || head->bytes != (*file)->bytes)
        return std::nullopt;
    return head;
}

} // namespace

// ---- reading -----------------------------------------------------------------------------------

Error with_advice(const Error& fault, const fs::path& directory) {
    return {fault.code, fault.detail +
                            "; put back the file that belongs there, or go on without what it "
                            "holds: flotilla-store give-up-journal --data " +
                            directory.string()};
}

Result<JournalLook> look_at_journal(const fs::path& directory,
                                    const std::optional<JournalMark>& mark, Overlay& into) {
    const fs::path path = directory / journal_name;
    JournalLook look;
    auto bytes = read_journal(path);
    if (!bytes) {
        if (bytes.error().code != Errc::damaged)
            return fail(bytes.error());
        look.fault = bytes.error();
        return look;
    }
    look.turn = mark ? mark->turn : 0;
    const auto fault = [&](const std::string& what) {
        if (!look.fault)
            look.fault = Error{Errc::damaged, path.string() + " " + what};
    };
    const bool is_needed = mark && mark->use != Use::at_rest;
    if (!*bytes || (*bytes)->empty()) {
        if (is_needed && mark->use == Use::in_use)
            fault("is missing, and confirmed messages may be in it alone");
        return look;
    }
    if (!mark) {
        fault("belongs to a store that is not here: data.mdb is new, or had no journal");
        return look;
    }
    const auto head = find_journal_head(**bytes);
    const auto owner = head ? std::optional{head->store} : store_of_journal_turn(**bytes);
    if (owner && *owner != mark->store) {
        fault("belongs to another store");
        return look;
    }
    const bool is_headless = !head && mark->use == Use::headless;
    if (head) {
        look.generation = head->generation;
        // At rest the store has every turn that there ever was.
        if (head->generation > mark->generation + 1 ||
            (!is_needed && newest_journal_turn(**bytes, mark->store) > mark->turn))
            fault("is newer than data.mdb, which is an older copy");
    }
    if (!is_needed)
        return look;
    if (!head && !is_headless)
        fault("is no journal: neither of its heads can be read");
    if (head && head->generation < mark->generation)
        fault("is an older copy: data.mdb has a newer one's turn " + std::to_string(mark->turn));
    if (head && (*bytes)->size() < head->bytes)
        fault("is cut off: it has " + std::to_string((*bytes)->size()) + " of " +
              std::to_string(head->bytes) + " bytes");
    look.turns = std::move(**bytes);
    if (!is_headless)
        look.turns.erase(0, journal_heads_bytes);
    const Replayed replayed = replay_journal(look.turns, *mark, into);
    look.turns.resize(replayed.bytes);
    look.turn = replayed.turn;
    if (replayed.gap)
        fault(*replayed.gap);
    return look;
}

// ---- writing -----------------------------------------------------------------------------------

Result<Journal> Journal::open(const fs::path& directory, std::uint64_t bytes,
                              const JournalMark& mark) {
    const fs::path path = directory / journal_name;
    bytes = std::max(whole_journal_blocks(bytes), blocks_min * journal_block_bytes);
    auto head = head_to_use(path, mark.store);
    const bool is_there = head && head->bytes >= bytes;
    if (!is_there) {
        head = JournalHead{mark.store, mark.generation + 1, bytes};
        if (const Status made = make(directory, *head); !made)
            return fail(made.error());
    }
    FileHandle file(::open(path.c_str(), O_WRONLY | O_DSYNC | O_CLOEXEC));
    if (!file.is_open())
        return fail(system_error(errno, "open", path));
    Journal journal(std::move(file), path, *head);
    if (is_there)
        if (const Status begun = journal.begin_generation(mark.generation + 1); !begun)
            return fail(begun.error());
    return journal;
}

bool Journal::has_room(const Mutations& turn) const noexcept {
    return at_ + whole_journal_blocks(journal_turn_bytes(turn)) <= bytes_;
}

Status Journal::append(std::uint64_t number, const Mutations& turn) {
    if (!has_room(turn))
        return fail(Errc::too_large, "the journal has no room for this turn");
    const std::string bytes = encode_journal_turn(store_, number, turn);
    if (const Status written = write_all(file_, bytes, at_, path_); !written)
        return written;
    at_ += bytes.size();
    return {};
}

Status Journal::begin_generation(std::uint64_t generation) {
    const std::string head = encode_journal_head({store_, generation, bytes_});
    if (const Status written = write_all(file_, head, offset_of_head(generation), path_); !written)
        return written;
    generation_ = generation;
    return {};
}

} // namespace flotilla::queue
