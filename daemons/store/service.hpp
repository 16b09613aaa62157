// SPDX-License-Identifier: Apache-2.0
//
// Service: the store of a process, recovered and bound, and what the loop of a daemon needs of it.
#pragma once

#include "admin/service_options.hpp"
#include "host/access_keeper.hpp"
#include "host/log.hpp"
#include "host/serve_loop.hpp"
#include "host/signals.hpp"
#include "store/administration.hpp"
#include "store/settings.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/queue/server.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::store_daemon {

struct ServiceOptions : admin::ServiceOptions<DaemonSettings> {
    queue::QueueServerOptions server{}; // its on_notice is ours
    queue::LmdbOptions store{};
};

class Service final : public host::Served {
public:
    // Recovers the store, declares the queues, then binds everything. `log` must outlive it.
    // Errors: those of LmdbStore and QueueServer.
    static Result<Service> open(ServiceOptions options, host::Log& log);
    Service(Service&&) noexcept = default;

    // One JSON object: where it is bound, ports resolved, its doors included.
    std::string ready_json() const;
    // Serves until a signal ends it, as host::ServeLoop says; ok: no consumer held anything.
    ExitCode run(host::Signals& signals);

    std::string_view name() const noexcept override { return "store"; }
    void attach(net::Poller& poller) override;
    void detach(net::Poller& poller) override;
    bool has_input() const noexcept override { return server_->has_input(); }
    Duration wait_max() const noexcept override { return server_->wait_max(); }
    Status process(Duration wait) override;
    Result<bool> drain(Duration) override { return server_->drain(Duration::zero()); }
    void stop() override;
    std::vector<host::Fields> counters() const override;
    void report(const host::Log& log) const override;
    std::string status() const override;
    Result<host::Reloaded> reload() override;

private:
    void set_permissions(); // those of access_, wherever they are asked
    Status declare(const std::vector<DeclaredQueue>& queues);
    bool may_have(const std::string& queue) const; // now, or as soon as somebody wants it
    void warn_of_absent_queues() const;
    Service(net::Context context, admin::Admin admin, ServiceOptions options, host::Log& log);

    ServiceOptions options_;
    host::Log* log_;
    net::Context context_;
    std::optional<host::AccessKeeper> access_{};
    admin::Admin admin_;
    Administration* administration_ = nullptr; // while it runs
    const queue::LmdbStore* disk_ = nullptr;   // the server's
    bool was_told_deleted_ = false;
    std::optional<queue::QueueServer> server_{};
    std::vector<net::Endpoint> bound_{};
};

// A callback that logs notices, of each kind at most one a second.
std::function<void(const queue::EngineOutputs::Notice&)> notice_log(const host::Log& log);

} // namespace flotilla::store_daemon
