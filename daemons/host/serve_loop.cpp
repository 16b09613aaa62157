// SPDX-License-Identifier: Apache-2.0
#include "host/serve_loop.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <algorithm>

namespace flotilla::host {
namespace {

// Between two looks at signals: so many turns of the server, or for so long.
constexpr int busy_turns_max = 16;
constexpr Duration busy_max = 20ms;

} // namespace

ServeLoop::ServeLoop(Served& served, Log& log, Duration drain,
                     const std::vector<net::Endpoint>& bound)
    : served_(served), log_(log), supervisor_(log), drain_(drain), socket_files_(bound) {}

std::string ServeLoop::event(std::string_view what) const {
    return std::string(served_.name()) + "_" + std::string(what);
}

std::string ServeLoop::status() const {
    return (is_draining() ? "Draining: " : "Serving: ") + served_.status();
}

void ServeLoop::handle(Signal signal) {
    switch (signal) {
    case Signal::report:
        for (const Fields& fields : served_.counters())
            log_.info(event("counters"), fields);
        return served_.report(log_);
    case Signal::reload:
        (void)reload(); // it was logged
        return;
    case Signal::stop:
        break;
    }
    if (is_draining())
        stopped_at_once_ = true;
    else
        order_drain();
}

Result<Reloaded> ServeLoop::reload() {
    supervisor_.reloading(net::now());
    auto done = served_.reload();
    if (done) {
        log_.set(done->loop.log_level, done->loop.log_format);
        drain_ = done->loop.drain;
        reload_failure_.clear();
        restart_needed_ = done->restart_needed;
        log_.info("reloaded", {{"changed", listed(done->changed)}});
        if (!done->restart_needed.empty())
            log_.warning("restart_needed", {{"settings", listed(done->restart_needed)}});
    } else {
        reload_failure_ = done.error().detail;
        log_.error("reload_failed", {{"why", reload_failure_}});
    }
    const std::string now = done ? status() : "The old settings hold: " + done.error().detail;
    if (is_draining())
        supervisor_.stopping(now);
    else
        supervisor_.ready(now);
    return done;
}

Duration ServeLoop::order_drain() {
    if (drain_until_)
        return time_left(net::now(), *drain_until_);
    drain_until_ = deadline_after(net::now(), drain_);
    // Before anybody is told, so that whoever hears of it is refused; an error comes again below.
    (void)served_.drain(drain_);
    log_.info("draining", {{"deadline", format_duration(drain_)}});
    supervisor_.stopping(status());
    return drain_;
}

Duration ServeLoop::wait_now() const {
    if (served_.has_input())
        return Duration::zero();
    const Instant until = std::min(drain_until_.value_or(never), supervisor_.next());
    const Duration wait = served_.wait_max();
    return until == never ? wait : std::min(wait, time_left(net::now(), until));
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

void ServeLoop::look_at_socket_files() {
    for (const SocketFiles::Change& each : socket_files_.look(net::recent_now()))
        if (each.is_gone)
            log_.error("listener_lost",
                       {{"endpoint", each.endpoint},
                        {"why", "its socket file was deleted or replaced: those who are connected "
                                "are served, nobody new gets in; restart"}});
        else
            log_.info("listener_found", {{"endpoint", each.endpoint}});
}

Status ServeLoop::serve(Signals& signals) {
    poller_.on_readable(signals.descriptor(), [this, &signals] {
        while (const auto signal = signals.next())
            handle(*signal);
    });
    served_.attach(poller_);
    while (!stopped_at_once_ && !drained_) {
        if (Status turned = poller_.turn(wait_now()); !turned)
            return turned;
        if (Status served = serve_some(); !served)
            return served;
        memory_.turned(net::recent_now());
        look_at_socket_files();
        if (supervisor_.next() != never)
            supervisor_.turned(net::now(), [this] { return status(); });
        if (!drain_until_)
            continue;
        auto done = served_.drain(time_left(net::now(), *drain_until_));
        if (!done)
            return fail(done.error());
        drained_ = *done;
        if (!drained_ && net::now() >= *drain_until_)
            return {};
    }
    return {};
}

ExitCode ServeLoop::run(Signals& signals, const std::vector<Fields>& ready) {
    for (const Fields& fields : ready)
        log_.info(event("ready"), fields);
    supervisor_.ready(status());
    const Status ended = serve(signals);
    poller_.forget(signals.descriptor());
    served_.detach(poller_);
    const std::vector<Fields> last = served_.counters();
    const bool is_handed_on = drained_ && !served_.has_lost();
    served_.stop();
    const bool is_all_done = is_handed_on && served_.flush(*drain_until_);
    for (Fields fields : last) {
        fields.insert(fields.begin(), {"drained", is_all_done ? "yes" : "no"});
        if (is_handed_on && !is_all_done)
            fields.emplace_back("why", "peers had not read everything when the drain was over");
        if (is_all_done)
            log_.info(event("stopped"), fields);
        else
            log_.warning(event("stopped"), fields);
    }
    if (!ended) {
        log_.error("transport_failed", {{"why", to_string(ended.error())}});
        return ExitCode::runtime_error;
    }
    return is_all_done ? ExitCode::ok : ExitCode::not_flushed;
}

} // namespace flotilla::host
