// SPDX-License-Identifier: Apache-2.0
#include "broker/service.hpp"

#include "broker/columns.hpp"
#include "broker/report.hpp"
#include "host/listener.hpp"
#include "host/setting_name.hpp"
#include "host/transport.hpp"

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
            fields.emplace_back("left_out", *left_out);
        log.write(level(notice.kind), request::name(notice.kind), fields);
    };
}

Service::Service(net::Context context, admin::Admin admin, ServiceOptions options, host::Log& log)
    : options_(std::move(options)), log_(&log), context_(std::move(context)),
      admin_(std::move(admin)) {}

Result<Service> Service::open(ServiceOptions options, host::Log& log) {
    // First, so that it can be seen that the rest takes its time.
    auto admin = admin::Admin::open(options.admin, log);
    if (!admin)
        return fail(admin.error());
    auto context = host::open_context(options.settings, log);
    if (!context)
        return fail(context.error());
    auto access = host::AccessKeeper::open(options.settings);
    if (!access)
        return fail(access.error());
    Service service{std::move(*context), std::move(*admin), std::move(options), log};
    service.options_.broker.on_notice = notice_log(log);
    service.options_.broker.on_refused = [audit = service.admin_.audit()](const Refusal& refusal) {
        note(*audit, refusal);
    };
    service.options_.broker.security = access->security();
    service.options_.broker.permissions = access->permissions();
    service.access_.emplace(std::move(*access));
    service.admin_.office().set_permissions(service.access_->permissions());
    auto broker = request::Broker::open(service.context_, service.options_.broker);
    if (!broker)
        return fail(broker.error());
    service.broker_.emplace(std::move(*broker));
    for (const net::Endpoint& each : *service.options_.settings.bind) {
        auto bound = service.broker_->bind(each);
        if (!bound)
            return fail(host::about_setting("bind", bound.error()));
        service.bound_.push_back(std::move(*bound));
    }
    if (Status listens = service.admin_.listen(service.context_, service.access_->admin_security());
        !listens)
        return fail(listens.error());
    host::name_unused_listeners(service.context_, log);
    service.admin_.begin(); // who asks from now on waits for the loop
    return service;
}

std::string Service::ready_json() const {
    nlohmann::ordered_json all;
    all["event"] = "ready";
    all["endpoints"] = nlohmann::ordered_json::array();
    for (const net::Endpoint& each : bound_)
        all["endpoints"].push_back(each.text());
    for (const auto& [setting, place] : admin_.places())
        all[setting] = place;
    return all.dump();
}

Status Service::process(Duration wait) {
    if (access_->look(net::recent_now(), *log_))
        set_permissions();
    return broker_->process(wait);
}

void Service::set_permissions() {
    broker_->set_permissions(access_->permissions());
    admin_.office().set_permissions(access_->permissions());
}

std::vector<host::Fields> Service::counters() const {
    return {counter_fields(broker_->counters(), broker_->levels())};
}

void Service::attach(net::Poller& poller) {
    poller.on_readable(broker_->fd(), [] {}); // process() does what there is to do
    poller.on_readable(broker_->connection_fd(), [this] { broker_->hear_connections(); });
    admin_.attach(poller, *administration_);
}

void Service::detach(net::Poller& poller) {
    poller.forget(broker_->fd());
    poller.forget(broker_->connection_fd());
    admin_.detach(poller);
}

void Service::stop() {
    admin_.end();
    broker_->stop();
}

void Service::report(const host::Log& log) const {
    log.info("access_counters", access_->counters());
    const auto all = broker_->services();
    const std::size_t logged = std::min(all.size(), services_logged_max);
    for (std::size_t i = 0; i < logged; ++i)
        log.info("service_counters", service_fields(all[i]));
    if (logged < all.size())
        log.info("service_counters_left_out", {{"services", all.size() - logged}});
}

std::string Service::status() const {
    const request::BrokerLevels now = broker_->levels();
    return std::to_string(now.services) + " services, " + std::to_string(now.workers) +
           " workers, " + std::to_string(now.queued) + " requests waiting, " +
           std::to_string(now.running) + " running";
}

ExitCode Service::run(host::Signals& signals) {
    host::ServeLoop loop(*this, *log_, *options_.settings.drain, admin_.and_own(bound_));
    Administration administration({program_name, admin_.instance(), bound_, access_->gates(),
                                   [this] { return access_->stale_why(); }},
                                  loop, *broker_);
    administration_ = &administration;
    return loop.run(signals, {{{"endpoints", net::joined(bound_)}}});
}

} // namespace flotilla::broker_daemon
