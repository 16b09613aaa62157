// SPDX-License-Identifier: Apache-2.0
#include "broker/service.hpp"

#include "broker/report.hpp"
#include "host/listener.hpp"

#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::broker_daemon {
namespace {

constexpr std::size_t services_logged_max = 1'000; // by one SIGUSR1

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

host::Fields Service::counters() const {
    return counter_fields(broker_->counters(), broker_->levels());
}

void Service::report(const host::Log& log) const {
    const auto all = broker_->services();
    const std::size_t logged = std::min(all.size(), services_logged_max);
    for (std::size_t i = 0; i < logged; ++i)
        log.info("service_counters", service_fields(all[i]));
    if (logged < all.size())
        log.info("service_counters_left_out", {{"services", std::to_string(all.size() - logged)}});
}

void Service::reload(const host::Log& log) {
    log.warning("reload_ignored", {{"why", "a broker reads its settings at start"}});
}

ExitCode Service::run(host::Signals& signals) {
    host::ServeLoop loop(*this, *log_, options_.drain);
    return loop.run(signals, {{"endpoints", host::joined(bound_)}});
}

} // namespace flotilla::broker_daemon
