// SPDX-License-Identifier: Apache-2.0
//
// Administration: a store as its administrators see and order it (docs/protocol/admin.md). One
// thread, the loop's.
#pragma once

#include "admin/daemon.hpp"

#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/server.hpp>

#include <cstdint>

namespace flotilla::store_daemon {

struct StoreParts {
    queue::QueueServer& server;
    const queue::LmdbStore& disk; // the server's
    std::uint64_t disk_reserve_bytes = 0;
};

class Administration final : public admin::Daemon {
public:
    // `parts` must outlive it.
    Administration(admin::Daemon::Identity identity, host::ServeLoop& loop, StoreParts parts)
        : Daemon(std::move(identity), loop), parts_(parts) {}

private:
    void show(const admin::Wanted& wanted, admin::Snapshot& snapshot) const override;
    void obey_own(const admin::Order& order, std::function<void(admin::Answer)> answered) override;

    StoreParts parts_;
};

inline constexpr std::string_view deleted_text =
    "the files of this store were deleted while it runs: puts are refused; take what "
    "is in its queues, or export it, for it is gone when this process ends";
// Why a store takes no puts, if so: a sentence each.
std::vector<std::string> not_ready(const queue::EngineLevels& levels, const queue::LmdbLevels& disk,
                                   std::uint64_t disk_reserve_bytes);

} // namespace flotilla::store_daemon
