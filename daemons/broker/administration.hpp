// SPDX-License-Identifier: Apache-2.0
//
// Administration: a broker as its administrators see it (docs/protocol/admin.md). One thread, the
// loop's.
#pragma once

#include "admin/daemon.hpp"

#include <flotilla/request/broker.hpp>

namespace flotilla::broker_daemon {

class Administration final : public admin::Daemon {
public:
    // `broker` must outlive it.
    Administration(admin::Daemon::Identity identity, host::ServeLoop& loop,
                   const request::Broker& broker)
        : Daemon(std::move(identity), loop), broker_(broker) {}

private:
    void show(const admin::Wanted& wanted, admin::Snapshot& snapshot) const override;
    void obey_own(const admin::Order&, std::function<void(admin::Answer)> answered) override {
        answered(admin::unknown_verb());
    }

    const request::Broker& broker_;
};

} // namespace flotilla::broker_daemon
