// SPDX-License-Identifier: Apache-2.0
//
// Service: the relays of one process on one loop, from the ready line to the last counter.
#pragma once

#include "host/log.hpp"
#include "host/signals.hpp"
#include "relay/settings.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/relay/relay.hpp>

#include <vector>

namespace flotilla::relay_daemon {

struct ServiceOptions {
    std::vector<relay::RelayOptions> relays{};
    Duration drain = 5s;          // longest that a stop takes
    std::uint32_t io_threads = 1; // 1 to 16
};

class Service {
public:
    // Opens every relay. Errors: those of Relay::open.
    static Result<Service> open(ServiceOptions options, const host::Log& log);

    // One JSON object: what is attached where, ports resolved.
    std::string ready_json() const;
    // Serves until a signal ends it. ok: everything that had arrived was handed on; not_flushed: a
    // drain ended with messages left; runtime_error: the transport failed.
    ExitCode run(host::Signals& signals);

private:
    Service(net::Context context, ServiceOptions options, const host::Log& log);
    void log_ready() const;
    void log_counters(std::string_view event) const;
    void handle(host::Signal signal);
    void drain();

    ServiceOptions options_;
    const host::Log* log_;
    net::Context context_;
    net::Poller poller_{};
    std::vector<relay::Relay> relays_{};
    bool draining_ = false;
    bool stopped_at_once_ = false;
    std::size_t drained_ = 0;
};

} // namespace flotilla::relay_daemon
