// SPDX-License-Identifier: Apache-2.0
// Copies of a store: out of it, beside whoever writes, and back.
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/journal.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/lmdb_view.hpp>

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;
using lmdb::Environment;
using lmdb::part_name;

constexpr auto backup_told_every = std::chrono::seconds{1};
constexpr std::size_t copy_bytes = std::size_t{1} << 20;

std::uint64_t bytes_in(const FileHandle& file) {
    struct stat found {};
    return ::fstat(file.get(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

// A file that is being made in a directory of its own: kept by keep(), else gone.
class Part {
public:
    static Result<Part> begin(const fs::path& directory) {
        const fs::path path = directory / part_name;
        if (const Status made = DataDirectory::make_empty(directory); !made) {
            Error error = made.error();
            if (error.code == Errc::exists && fs::exists(path))
                error.detail += ": " + path.string() +
                                " is of a copy that was killed, or is under way; if none is, empty "
                                "the directory and say it again";
            return fail(std::move(error));
        }
        FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file.is_open())
            return fail(system_error(errno, "make", path));
        return Part(directory, std::move(file));
    }
    Part(Part&& other) noexcept = default;
    Part& operator=(Part&&) = delete;
    ~Part() {
        if (file_.is_open())
            ::unlink((directory_ / part_name).c_str());
    }
    const FileHandle& file() const noexcept { return file_; }
    Status start_over() {
        if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
            return fail(system_error(errno, "empty", directory_ / part_name));
        return {};
    }
    Status keep() {
        const fs::path path = directory_ / part_name;
        if (::fsync(file_.get()) != 0)
            return fail(system_error(errno, "sync", path));
        if (::rename(path.c_str(), (directory_ / lmdb::data_name).c_str()) != 0)
            return fail(system_error(errno, "rename", path));
        file_ = FileHandle{};
        return DataDirectory::sync(directory_);
    }

private:
    Part(fs::path directory, FileHandle file)
        : directory_(std::move(directory)), file_(std::move(file)) {}
    fs::path directory_;
    FileHandle file_;
};

// LMDB copies with one call that says nothing meanwhile, so it gets a thread, and the caller's
// thread looks at how long the file has become.
int copy(const Environment& environment, const FileHandle& target, unsigned flags,
         std::uint64_t all, const StoreProgress& progress) {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<int> code;
    std::thread worker([&] {
        const int copied = mdb_env_copyfd2(environment.get(), target.get(), flags);
        const std::lock_guard lock(mutex);
        code = copied;
        done.notify_one();
    });
    {
        std::unique_lock lock(mutex);
        while (!done.wait_for(lock, backup_told_every, [&] { return code.has_value(); })) {
            lock.unlock();
            if (progress)
                progress(bytes_in(target), all);
            lock.lock();
        }
    }
    worker.join();
    return *code;
}

Status copy_file(const fs::path& source, const FileHandle& target, const StoreProgress& progress) {
    const FileHandle from(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!from.is_open())
        return fail(system_error(errno, "open", source));
    const std::uint64_t all = bytes_in(from);
    std::vector<char> bytes(copy_bytes);
    auto told = std::chrono::steady_clock::now();
    for (std::uint64_t done = 0; done < all;) {
        const ssize_t read =
            ::pread(from.get(), bytes.data(), bytes.size(), static_cast<off_t>(done));
        if (read < 0 && errno == EINTR)
            continue;
        if (read <= 0)
            return fail(system_error(read < 0 ? errno : EIO, "read", source));
        for (ssize_t at = 0; at < read;) {
            const ssize_t written =
                ::pwrite(target.get(), bytes.data() + at, static_cast<std::size_t>(read - at),
                         static_cast<off_t>(done) + at);
            if (written < 0 && errno == EINTR)
                continue;
            if (written <= 0)
                return fail(system_error(written < 0 ? errno : ENOSPC, "write a copy of", source));
            at += written;
        }
        done += static_cast<std::uint64_t>(read);
        if (const auto now = std::chrono::steady_clock::now();
            progress && now - told >= backup_told_every) {
            told = now;
            progress(done, all);
        }
    }
    return {};
}

// What the journal has now. The file is copied after this, so it has these turns or lacks them in
// the order in which they were committed.
Result<std::string> turns_of(const Environment& environment, const fs::path& directory) {
    const auto view = lmdb::View::open(environment, directory);
    if (!view)
        return fail(view.error());
    if (view->journal_error())
        return fail(*view->journal_error());
    return view->turns();
}

// Gives a copy the turns that it lacks, so that a backup is one file and needs no journal.
Status complete(const fs::path& file, std::uint64_t bytes, ByteView turns) {
    constexpr std::uint64_t room_bytes = std::uint64_t{64} << 20;
    auto environment = Environment::open_copy(file, bytes + room_bytes + 4 * turns.size());
    if (!environment)
        return fail(environment.error());
    constexpr auto access = Environment::Access::read_write;
    if (const Status opened = environment->open_tables(access, LmdbStore::format); !opened)
        return opened;
    Overlay overlay;
    JournalMark mark;
    {
        const auto snapshot = lmdb::snapshot_of(*environment);
        if (!snapshot)
            return fail(snapshot.error());
        const auto found = lmdb::journal_mark_in(**snapshot);
        if (!found)
            return fail(found.error());
        if (!*found || (*found)->use == JournalMark::Use::at_rest)
            return {};
        mark = **found;
        const Replayed replayed = replay_journal(turns, mark, overlay);
        if (replayed.gap)
            return fail(Errc::damaged, "the journal " + *replayed.gap);
        mark.turn = replayed.turn + 1;
        mark.use = JournalMark::Use::at_rest;
    }
    Mutations all = overlay.changes();
    all.put(Table::meta, std::string(JournalMark::key), encode_journal_mark(mark));
    all.put(Table::meta, std::string(lmdb::format_key), lmdb::format_row(LmdbStore::format));
    MDB_txn* transaction = nullptr;
    int code = mdb_txn_begin(environment->get(), nullptr, 0, &transaction);
    if (code == 0 && (code = lmdb::change_rows(transaction, *environment, all)) != 0)
        mdb_txn_abort(transaction);
    else if (code == 0)
        code = mdb_txn_commit(transaction);
    if (code != 0)
        return fail(lmdb::error_of(code, "complete " + file.string()));
    return {};
}

} // namespace

Status back_up_store(const fs::path& directory, const fs::path& target,
                     const StoreProgress& progress) {
    if (DataDirectory::is_ours(directory))
        return fail(Errc::address_in_use,
                    directory.string() + " is open in this process; back it up from another");
    auto environment =
        Environment::open(directory, Environment::Access::read_only, 0, LmdbStore::format);
    if (!environment)
        return fail(environment.error());
    auto part = Part::begin(target);
    if (!part)
        return fail(part.error());
    const auto turns = turns_of(*environment, directory);
    if (!turns)
        return fail(turns.error());
    const auto unused = environment->free_bytes();
    const std::uint64_t all = environment->end_bytes() - (unused ? *unused : 0);
    // Without free pages, so that a copy is as large as what it holds.
    int code = copy(*environment, part->file(), MDB_CP_COMPACT, all, progress);
    if (code == MDB_INCOMPATIBLE) { // LMDB cannot account for every page: take them all
        if (const Status emptied = part->start_over(); !emptied)
            return emptied;
        code = copy(*environment, part->file(), 0, environment->end_bytes(), progress);
    }
    if (code != 0)
        return fail(lmdb::error_of(code, "copy " + directory.string()));
    if (const Status completed = complete(target / part_name, all, *turns); !completed)
        return completed;
    if (const Status kept = part->keep(); !kept)
        return kept;
    if (progress)
        progress(all, all);
    return {};
}

Status restore_store(const fs::path& backup, const fs::path& directory,
                     const StoreProgress& progress) {
    const auto verified = verify_store(backup);
    if (!verified)
        return fail(verified.error());
    if (verified->damaged > 0)
        return fail(Errc::damaged, backup.string() + " is damaged and was not restored: " +
                                       verified->findings.front());
    auto part = Part::begin(directory);
    if (!part)
        return fail(part.error());
    if (const Status copied = copy_file(backup / lmdb::data_name, part->file(), progress); !copied)
        return copied;
    // Files that were copied by hand, or a backup of format 2, have a journal. It is there before
    // the data has its name, so that no copy is ever without it.
    if (const fs::path journal = backup / journal_name; fs::exists(journal)) {
        const fs::path path = directory / journal_name;
        const FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file.is_open())
            return fail(system_error(errno, "make", path));
        if (const Status copied = copy_file(journal, file, {}); !copied)
            return copied;
        if (::fsync(file.get()) != 0)
            return fail(system_error(errno, "sync", path));
    }
    return part->keep();
}

} // namespace flotilla::queue
