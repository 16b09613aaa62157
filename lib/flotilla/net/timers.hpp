// SPDX-License-Identifier: Apache-2.0
//
// Timers: deadlines and what they are for. Pure: it is told the time.
//
// At most timers_max at once; add beyond it is a broken invariant of the caller.
#pragma once

#include <flotilla/base/id.hpp>
#include <flotilla/base/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace flotilla::net {

using TimerId = Id<struct TimerTag>;

class Timers {
public:
    static constexpr std::size_t timers_max = 100'000;
    using Handler = std::function<void()>;

    TimerId add(Instant deadline, Handler handler);
    // First at `now + interval`, then every interval; after a long pause it fires once, not for
    // each interval missed. `interval` is positive.
    TimerId repeat(Instant now, Duration interval, Handler handler);
    // False when it has fired for good or was cancelled.
    bool cancel(TimerId id);

    // The earliest deadline, or never.
    Instant next() const noexcept;
    // Runs what is due at `now`, in order of deadline. A handler may add and cancel; what it adds
    // runs in a later call at the earliest. Returns how many ran.
    std::size_t run_due(Instant now);
    std::size_t size() const noexcept { return timers_.size(); }

private:
    struct Timer {
        Instant deadline;
        Duration interval; // zero: once
        Handler handler;
    };
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, Timer> timers_;
    std::map<std::pair<Instant, std::uint64_t>, std::uint64_t> order_;
};

} // namespace flotilla::net
