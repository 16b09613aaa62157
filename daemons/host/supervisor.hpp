// SPDX-License-Identifier: Apache-2.0
//
// Supervisor: what a daemon tells the one who started it (systemd, or whoever speaks sd_notify):
// ready, reloading, stopping, one sentence of status, and that its loop still turns.
//
// The last is the loop's own word: a loop that hangs says nothing, and the supervisor that asked
// with WATCHDOG_USEC ends the process. Nobody asked: nothing is said. One thread.
#pragma once

#include "host/log.hpp"

#include <flotilla/base/time.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace flotilla::host {

class Supervisor {
public:
    // Reads WATCHDOG_USEC and WATCHDOG_PID. `log` must outlive it; it is told once when the
    // supervisor cannot be reached, or does not read. Nothing here waits for it.
    explicit Supervisor(const Log& log);

    void starting(std::string_view status);
    void ready(std::string_view status);
    // Until the next ready(). `now` is the start of the reload.
    void reloading(Instant now);
    void stopping(std::string_view status);

    // A turn of the loop is done: says so when half of what the watchdog allows has passed.
    // `status` is a function, asked only then.
    template <class Status>
    void turned(Instant now, Status&& status) {
        if (now < next_)
            return;
        if (owed_.empty())
            (void)tell("WATCHDOG=1\nSTATUS=" + std::string(status()));
        else
            say(std::move(owed_));
        next_ = deadline_after(now, owed_.empty() ? interval_ : owed_again);
    }
    // The loop may sleep at most until then; `never` without a watchdog, and nothing owed.
    Instant next() const noexcept { return next_; }

private:
    static constexpr Duration owed_again = std::chrono::seconds{1};

    void say(std::string state); // now, or as soon as it can be
    bool tell(const std::string& state);

    const Log& log_;
    Duration interval_ = no_limit;
    Instant next_ = never;
    std::string owed_{};       // what it could not be told yet
    bool unreachable_ = false; // and that was said
};

} // namespace flotilla::host
