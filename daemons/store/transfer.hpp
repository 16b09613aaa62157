// SPDX-License-Identifier: Apache-2.0
//
// Transfer: all queues and messages of a data directory as lines of text, and back. The directory
// is opened as a store opens it, so no store may run on it meanwhile.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::store_daemon {

struct TransferCount {
    std::uint64_t queues = 0;
    std::uint64_t messages = 0;
    std::uint64_t repeats = 0;  // import: queues that were there already
    std::uint64_t lines = 0;    // import: all up to this one are in the store, or were passed over
    std::uint64_t doubtful = 0; // import: behind those, of lines up to this one some may be too
};
using TransferProgress = std::function<void(const TransferCount&)>;

// Gives each line, its '\n' included, to `write`. Dead letters are messages of their queue; what
// consumers held when the store stopped is ready again. Errors: those of LmdbStore and of `write`.
using LineWriter = std::function<Status(std::string_view)>;
Result<TransferCount> export_store(const std::filesystem::path& directory,
                                   const queue::LmdbOptions& options, const LineWriter& write,
                                   const TransferProgress& progress);

// Takes lines from `read` until it has none. Queues that are missing are made, with their
// properties when the lines have them; messages are put behind those that are there, with new ids.
// What was due or expires at a time still does. Lines before `from_line` (1: the first) are passed
// over. Stops at the first line that is wrong; what was before it is kept. `progress` is told of
// each turn that is on disk, and so, last of all, how far an import came that fails. Errors:
// malformed (naming the line); bad_option; disk_full; those of LmdbStore and of `read`.
using LineReader = std::function<Result<std::optional<std::string>>()>;
Result<TransferCount> import_store(const std::filesystem::path& directory,
                                   const queue::LmdbOptions& options, std::uint64_t from_line,
                                   const LineReader& read, const TransferProgress& progress);

} // namespace flotilla::store_daemon
