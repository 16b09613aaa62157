// SPDX-License-Identifier: Apache-2.0
//
// View: what a data directory holds, for tools beside whoever writes there: a snapshot of the tree,
// and over it what the journal has and the tree has not.
#pragma once

#include <flotilla/queue/engine/journal_format.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/overlay.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::queue::lmdb {

// The store's own rows about its journal. Errors: damaged, unsupported; those of the snapshot.
Result<std::optional<JournalMark>> journal_mark_in(const Snapshot& snapshot);
Result<std::optional<JournalGivenUp>> journal_given_up_in(const Snapshot& snapshot);
inline constexpr ByteView given_up_key = "given_up";
std::string encode_given_up(const JournalGivenUp& given_up);

// Of an environment that no other thread uses meanwhile.
Result<std::unique_ptr<Snapshot>> snapshot_of(const Environment& environment);

class View {
public:
    // Keeps a reader of LMDB until it ends. Errors: damaged (LMDB's own), io. A journal that is
    // damaged is none: journal_error() says so, and the tree is shown alone.
    static Result<View> open(const Environment& environment,
                             const std::filesystem::path& directory);

    const Snapshot& snapshot() const noexcept { return *snapshot_; }
    // The journal's turns as far as the tree needs them; empty when it has everything itself.
    const std::string& turns() const noexcept { return turns_; }
    const std::optional<Error>& journal_error() const noexcept { return journal_error_; }

private:
    View() = default;
    std::unique_ptr<Overlay> overlay_ = std::make_unique<Overlay>();
    std::unique_ptr<Snapshot> snapshot_{};
    std::string turns_{};
    std::optional<Error> journal_error_{};
};

} // namespace flotilla::queue::lmdb
