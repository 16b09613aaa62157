// SPDX-License-Identifier: Apache-2.0
//
// Service: the broker of a process on one loop, from the ready line to the last counter.
#pragma once

#include "host/log.hpp"
#include "host/rate_limit.hpp"
#include "host/signals.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/request/broker.hpp>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::broker_daemon {

struct ServiceOptions {
    request::BrokerOptions broker{}; // its on_notice is ours
    std::vector<net::Endpoint> bind{};
    Duration drain = 5s;          // longest that a stop takes
    std::uint32_t io_threads = 1; // 1 to 16
};

class Service {
public:
    // Binds everything. `log` must outlive it. Errors: those of Broker.
    static Result<Service> open(ServiceOptions options, const host::Log& log);

    // One JSON object: where it is bound, ports resolved.
    std::string ready_json() const;
    // Serves until a signal ends it. ok: everything accepted was answered; not_flushed: a drain
    // ended with requests left; runtime_error: the transport failed.
    ExitCode run(host::Signals& signals);

private:
    Service(net::Context context, ServiceOptions options, const host::Log& log);
    void log_counters(std::string_view event) const;
    void log_services() const;
    void tell_supervisor(std::string_view state) const;
    void handle(host::Signal signal);
    void begin_drain();
    Status serve(host::Signals& signals);
    Status serve_some();
    // How long the loop may sleep.
    Duration wait_now() const;

    ServiceOptions options_;
    const host::Log* log_;
    net::Context context_;
    net::Poller poller_{};
    std::optional<request::Broker> broker_{};
    std::vector<net::Endpoint> bound_{};
    std::optional<Instant> drain_until_{}; // while draining
    bool drained_ = false;
    bool stopped_at_once_ = false;
};

// A callback that logs notices, of each kind at most one a second.
std::function<void(const request::BrokerNotice&)> notice_log(const host::Log& log);

} // namespace flotilla::broker_daemon
