// SPDX-License-Identifier: Apache-2.0
//
// Service: the store of a process, recovered and bound, and what the loop of a daemon needs of it.
#pragma once

#include "host/log.hpp"
#include "host/serve_loop.hpp"
#include "host/signals.hpp"
#include "store/settings.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/queue/server.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::store_daemon {

struct ServiceOptions {
    queue::QueueServerOptions server{}; // its on_notice is ours
    queue::LmdbOptions store{};
    std::filesystem::path data{};
    std::vector<net::Endpoint> bind{};
    std::vector<DeclaredQueue> queues{};
    Duration drain = 5s;          // longest that a stop takes
    std::uint32_t io_threads = 1; // 1 to 16
};

class Service final : public host::Served {
public:
    // Recovers the store, declares the queues, then binds everything. `log` must outlive it.
    // Errors: those of LmdbStore and QueueServer.
    static Result<Service> open(ServiceOptions options, const host::Log& log);
    Service(Service&&) noexcept = default;

    // One JSON object: where it is bound, ports resolved, its doors included.
    std::string ready_json() const;
    // Serves until a signal ends it, as host::ServeLoop says; ok: no consumer held anything.
    ExitCode run(host::Signals& signals);

    std::string_view name() const noexcept override { return "store"; }
    int fd() const noexcept override { return server_->fd(); }
    bool has_input() const noexcept override { return server_->has_input(); }
    Duration wait_max() const noexcept override { return server_->wait_max(); }
    Status process(Duration wait) override { return server_->process(wait); }
    Result<bool> drain(Duration wait) override { return server_->drain(wait); }
    void stop() override { server_->stop(); }
    host::Fields counters() const override;
    void report(const host::Log& log) const override;
    void reload(const host::Log& log) override;

private:
    Service(net::Context context, ServiceOptions options, const host::Log& log);

    ServiceOptions options_;
    const host::Log* log_;
    net::Context context_;
    std::optional<queue::QueueServer> server_{};
    std::vector<net::Endpoint> bound_{};
};

// A callback that logs notices, of each kind at most one a second.
std::function<void(const queue::EngineOutputs::Notice&)> notice_log(const host::Log& log);

} // namespace flotilla::store_daemon
