// SPDX-License-Identifier: Apache-2.0
//
// Administration: relays as their administrators see and order them (docs/protocol/admin.md). One
// thread, the loop's.
#pragma once

#include "admin/daemon.hpp"

#include <flotilla/relay/relay.hpp>

#include <vector>

namespace flotilla::relay_daemon {

class Administration final : public admin::Daemon {
public:
    // `relays` must outlive it.
    Administration(admin::Daemon::Identity identity, host::ServeLoop& loop,
                   std::vector<relay::Relay>& relays)
        : Daemon(std::move(identity), loop), relays_(relays) {}

private:
    void show(const admin::Wanted& wanted, admin::Snapshot& snapshot) const override;
    void obey_own(const admin::Order& order, std::function<void(admin::Answer)> answered) override;

    std::vector<relay::Relay>& relays_;
};

} // namespace flotilla::relay_daemon
