// SPDX-License-Identifier: Apache-2.0
//
// Service: the broker of a process, bound, and what the loop of a daemon needs of it.
#pragma once

#include "host/log.hpp"
#include "host/rate_limit.hpp"
#include "host/serve_loop.hpp"
#include "host/signals.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/request/broker.hpp>

#include <map>
#include <optional>
#include <vector>

namespace flotilla::broker_daemon {

struct ServiceOptions {
    request::BrokerOptions broker{}; // its on_notice is ours
    std::vector<net::Endpoint> bind{};
    Duration drain = 5s;          // longest that a stop takes
    std::uint32_t io_threads = 1; // 1 to 16
};

class Service final : public host::Served {
public:
    // Binds everything. `log` must outlive it. Errors: those of Broker.
    static Result<Service> open(ServiceOptions options, const host::Log& log);
    Service(Service&&) noexcept = default;

    // One JSON object: where it is bound, ports resolved.
    std::string ready_json() const;
    // Serves until a signal ends it, as host::ServeLoop says; ok: everything accepted was answered.
    ExitCode run(host::Signals& signals);

    std::string_view name() const noexcept override { return "broker"; }
    int fd() const noexcept override { return broker_->fd(); }
    bool has_input() const noexcept override { return broker_->has_input(); }
    Duration wait_max() const noexcept override { return broker_->wait_max(); }
    Status process(Duration wait) override { return broker_->process(wait); }
    Result<bool> drain(Duration wait) override { return broker_->drain(wait); }
    void stop() override { broker_->stop(); }
    host::Fields counters() const override;
    void report(const host::Log& log) const override;
    void reload(const host::Log& log) override;

private:
    Service(net::Context context, ServiceOptions options, const host::Log& log);

    ServiceOptions options_;
    const host::Log* log_;
    net::Context context_;
    std::optional<request::Broker> broker_{};
    std::vector<net::Endpoint> bound_{};
};

// A callback that logs notices, of each kind at most one a second.
std::function<void(const request::BrokerNotice&)> notice_log(const host::Log& log);

} // namespace flotilla::broker_daemon
