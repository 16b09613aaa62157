// SPDX-License-Identifier: Apache-2.0
//
// View: what a data directory holds, for tools beside whoever writes there: a snapshot of the tree,
// and over it what the journal has and the tree has not.
#pragma once

#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/overlay.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::queue::lmdb {

class View {
public:
    // Keeps a reader of LMDB until it ends. Errors: damaged (LMDB's own), io. A journal that is
    // damaged is none: journal_error() says so, and the tree is shown alone.
    static Result<View> open(const Environment& environment,
                             const std::filesystem::path& directory);

    const Snapshot& snapshot() const noexcept { return *snapshot_; }
    // The journal as far as the tree needs it; empty when it has everything itself.
    const std::string& journal() const noexcept { return journal_; }
    const std::optional<Error>& journal_error() const noexcept { return journal_error_; }

private:
    View() = default;
    std::unique_ptr<Overlay> overlay_ = std::make_unique<Overlay>();
    std::unique_ptr<Snapshot> snapshot_{};
    std::string journal_{};
    std::optional<Error> journal_error_{};
};

} // namespace flotilla::queue::lmdb
