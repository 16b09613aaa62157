// SPDX-License-Identifier: Apache-2.0
//
// LmdbStore: a Store in one directory on a local file system, on LMDB. Opens in O(1) whatever it
// holds; no thread of its own. docs/protocol/store.md says what lies in the directory.
//
//     small turn ─► journal (one sync) ─► overlay ─┐ now and then, and with
//     large turn ──────────────────────────────────┴► LMDB (two syncs)
//
// What the journal has is in memory as well until LMDB has it: at most the journal's bytes.
//
// One process at a time: the directory is locked while it is open.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::queue {

struct LmdbOptions {
    std::uint64_t bytes_max = 64ULL << 30; // of the file; 16 MiB to 1 PiB. It grows up to this
    // Most zeros that are written beyond its end at a time; at least the reserve.
    std::uint64_t write_ahead_bytes = 64ULL << 20;
    // Disk that must stay free, besides what finishing everything accepted needs.
    std::uint64_t disk_reserve_bytes = 64ULL << 20;
    // Of the journal, a file beside; at most 1/256 of bytes_max. 0: none, every turn goes to LMDB.
    std::uint64_t journal_bytes = 4ULL << 20;
};

struct LmdbLevels {
    std::uint64_t file_bytes = 0;
    std::uint64_t map_bytes = 0;
    std::uint64_t used_bytes = 0; // pages in use
    std::uint64_t disk_free_bytes = 0;
    std::uint64_t finish_bytes = 0;       // no put gets them: messages are finished with them
    std::uint64_t journal_bytes = 0;      // its length; 0: none, or it failed
    std::uint64_t journal_used_bytes = 0; // what LMDB does not have yet
    bool is_deleted = false;              // LmdbStore::is_deleted()
};

// That an operator went on without a journal (give_up_journal). Kept in the store for good.
struct JournalGivenUp {
    std::int64_t wall_ms = 0; // the last time
    std::uint32_t times = 0;
    std::uint64_t turn = 0; // turns behind this one may be missing
};

class LmdbStore final : public Store {
public:
    static constexpr std::uint32_t format = 3;
    // Whether this build has LMDB; if not, everything here is refused as unsupported.
    static bool is_available() noexcept;

    // Makes the directory (0700) if it is missing, its parent must exist. Errors: address_in_use
    // (another process has it; says which), unsupported (made by a newer format), damaged (a
    // journal that is missing, another store's, cut off or older than the rest too), io,
    // unsafe_file (others may write to it), bad_option.
    static Result<std::unique_ptr<LmdbStore>> open(const std::filesystem::path& directory,
                                                   LmdbOptions options = {});
    ~LmdbStore() override;

    Result<std::unique_ptr<Snapshot>> read() const override;
    std::uint64_t room() const override;
    void housekeep() override;
    const TimeHistogram* commit_times() const noexcept override;
    LmdbLevels levels() const;
    // Its files were deleted: there is no room() any more, as of the last call of that, since
    // whatever is written now is gone with the process.
    bool is_deleted() const noexcept;
    std::optional<JournalGivenUp> given_up() const; // as of when it was opened

protected:
    Status write(const Mutations& mutations) override;

private:
    struct Rest;
    explicit LmdbStore(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

// Offline and online tools over a data directory. `progress` gets done and all, in bytes, about
// once a second. All open the directory read only, next to a running store where that is said.
using StoreProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;
struct VerifyReport {
    std::uint64_t queues = 0;
    std::uint64_t messages = 0; // unfinished, readable
    std::uint64_t bytes = 0;
    std::uint64_t damaged = 0;
    std::vector<std::string> findings{}; // the first 1,000: what, where
    std::optional<JournalGivenUp> given_up{};
};
// Reads everything. Beside a running store: yes (one reader, for as long as it takes).
Result<VerifyReport> verify_store(const std::filesystem::path& directory,
                                  const StoreProgress& progress = {});
// A consistent copy into a directory that is not there yet; beside a running store: yes.
Status back_up_store(const std::filesystem::path& directory, const std::filesystem::path& target,
                     const StoreProgress& progress = {});
// The other way; `directory` must be empty or not there. The backup is verified first.
Status restore_store(const std::filesystem::path& backup, const std::filesystem::path& directory,
                     const StoreProgress& progress = {});

// Goes on without a journal that keeps the store from being opened, and with it without what was
// confirmed and is there alone. Turns that can be read and follow what the store has are kept; the
// file, if there is one, gets another name. What may have been delivered is marked so, and numbers
// of messages that may have been given are not given again. The store must not be open. Errors:
// refused (the store can be opened as it is); those of LmdbStore::open.
struct GivenUp {
    std::string fault{};             // of the journal
    std::uint64_t turns_kept = 0;    // read from it
    std::filesystem::path kept_as{}; // the file; empty: there was none
};
Result<GivenUp> give_up_journal(const std::filesystem::path& directory, LmdbOptions options = {});

} // namespace flotilla::queue
