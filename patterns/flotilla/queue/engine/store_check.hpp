// SPDX-License-Identifier: Apache-2.0
//
// Reads every row of a store: its key, its checksum, the rows that must be there beside it, and
// whether a queue holds as many messages as its state says. For verify, and for tests, after any
// commit: what it finds must be nothing.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>

namespace flotilla::queue {

// `bytes`: about how much there is, for `progress`. Errors: those of the snapshot.
Result<VerifyReport> check_rows(const Snapshot& snapshot, std::uint64_t bytes = 0,
                                const StoreProgress& progress = {});

} // namespace flotilla::queue
