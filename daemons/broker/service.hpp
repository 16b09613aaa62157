// SPDX-License-Identifier: Apache-2.0
//
// Service: the broker of a process, bound, and what the loop of a daemon needs of it.
#pragma once

#include "admin/service_options.hpp"
#include "broker/administration.hpp"
#include "broker/settings.hpp"
#include "host/access_keeper.hpp"
#include "host/log.hpp"
#include "host/rate_limit.hpp"
#include "host/serve_loop.hpp"
#include "host/signals.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/request/broker.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::broker_daemon {

struct ServiceOptions : admin::ServiceOptions<DaemonSettings> {
    request::BrokerOptions broker{}; // its on_notice is ours
};

class Service final : public host::Served {
public:
    // Binds everything. `log` must outlive it. Errors: those of Broker.
    static Result<Service> open(ServiceOptions options, host::Log& log);
    Service(Service&&) noexcept = default;

    // One JSON object: where it is bound, ports resolved.
    std::string ready_json() const;
    // Serves until a signal ends it, as host::ServeLoop says; ok: everything accepted was answered.
    ExitCode run(host::Signals& signals);

    std::string_view name() const noexcept override { return "broker"; }
    void attach(net::Poller& poller) override;
    void detach(net::Poller& poller) override;
    bool has_input() const noexcept override { return broker_->has_input(); }
    Duration wait_max() const noexcept override { return broker_->wait_max(); }
    Status process(Duration wait) override;
    Result<bool> drain(Duration) override { return broker_->drain(Duration::zero()); }
    void stop() override;
    std::vector<host::Fields> counters() const override;
    void report(const host::Log& log) const override;
    std::string status() const override;
    Result<host::Reloaded> reload() override;

private:
    void set_permissions(); // those of access_, wherever they are asked
    Service(net::Context context, admin::Admin admin, ServiceOptions options, host::Log& log);

    ServiceOptions options_;
    host::Log* log_;
    net::Context context_;
    std::optional<host::AccessKeeper> access_{};
    admin::Admin admin_;
    Administration* administration_ = nullptr; // while it runs
    std::optional<request::Broker> broker_{};
    std::vector<net::Endpoint> bound_{};
};

// A callback that logs notices, of each kind at most one a second.
std::function<void(const request::BrokerNotice&)> notice_log(const host::Log& log);

} // namespace flotilla::broker_daemon
