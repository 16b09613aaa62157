// SPDX-License-Identifier: Apache-2.0
//
// ServeLoop: the loop of a daemon that is one embeddable server: signals beside the server's
// descriptor, a drain with a deadline, what the supervisor is told, and the exit code.
#pragma once

#include "host/log.hpp"
#include "host/signals.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/poller.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flotilla::host {

// What is served; each call as the server's class says.
class Served {
public:
    virtual ~Served() = default;
    virtual std::string_view name() const noexcept = 0; // "broker": for event names
    virtual int fd() const noexcept = 0;
    virtual bool has_input() const noexcept = 0;
    virtual Duration wait_max() const noexcept = 0;
    virtual Status process(Duration wait) = 0;
    virtual Result<bool> drain(Duration wait) = 0; // true: nothing is left
    virtual void stop() = 0;
    virtual Fields counters() const = 0;
    virtual void report(const Log& log) const = 0; // SIGUSR1: whatever counters() do not say
    virtual void reload(const Log& log) = 0;       // SIGHUP
};

class ServeLoop {
public:
    // Longest that a stop takes is `drain`. Both must outlive the loop.
    ServeLoop(Served& served, const Log& log, Duration drain)
        : served_(served), log_(log), drain_(drain) {}

    // Serves until a signal ends it; `ready` are the fields of the line that says so. ok: drained;
    // not_flushed: a drain ended with something left, or a second signal; runtime_error: the
    // server failed.
    ExitCode run(Signals& signals, const Fields& ready);

private:
    void tell_supervisor(std::string_view state) const;
    std::string event(std::string_view what) const; // "broker_ready"
    void handle(Signal signal);
    void begin_drain();
    Status serve(Signals& signals);
    Status serve_some();
    Duration wait_now() const; // how long the loop may sleep

    Served& served_;
    const Log& log_;
    Duration drain_;
    net::Poller poller_{};
    std::optional<Instant> drain_until_{}; // while draining
    bool drained_ = false;
    bool stopped_at_once_ = false;
};

} // namespace flotilla::host
