// SPDX-License-Identifier: Apache-2.0
#include "broker/service.hpp"

#include "broker/report.hpp"
#include "host/lifecycle.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::broker_daemon {
namespace {

constexpr std::size_t services_logged_max = 1'000; // by one SIGUSR1
constexpr int busy_turns_max = 16;                 // of the broker, between two looks at signals

std::string joined(const std::vector<net::Endpoint>& endpoints) {
    std::string all;
    for (const net::Endpoint& each : endpoints)
        all += (all.empty() ? "" : ",") + each.text();
    return all;
}

} // namespace

std::function<void(const request::BrokerNotice&)> notice_log(const host::Log& log) {
    using Kind = request::BrokerNotice::Kind;
    return [&log, limits = std::map<Kind, host::RateLimit>{}](
               const request::BrokerNotice& notice) mutable {
        host::RateLimit& limit = limits.try_emplace(notice.kind, 1s).first->second;
        const auto left_out = limit.pass(net::now());
        if (!left_out)
            return;
        host::Fields fields;
        if (!notice.service.empty())
            fields.emplace_back("service", shown(notice.service));
        if (!notice.peer.empty())
            fields.emplace_back("peer", notice.peer);
        if (!notice.text.empty())
            fields.emplace_back("why", notice.text);
        if (*left_out > 0)
            fields.emplace_back("left_out", std::to_string(*left_out));
        log.write(level(notice.kind), request::name(notice.kind), fields);
    };
}

Service::Service(net::Context context, ServiceOptions options, const host::Log& log)
    : options_(std::move(options)), log_(&log), context_(std::move(context)) {}

Result<Service> Service::open(ServiceOptions options, const host::Log& log) {
    net::ContextOptions transport;
    transport.io_threads = options.io_threads;
    auto context = net::Context::open(transport);
    if (!context)
        return fail(context.error());
    Service service{std::move(*context), std::move(options), log};
    service.options_.broker.on_notice = notice_log(log);
    auto broker = request::Broker::open(service.context_, service.options_.broker);
    if (!broker)
        return fail(broker.error());
    service.broker_.emplace(std::move(*broker));
    for (const net::Endpoint& each : service.options_.bind) {
        auto bound = service.broker_->bind(each);
        if (!bound)
            return fail(bound.error());
        service.bound_.push_back(std::move(*bound));
    }
    return service;
}

std::string Service::ready_json() const {
    nlohmann::ordered_json all;
    all["event"] = "ready";
    all["endpoints"] = nlohmann::ordered_json::array();
    for (const net::Endpoint& each : bound_)
        all["endpoints"].push_back(each.text());
    return all.dump();
}

void Service::log_counters(std::string_view event) const {
    log_->info(event, counter_fields(broker_->counters(), broker_->levels()));
}

void Service::log_services() const {
    const auto all = broker_->services();
    const std::size_t logged = std::min(all.size(), services_logged_max);
    for (std::size_t i = 0; i < logged; ++i)
        log_->info("service_counters", service_fields(all[i]));
    if (logged < all.size())
        log_->info("service_counters_left_out",
                   {{"services", std::to_string(all.size() - logged)}});
}

void Service::tell_supervisor(std::string_view state) const {
    if (const auto told = host::notify_supervisor(state); !told)
        log_->warning("supervisor_unreachable", {{"why", told.error().detail}});
}

void Service::handle(host::Signal signal) {
    switch (signal) {
    case host::Signal::report:
        log_counters("broker_counters");
        return log_services();
    case host::Signal::reload:
        return log_->warning("reload_ignored", {{"why", "a broker reads its settings at start"}});
    case host::Signal::stop:
        break;
    }
    if (!drain_until_)
        return begin_drain();
    stopped_at_once_ = true;
}

void Service::begin_drain() {
    drain_until_ = deadline_after(net::now(), options_.drain);
    log_->info("draining", {{"deadline", format_duration(options_.drain)}});
    tell_supervisor("STOPPING=1");
}

Duration Service::wait_now() const {
    if (broker_->has_input())
        return Duration::zero();
    const Duration wait = broker_->wait_max();
    return drain_until_ ? std::min(wait, time_left(net::now(), *drain_until_)) : wait;
}

// While there is input, the loop is not asked whether anything else happened.
Status Service::serve_some() {
    for (int i = 0; i < busy_turns_max; ++i) {
        if (Status served = broker_->process(Duration::zero()); !served)
            return served;
        if (!broker_->has_input())
            break;
    }
    return {};
}

Status Service::serve(host::Signals& signals) {
    poller_.on_readable(signals.descriptor(), [this, &signals] {
        while (const auto signal = signals.next())
            handle(*signal);
    });
    poller_.on_readable(broker_->fd(), [] {}); // what there is to do is done below
    while (!stopped_at_once_ && !drained_) {
        if (Status turned = poller_.turn(wait_now()); !turned)
            return turned;
        if (Status served = serve_some(); !served)
            return served;
        if (!drain_until_)
            continue;
        auto done = broker_->drain(Duration::zero());
        if (!done)
            return fail(done.error());
        drained_ = *done;
        if (!drained_ && net::now() >= *drain_until_)
            return {};
    }
    return {};
}

ExitCode Service::run(host::Signals& signals) {
    log_->info("broker_ready", {{"endpoints", joined(bound_)}});
    tell_supervisor("READY=1");
    const Status ended = serve(signals);
    poller_.forget(signals.descriptor());
    poller_.forget(broker_->fd());
    const host::Fields last = counter_fields(broker_->counters(), broker_->levels());
    broker_->stop();
    log_->info("broker_stopped", last);
    if (!ended) {
        log_->error("transport_failed", {{"why", to_string(ended.error())}});
        return ExitCode::runtime_error;
    }
    return drained_ ? ExitCode::ok : ExitCode::not_flushed;
}

} // namespace flotilla::broker_daemon
