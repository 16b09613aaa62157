// SPDX-License-Identifier: Apache-2.0
#include "relay/service.hpp"

#include "host/lifecycle.hpp"
#include "host/rate_limit.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace flotilla::relay_daemon {
namespace {

using relay::Side;

std::string joined(const std::vector<net::Endpoint>& endpoints) {
    std::string all;
    for (const net::Endpoint& each : endpoints)
        all += (all.empty() ? "" : ",") + each.text();
    return all;
}

std::vector<std::string> texts(const std::vector<net::Endpoint>& endpoints) {
    std::vector<std::string> all;
    for (const net::Endpoint& each : endpoints)
        all.push_back(each.text());
    return all;
}

// What a failed handshake means to the side that saw it, and what to look at.
std::string explained(const net::ConnectionEvent& event, bool connects) {
    using Kind = net::ConnectionEvent::Kind;
    if (connects || event.kind == Kind::accept_failed)
        return explain(event);
    switch (event.kind) {
    case Kind::handshake_failed_auth:
        return "a client was refused: its key is not in the allow-list";
    case Kind::handshake_failed_protocol:
        return "a client broke the handshake; check that both sides use CURVE or neither, and that "
               "it has our public key as its server key";
    default:
        return "a client closed during the handshake; it may not speak ZeroMQ, or only one side "
               "has CURVE keys";
    }
}

bool is_failure(net::ConnectionEvent::Kind kind) {
    using Kind = net::ConnectionEvent::Kind;
    return kind == Kind::accept_failed || kind == Kind::handshake_failed_no_detail ||
           kind == Kind::handshake_failed_protocol || kind == Kind::handshake_failed_auth;
}

// A callback that logs failures of one relay's connections, at most one line a second.
auto connection_log(const relay::RelayOptions& options, const host::Log& log) {
    const auto connects = [](const relay::SideOptions& side) {
        return side.attachments.front().how == net::Attach::connect;
    };
    return [&log, limit = host::RateLimit(1s), name = options.name,
            connects = std::array{connects(options.frontend), connects(options.backend)}](
               Side side, const net::ConnectionEvent& event) mutable {
        if (!is_failure(event.kind))
            return log.debug("connection", {{"name", name},
                                            {"side", std::string(relay::name(side))},
                                            {"event", std::string(net::name(event.kind))},
                                            {"endpoint", event.endpoint}});
        const auto left_out = limit.pass(net::now());
        if (!left_out)
            return;
        host::Fields fields{{"name", name},
                            {"side", std::string(relay::name(side))},
                            {"endpoint", event.endpoint},
                            {"reason", std::string(net::name(event.kind))},
                            {"why", explained(event, connects[std::size_t(side)])}};
        if (*left_out > 0)
            fields.emplace_back("left_out", std::to_string(*left_out));
        log.warning("connection_failed", fields);
    };
}

bool lost_something(const relay::Relay& relay) {
    const relay::Counters counters = relay.counters();
    return counters.in.dropped(relay::Drop::not_drained) +
               counters.out.dropped(relay::Drop::not_drained) >
           0;
}

} // namespace

Service::Service(net::Context context, ServiceOptions options, const host::Log& log)
    : options_(std::move(options)), log_(&log), context_(std::move(context)) {}

Result<Service> Service::open(ServiceOptions options, const host::Log& log) {
    net::ContextOptions transport;
    transport.io_threads = options.io_threads;
    auto context = net::Context::open(transport);
    if (!context)
        return fail(context.error());
    Service service{std::move(*context), std::move(options), log};
    for (relay::RelayOptions& each : service.options_.relays) {
        each.on_connection = connection_log(each, log);
        auto opened = relay::Relay::open(service.context_, each);
        if (!opened)
            return fail(opened.error());
        service.relays_.push_back(std::move(*opened));
    }
    return service;
}

std::string Service::ready_json() const {
    nlohmann::ordered_json all;
    all["event"] = "ready";
    all["relays"] = nlohmann::ordered_json::array();
    for (const relay::Relay& each : relays_) {
        nlohmann::ordered_json one;
        one["name"] = each.options().name;
        one["kind"] = std::string(name(each.options().kind));
        one["frontend"] = texts(each.endpoints(Side::frontend));
        one["backend"] = texts(each.endpoints(Side::backend));
        if (!each.capture_endpoints().empty())
            one["capture"] = texts(each.capture_endpoints());
        all["relays"].push_back(std::move(one));
    }
    return all.dump();
}

void Service::log_ready() const {
    for (const relay::Relay& each : relays_) {
        host::Fields fields{{"name", each.options().name},
                            {"kind", std::string(name(each.options().kind))},
                            {"frontend", joined(each.endpoints(Side::frontend))},
                            {"backend", joined(each.endpoints(Side::backend))}};
        if (!each.capture_endpoints().empty())
            fields.emplace_back("capture", joined(each.capture_endpoints()));
        log_->info("relay_ready", fields);
    }
}

void Service::log_counters(std::string_view event) const {
    for (const relay::Relay& each : relays_) {
        host::Fields fields{{"name", each.options().name}};
        for (relay::NamedCount& count : list(each.counters()))
            fields.emplace_back(std::move(count.name), std::to_string(count.value));
        log_->info(event, fields);
    }
}

void Service::handle(host::Signal signal) {
    switch (signal) {
    case host::Signal::report:
        return log_counters("relay_counters");
    case host::Signal::reload:
        return log_->warning("reload_ignored", {{"why", "a relay reads its settings at start"}});
    case host::Signal::stop:
        break;
    }
    if (!draining_)
        return drain();
    stopped_at_once_ = true;
    poller_.stop();
}

void Service::drain() {
    draining_ = true;
    log_->info("draining", {{"deadline", format_duration(options_.drain)}});
    if (const auto told = host::notify_supervisor("STOPPING=1"); !told)
        log_->warning("supervisor_unreachable", {{"why", told.error().detail}});
    for (relay::Relay& each : relays_)
        each.drain(options_.drain, [this] {
            if (++drained_ == relays_.size())
                poller_.stop();
        });
}

ExitCode Service::run(host::Signals& signals) {
    poller_.on_readable(signals.descriptor(), [this, &signals] {
        while (const auto signal = signals.next())
            handle(*signal);
    });
    for (relay::Relay& each : relays_)
        each.attach(poller_);
    log_ready();
    if (const auto told = host::notify_supervisor("READY=1"); !told)
        log_->warning("supervisor_unreachable", {{"why", told.error().detail}});

    const Status ended = poller_.run();
    poller_.forget(signals.descriptor());
    log_counters("relay_stopped");
    if (!ended) {
        log_->error("transport_failed", {{"why", to_string(ended.error())}});
        return ExitCode::runtime_error;
    }
    const bool lost = std::any_of(relays_.begin(), relays_.end(), lost_something);
    return lost || stopped_at_once_ ? ExitCode::not_flushed : ExitCode::ok;
}

} // namespace flotilla::relay_daemon
