// SPDX-License-Identifier: Apache-2.0
#include "relay/service.hpp"

#include "host/listener.hpp"
#include "host/rate_limit.hpp"
#include "host/transport.hpp"
#include "relay/access.hpp"

#include <flotilla/net/received_frames.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace flotilla::relay_daemon {
namespace {

using relay::Side;

std::vector<std::string> texts(const std::vector<net::Endpoint>& endpoints) {
    std::vector<std::string> all;
    all.reserve(endpoints.size());
    for (const net::Endpoint& each : endpoints)
        all.push_back(each.text());
    return all;
}

// What a failed handshake means to the side that saw it, and what to look at.
std::string explained(const net::ConnectionEvent& event, bool connects) {
    using Kind = net::ConnectionEvent::Kind;
    if (!connects && event.kind == Kind::handshake_failed_auth)
        return "a client was refused; handshake_refused says for what";
    return explain(event, connects ? net::Attach::connect : net::Attach::bind);
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
            fields.emplace_back("left_out", *left_out);
        log.warning("connection_failed", fields);
    };
}

constexpr std::size_t topic_shown_bytes_max = 64;

// A callback that logs who was cut off for subscribing to too much, at most one line a second.
auto excess_log(const relay::RelayOptions& options, const host::Log& log) {
    return [&log, limit = host::RateLimit(1s), name = options.name,
            bytes_max = options.subscriptions_bytes_max](const relay::Excess& excess) mutable {
        const auto left_out = limit.pass(net::now());
        if (!left_out)
            return;
        host::Fields fields{{"name", name},
                            {"side", excess.is_tap ? "capture" : "backend"},
                            {"peer", excess.address},
                            {"who", excess.user},
                            {"topics", excess.topics},
                            {"bytes", excess.bytes},
                            {"one_topic", excess.one_topic.substr(0, topic_shown_bytes_max)},
                            {"why", "the topics of all subscribers take more than "
                                    "subscriptions_bytes_max, " +
                                        format_bytes(bytes_max) +
                                        ", and this one had asked for most so far; it comes back, "
                                        "and is cut off again unless it subscribes to less, or the "
                                        "relay starts with a larger limit"}};
        if (*left_out > 0)
            fields.emplace_back("left_out", *left_out);
        log.warning("subscriber_cut", fields);
    };
}

void add_bound(std::vector<net::Endpoint>& all, const std::vector<net::Attachment>& attachments,
               const std::vector<net::Endpoint>& endpoints) {
    for (std::size_t i = 0; i < attachments.size(); ++i)
        if (attachments[i].how == net::Attach::bind)
            all.push_back(endpoints[i]);
}

// Where others connect to; not where a side connects itself.
std::vector<net::Endpoint> listeners(const std::vector<relay::Relay>& relays) {
    std::vector<net::Endpoint> all;
    for (const relay::Relay& each : relays) {
        const relay::RelayOptions& options = each.options();
        add_bound(all, options.frontend.attachments, each.endpoints(Side::frontend));
        add_bound(all, options.backend.attachments, each.endpoints(Side::backend));
        if (options.capture)
            add_bound(all, options.capture->attachments, each.capture_endpoints());
    }
    return all;
}

} // namespace

Status Service::guard(relay::RelayOptions& options, const RelaySettings& settings) {
    const host::CommonSettings wanted = access_settings(options_.settings, settings, options);
    auto access = put_access(options, wanted);
    if (!access)
        return fail(access.error().code, "relay '" + options.name + "': " + access.error().detail);
    // A forwarder that will never have rules leaves subscriptions to libzmq.
    if (wanted.access || wanted.allow_client_keys || wanted.allow_any_client_key)
        options.permissions = access->permissions();
    options.on_refused = [audit = admin_.audit(), name = options.name](const Refusal& refusal) {
        note(*audit, refusal, name);
    };
    if (access_.empty())
        admin_.office().set_permissions(access->permissions());
    access_.push_back(std::move(*access));
    return {};
}

Status Service::process(Duration) {
    bool changed = false;
    for (host::AccessKeeper& each : access_)
        changed = each.look(net::recent_now(), *log_) || changed;
    if (changed)
        set_permissions();
    return {};
}

// Those that hold now, wherever they are asked.
void Service::set_permissions() {
    for (std::size_t i = 0; i < relays_.size(); ++i)
        if (relays_[i].options().permissions)
            relays_[i].set_permissions(access_[i].permissions());
    admin_.office().set_permissions(access_.front().permissions());
}

std::string Service::stale_access() const {
    const auto stale = std::find_if(access_.begin(), access_.end(),
                                    [](const auto& each) { return each.is_stale(); });
    if (stale == access_.end())
        return {};
    const relay::Relay& relay = relays_[static_cast<std::size_t>(stale - access_.begin())];
    return "relay '" + relay.options().name + "': " + stale->stale_why();
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
    net::copy_received_frames(*context); // what a slow peer leaves waiting is counted in messages
    Service service{std::move(*context), std::move(*admin), std::move(options), log};
    for (std::size_t i = 0; i < service.options_.relays.size(); ++i) {
        relay::RelayOptions& each = service.options_.relays[i];
        each.on_connection = connection_log(each, log);
        each.on_excess = excess_log(each, log);
        if (const Status guarded = service.guard(each, service.options_.settings.relays[i]);
            !guarded)
            return fail(guarded.error());
        auto opened = relay::Relay::open(*service.context_, each);
        if (!opened)
            return fail(opened.error());
        service.relays_.push_back(std::move(*opened));
    }
    // Not that of a side: one that connects has the security of a client.
    if (Status listens =
            service.admin_.listen(*service.context_, service.access_.front().admin_security());
        !listens)
        return fail(listens.error());
    host::name_unused_listeners(*service.context_, log);
    service.admin_.begin(); // who asks from now on waits for the loop
    return service;
}

std::string Service::ready_json() const {
    nlohmann::ordered_json all;
    all["event"] = "ready";
    all["relays"] = nlohmann::ordered_json::array();
    for (const relay::Relay& each : relays_) {
        nlohmann::ordered_json one;
        one["name"] = each.options().name;
        one["kind"] = std::string(relay::name(each.options().kind));
        one["frontend"] = texts(each.endpoints(Side::frontend));
        one["backend"] = texts(each.endpoints(Side::backend));
        if (!each.capture_endpoints().empty())
            one["capture"] = texts(each.capture_endpoints());
        all["relays"].push_back(std::move(one));
    }
    for (const auto& [setting, place] : admin_.places())
        all[setting] = place;
    return all.dump();
}

void Service::attach(net::Poller& poller) {
    for (relay::Relay& each : relays_)
        each.attach(poller);
    admin_.attach(poller, *administration_);
}

void Service::detach(net::Poller& poller) {
    admin_.detach(poller);
}

std::vector<host::Fields> Service::counters() const {
    std::vector<host::Fields> all;
    for (const relay::Relay& each : relays_) {
        host::Fields& fields = all.emplace_back(host::Fields{{"name", each.options().name}});
        for (relay::NamedCount& count : list(each.counters()))
            fields.emplace_back(std::move(count.name), count.value);
    }
    return all;
}

std::string Service::status() const {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const relay::Relay& each : relays_) {
        const relay::Counters counters = each.counters();
        in += counters.in.messages_total;
        out += counters.out.messages_total;
    }
    return std::to_string(relays_.size()) + " relays, " + std::to_string(in) +
           " messages from frontends, " + std::to_string(out) + " from backends";
}

Result<bool> Service::drain(Duration left) {
    if (!std::exchange(draining_, true))
        for (relay::Relay& each : relays_)
            each.drain(left, [this] { ++drained_; });
    return drained_ == relays_.size();
}

bool Service::has_lost() const {
    return std::any_of(relays_.begin(), relays_.end(), [](const relay::Relay& each) {
        return each.counters().not_drained_total() > 0;
    });
}

void Service::stop() {
    admin_.end();
    relays_.clear(); // before the poller that they are attached to
}

bool Service::flush(Instant drain_end) {
    context_.reset(); // waits as long as the relays' sockets linger
    return net::now() < drain_end;
}

Result<host::Reloaded> Service::reload() {
    host::Reloaded done;
    done.loop = host::loop_settings(options_.settings);
    if (!options_.read_again)
        return done;
    auto read = admin::wanted_settings(options_);
    if (!read)
        return fail(read.error());
    const DaemonSettings& wanted = read->settings;
    DaemonSettings next = options_.settings;
    host::for_each_common_setting<DaemonSettings>(host::taking_over(next, wanted, {}, done));
    std::vector<host::AccessKeeper::Fresh> fresh;
    for (std::size_t i = 0; i < access_.size(); ++i) {
        auto read_anew =
            access_[i].read_again(access_settings(next, next.relays[i], options_.relays[i]));
        if (!read_anew)
            return fail(read_anew.error());
        fresh.push_back(std::move(*read_anew));
    }
    if (std::any_of(fresh.begin(), fresh.end(), [](const auto& each) { return each.is_different; }))
        done.changed.push_back("access");
    for (std::size_t i = 0; i < access_.size(); ++i)
        access_[i].take_over(std::move(fresh[i]));
    set_permissions();
    options_.settings = std::move(next);
    for (std::string& each : differing_relay_settings(wanted, options_.settings))
        done.restart_needed.push_back(std::move(each));
    if (admin_.office().set_token(std::move(read->token)))
        done.changed.push_back("admin_token");
    done.loop = host::loop_settings(options_.settings);
    return done;
}

ExitCode Service::run(host::Signals& signals) {
    std::vector<host::Fields> ready;
    for (const relay::Relay& each : relays_) {
        host::Fields& fields = ready.emplace_back(
            host::Fields{{"name", each.options().name},
                         {"kind", std::string(relay::name(each.options().kind))},
                         {"frontend", net::joined(each.endpoints(Side::frontend))},
                         {"backend", net::joined(each.endpoints(Side::backend))}});
        if (!each.capture_endpoints().empty())
            fields.emplace_back("capture", net::joined(each.capture_endpoints()));
    }
    const std::vector<net::Endpoint> bound = listeners(relays_);
    host::ServeLoop loop(*this, *log_, *options_.settings.drain, admin_.and_own(bound));
    std::vector<std::shared_ptr<const net::Gate>> gates;
    for (const host::AccessKeeper& each : access_)
        for (auto& gate : each.gates())
            gates.push_back(std::move(gate));
    Administration administration(
        {program_name, admin_.instance(), bound, gates, [this] { return stale_access(); }}, loop,
        relays_);
    administration_ = &administration;
    return loop.run(signals, ready);
}

} // namespace flotilla::relay_daemon
