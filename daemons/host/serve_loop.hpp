// SPDX-License-Identifier: Apache-2.0
//
// ServeLoop: the loop of a daemon: signals beside what is served, a reload, a drain with a
// deadline, what the supervisor is told, and the exit code.
//
//     starting --run()--> ready --stop, order_drain()--> draining --nothing left, deadline--> ended
//                         |  ^
//                         reload: all or nothing; ready (or draining) again either way
#pragma once

#include "host/freed_memory.hpp"
#include "host/log.hpp"
#include "host/reload.hpp"
#include "host/signals.hpp"
#include "host/socket_files.hpp"
#include "host/supervisor.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/poller.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::host {

// What is served; each call as the server's class says. All of them come from the loop.
class Served {
public:
    virtual ~Served() = default;
    virtual std::string_view name() const noexcept = 0; // "broker": for event names
    // Registers what wakes the loop; and takes it back, before the poller ends.
    virtual void attach(net::Poller& poller) = 0;
    virtual void detach(net::Poller& poller) = 0;
    virtual bool has_input() const noexcept = 0;
    virtual Duration wait_max() const noexcept = 0;
    virtual Status process(Duration wait) = 0;
    // Called every turn of a drain, with what is left of its time; never waits. True: nothing is
    // left to do.
    virtual Result<bool> drain(Duration left) = 0;
    // A drain has ended, and what it could not hand on is lost.
    virtual bool has_lost() const { return false; }
    virtual void stop() = 0;
    // Behind stop(), when nothing was lost until then: waits for what sockets have still to send,
    // until `drain_end` at most. False: that was not enough.
    virtual bool flush(Instant /*drain_end*/) { return true; }
    // Each a line of the log, at SIGUSR1 and at the end.
    virtual std::vector<Fields> counters() const = 0;
    virtual void report(const Log& log) const = 0; // SIGUSR1: whatever counters() do not say
    virtual std::string status() const = 0;        // "12 queues, 3 sessions": for the supervisor
    // Errors leave everything as it was.
    virtual Result<Reloaded> reload() = 0;
};

class ServeLoop {
public:
    // Both must outlive the loop. `bound`: where whoever is served connects to.
    ServeLoop(Served& served, Log& log, Duration drain, const std::vector<net::Endpoint>& bound);

    // Serves until a signal or an order ends it; `ready` are the fields of the lines that say so.
    // ok: drained; not_flushed: a drain ended with something left, or a second signal;
    // runtime_error: the server failed.
    ExitCode run(Signals& signals, const std::vector<Fields>& ready);

    // As SIGHUP does; logs `reloaded` or `reload_failed`. From the loop's thread, as the next two.
    Result<Reloaded> reload();
    // Why the last reload failed, so that older settings hold; empty: it did not.
    const std::string& reload_failure() const noexcept { return reload_failure_; }
    // What the last one that succeeded left for a restart.
    const std::vector<std::string>& restart_needed() const noexcept { return restart_needed_; }
    // As the first SIGTERM does. Returns how long it may take; again: what is left of it.
    Duration order_drain();
    bool is_draining() const noexcept { return drain_until_.has_value(); }
    // Listeners that nobody new finds, for their files are gone.
    std::vector<std::string> lost_listeners() const { return socket_files_.gone(); }

private:
    std::string event(std::string_view what) const; // "broker_ready"
    void handle(Signal signal);
    Status serve(Signals& signals);
    Status serve_some();
    void look_at_socket_files();
    Duration wait_now() const; // how long the loop may sleep
    std::string status() const;

    Served& served_;
    Log& log_;
    Supervisor supervisor_;
    Duration drain_;
    SocketFiles socket_files_;
    FreedMemory memory_{};
    net::Poller poller_{};
    std::optional<Instant> drain_until_{}; // while draining
    std::string reload_failure_{};
    std::vector<std::string> restart_needed_{};
    bool drained_ = false;
    bool stopped_at_once_ = false;
};

} // namespace flotilla::host
