// SPDX-License-Identifier: Apache-2.0
//
// Service: the relays of one process on one loop, from the ready line to the last counter.
#pragma once

#include "admin/service_options.hpp"
#include "host/access_keeper.hpp"
#include "host/log.hpp"
#include "host/serve_loop.hpp"
#include "host/signals.hpp"
#include "relay/administration.hpp"
#include "relay/settings.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/relay/relay.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::relay_daemon {

struct ServiceOptions : admin::ServiceOptions<DaemonSettings> {
    std::vector<relay::RelayOptions> relays{};
};

class Service final : public host::Served {
public:
    // Opens every relay. `log` must outlive it. Errors: those of Relay::open.
    static Result<Service> open(ServiceOptions options, host::Log& log);
    Service(Service&&) noexcept = default;

    // One JSON object: what is attached where, ports resolved.
    std::string ready_json() const;
    // Serves until a signal ends it, as host::ServeLoop says; ok: everything that had arrived was
    // handed on.
    ExitCode run(host::Signals& signals);

    std::string_view name() const noexcept override { return "relay"; }
    void attach(net::Poller& poller) override;
    void detach(net::Poller& poller) override; // of relays stop() does
    bool has_input() const noexcept override { return false; }
    Duration wait_max() const noexcept override { return host::AccessKeeper::look_every; }
    Status process(Duration wait) override; // of access; the poller calls the relays
    Result<bool> drain(Duration left) override;
    bool has_lost() const override;
    void stop() override;
    bool flush(Instant drain_end) override;
    std::vector<host::Fields> counters() const override;
    void report(const host::Log&) const override {}
    std::string status() const override;
    Result<host::Reloaded> reload() override;

private:
    Status guard(relay::RelayOptions& options, const RelaySettings& settings);
    void set_permissions(); // those of access_, wherever they are asked
    std::string stale_access() const;
    Service(net::Context context, admin::Admin admin, ServiceOptions options, host::Log& log);

    ServiceOptions options_;
    host::Log* log_;
    std::optional<net::Context> context_; // until flush()
    admin::Admin admin_;
    Administration* administration_ = nullptr; // while it runs
    std::vector<host::AccessKeeper> access_{}; // one for each relay
    std::vector<relay::Relay> relays_{};
    bool draining_ = false;
    std::size_t drained_ = 0;
};

} // namespace flotilla::relay_daemon
