// SPDX-License-Identifier: Apache-2.0
#include "host/serve_loop.hpp"

#include "host/lifecycle.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <algorithm>

namespace flotilla::host {
namespace {

// Between two looks at signals: so many turns of the server, or for so long.
constexpr int busy_turns_max = 16;
constexpr Duration busy_max = 20ms;

} // namespace

std::string ServeLoop::event(std::string_view what) const {
    return std::string(served_.name()) + "_" + std::string(what);
}

void ServeLoop::tell_supervisor(std::string_view state) const {
    if (const auto told = notify_supervisor(state); !told)
        log_.warning("supervisor_unreachable", {{"why", told.error().detail}});
}

void ServeLoop::handle(Signal signal) {
    switch (signal) {
    case Signal::report:
        log_.info(event("counters"), served_.counters());
        return served_.report(log_);
    case Signal::reload:
        return served_.reload(log_);
    case Signal::stop:
        break;
    }
    if (!drain_until_)
        return begin_drain();
    stopped_at_once_ = true;
}

void ServeLoop::begin_drain() {
    drain_until_ = deadline_after(net::now(), drain_);
    // Before anybody is told, so that whoever hears of it is refused; an error comes again below.
    (void)served_.drain(Duration::zero());
    log_.info("draining", {{"deadline", format_duration(drain_)}});
    tell_supervisor("STOPPING=1");
}

Duration ServeLoop::wait_now() const {
    if (served_.has_input())
        return Duration::zero();
    const Duration wait = served_.wait_max();
    return drain_until_ ? std::min(wait, time_left(net::now(), *drain_until_)) : wait;
}

// While there is input, the loop is not asked whether anything else happened.
Status ServeLoop::serve_some() {
    const Instant until = deadline_after(net::recent_now(), busy_max);
    for (int i = 0; i < busy_turns_max && net::recent_now() <= until; ++i) {
        if (Status served = served_.process(Duration::zero()); !served)
            return served;
        if (!served_.has_input())
            break;
    }
    return {};
}

Status ServeLoop::serve(Signals& signals) {
    poller_.on_readable(signals.descriptor(), [this, &signals] {
        while (const auto signal = signals.next())
            handle(*signal);
    });
    poller_.on_readable(served_.fd(), [] {}); // what there is to do is done below
    while (!stopped_at_once_ && !drained_) {
        if (Status turned = poller_.turn(wait_now()); !turned)
            return turned;
        if (Status served = serve_some(); !served)
            return served;
        if (!drain_until_)
            continue;
        auto done = served_.drain(Duration::zero());
        if (!done)
            return fail(done.error());
        drained_ = *done;
        if (!drained_ && net::now() >= *drain_until_)
            return {};
    }
    return {};
}

ExitCode ServeLoop::run(Signals& signals, const Fields& ready) {
    log_.info(event("ready"), ready);
    tell_supervisor("READY=1");
    const Status ended = serve(signals);
    poller_.forget(signals.descriptor());
    poller_.forget(served_.fd());
    const Fields last = served_.counters();
    served_.stop();
    log_.info(event("stopped"), last);
    if (!ended) {
        log_.error("transport_failed", {{"why", to_string(ended.error())}});
        return ExitCode::runtime_error;
    }
    return drained_ ? ExitCode::ok : ExitCode::not_flushed;
}

} // namespace flotilla::host
