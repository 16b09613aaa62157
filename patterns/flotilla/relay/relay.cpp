// SPDX-License-Identifier: Apache-2.0
#include "relay_rest.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/wire/foreign.hpp>
#include <flotilla/wire/subscription.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::relay {
namespace {

constexpr std::array sides{Side::frontend, Side::backend};

tl::unexpected<Error> named(const RelayOptions& options, std::string_view side, Error error) {
    error.detail = "relay '" + options.name + "' " + std::string(side) + ": " + error.detail;
    return fail(std::move(error));
}

Result<net::Socket> open_socket(net::Context& context, const RelayOptions& options,
                                std::string_view side, net::SocketType type,
                                const net::SocketOptions& socket_options, const SideOptions& given,
                                std::vector<net::Endpoint>& attached, net::IpcTail& tail,
                                std::optional<net::Monitor>& monitor) {
    auto socket = net::Socket::open(context, type, socket_options);
    if (!socket)
        return named(options, side, socket.error());
    // Before it is attached, or it would miss events.
    auto opened = net::Monitor::open(*socket);
    if (!opened)
        return named(options, side, opened.error());
    monitor.emplace(std::move(*opened));
    for (const net::Attachment& each : given.attachments) {
        const auto endpoint = socket->attach(each);
        if (!endpoint)
            return named(options, side, endpoint.error());
        attached.push_back(*endpoint);
        tail.add({*endpoint, each.how});
    }
    return socket;
}

void add(std::vector<NamedCount>& all, const std::string& direction, const Traffic& traffic) {
    all.push_back({direction + "_messages", traffic.messages_total});
    all.push_back({direction + "_bytes", traffic.bytes_total});
    all.push_back({direction + "_held", traffic.held});
    for (std::size_t i = 0; i < drop_reasons; ++i)
        if (traffic.dropped_total[i] > 0)
            all.push_back({direction + "_dropped_" + std::string(name(static_cast<Drop>(i))),
                           traffic.dropped_total[i]});
}

} // namespace

std::vector<NamedCount> list(const Counters& counters) {
    std::vector<NamedCount> all;
    add(all, "in", counters.in);
    add(all, "out", counters.out);
    all.push_back({"backlog_messages", counters.backlog_messages});
    all.push_back({"backlog_bytes", counters.backlog_bytes});
    all.push_back({"captured", counters.captured_total});
    all.push_back({"last_value_topics", counters.last_value_topics});
    all.push_back({"last_value_bytes", counters.last_value_bytes});
    all.push_back({"last_values_sent", counters.last_values_sent_total});
    all.push_back({"last_values_forgotten", counters.last_values_forgotten_total});
    all.push_back({"subscriptions", counters.subscriptions});
    all.push_back({"subscriptions_bytes", counters.subscriptions_bytes});
    all.push_back({"subscribers_cut", counters.subscribers_cut_total});
    for (std::size_t i = 0; i < counters.not_allowed.size(); ++i)
        if (counters.not_allowed[i] > 0)
            all.push_back({"refused_" + std::string(name(static_cast<Operation>(i))),
                           counters.not_allowed[i]});
    return all;
}

Relay::Rest::Rest(Plan made)
    : plan(std::move(made)), limits{plan.options.message_bytes_max, plan.options.frames_max},
      pump(plan.options.kind, plan.options.overflow), rights(plan.options),
      origin(net::system_seed()), backlog(BacklogLimits{plan.options.reply_backlog_messages_max,
                                                        plan.options.reply_backlog_bytes_max}) {
    if (plan.options.last_value)
        last_values.emplace(*plan.options.last_value);
    if (!plan.options.hop_instance.empty())
        hop.emplace("relay", plan.options.hop_instance);
}

Relay::Rest::~Rest() {
    if (!poller)
        return;
    for (End& each : ends)
        if (each.socket)
            close(each, Duration::zero());
    if (tap)
        tap->detach(*poller);
    for (const auto& timer : {retry_timer, backlog_timer, drain_timer})
        if (timer)
            poller->cancel(*timer);
}

Status Relay::Rest::open(net::Context& context) {
    const RelayOptions& options = plan.options;
    if (plan.frontend_type == net::SocketType::router)
        plan.frontend.routing_id = wire::daemon_identity("flotilla-relay", net::system_seed());
    auto frontend = open_socket(context, options, "frontend", plan.frontend_type, plan.frontend,
                                options.frontend, end(Side::frontend).endpoints, tail,
                                end(Side::frontend).monitor);
    if (!frontend)
        return fail(frontend.error());
    auto backend =
        open_socket(context, options, "backend", plan.backend_type, plan.backend, options.backend,
                    end(Side::backend).endpoints, tail, end(Side::backend).monitor);
    if (!backend)
        return fail(backend.error());
    if (options.capture) {
        std::optional<net::Monitor> monitor;
        auto capture = open_socket(context, options, "capture", net::SocketType::xpub, plan.capture,
                                   *options.capture, capture_endpoints, tail, monitor);
        if (!capture)
            return fail(capture.error());
        tap.emplace(std::move(*capture), std::move(monitor), options, rights);
    }
    if (options.kind == Kind::forwarder)
        listeners.emplace(options, rights, rights.subscribers());
    end(Side::frontend).socket.emplace(std::move(*frontend));
    end(Side::backend).socket.emplace(std::move(*backend));
    return last_values ? subscribe_to_everything() : Status{};
}

// The newest value is known only of what always comes, whoever listens just now. The socket keeps
// the subscription for publishers that connect later.
Status Relay::Rest::subscribe_to_everything() {
    const Status sent =
        socket(Side::frontend).send(to_frame(wire::Subscription{}), Duration::zero());
    return sent ? Status{} : named(plan.options, "frontend", sent.error());
}

void Relay::Rest::attach(net::Poller& to) {
    FLOTILLA_CHECK(!poller, "a relay was attached twice");
    poller = &to;
    if (tap)
        tap->attach(*poller);
    for (const Side side : sides)
        if (end(side).monitor)
            poller->on_readable(end(side).monitor->socket(), [this, side] { read_events(side); });
    watch();
}

// What follows from what was done: time limits, what to wait for next, the end of a drain.
void Relay::Rest::after_work() {
    if (!end(Side::frontend).socket)
        return; // finished
    pump.backlog(backlog.messages());
    pump.tick(poller->now());
    if (pump.state() == Pump::State::drained)
        return close_when_read();
    if (backlog_timer && backlog.empty())
        poller->cancel(*std::exchange(backlog_timer, std::nullopt));
    schedule_retry();
    watch();
}

void Relay::Rest::watch() {
    if (!poller || !end(Side::frontend).socket)
        return;
    for (const Side side : sides) {
        End& here = end(side);
        const bool readable = pump.may_read(side);
        const bool writable =
            pump.holds(opposite(side)) && plan.type(side) != net::SocketType::xpub;
        if (readable != here.interests.readable)
            poller->on_readable(*here.socket,
                                readable ? net::Poller::Handler{[this, side] { move(side); }}
                                         : net::Poller::Handler{});
        if (writable != here.interests.writable)
            poller->on_writable(*here.socket, writable ? net::Poller::Handler{[this, side] {
                retry(opposite(side));
            }}
                                                       : net::Poller::Handler{});
        here.interests = {readable, writable};
    }
}

void Relay::Rest::schedule_retry() {
    const bool wanted = kind() == Kind::forwarder && pump.holds(Side::frontend);
    if (!wanted || retry_timer) {
        if (!wanted)
            retry_pause = retry_pause_min;
        return;
    }
    const Duration left = time_left(poller->now(), pump.next_deadline());
    retry_timer = poller->after(std::min(retry_pause, left), [this] {
        retry_timer.reset();
        retry(Side::frontend);
    });
    retry_pause = std::min(retry_pause * 2, retry_pause_max);
}

void Relay::Rest::read_events(Side side) {
    // Until it is empty, as a Monitor wants it; bounded all the same.
    for (std::size_t read = 0; read < net::Monitor::events_max; ++read) {
        const auto event = end(side).monitor->next();
        if (!event)
            return;
        if (listeners && side == Side::backend)
            for (const std::string& topic : listeners->hear(*event))
                end_topic(topic);
        if (plan.options.on_connection)
            plan.options.on_connection(side, *event);
    }
}

// Pullers and workers of a backend are given messages though they may never say who they are.
void Relay::Rest::cut_disallowed() {
    auto& monitor = end(Side::backend).monitor;
    if (!monitor || !plan.backend.entry)
        return;
    read_events(Side::backend);
    if (monitor)
        monitor->cut_disallowed();
}

void Relay::Rest::close(End& end, Duration linger) {
    if (end.monitor)
        poller->forget(end.monitor->socket());
    end.monitor.reset();
    poller->forget(*end.socket);
    (void)end.socket->set_linger(linger);
    end.socket.reset();
}

void Relay::Rest::close_when_read() {
    watch(); // nothing is read or retried any more
    if (tail.is_read() || poller->now() >= drain_end)
        return finish();
    if (drain_timer)
        poller->cancel(*drain_timer);
    drain_timer = poller->after(net::IpcTail::look_every, [this] {
        drain_timer.reset();
        close_when_read();
    });
}

void Relay::Rest::finish() {
    pump.dropped(Side::backend, Drop::not_drained, backlog.messages());
    const Duration linger = std::min<Duration>(time_left(net::now(), drain_end), 1h);
    for (End& each : ends) {
        // An XSUB has only subscriptions to send. One whose publishers have gone would wait for
        // them until the deadline, to no end.
        const bool sends = each.socket->type() != net::SocketType::xsub;
        close(each, sends ? linger : Duration::zero());
    }
    if (tap) {
        tap->detach(*poller);
        (void)tap->socket().set_linger(linger);
    }
    for (auto* timer : {&retry_timer, &backlog_timer, &drain_timer})
        if (*timer)
            poller->cancel(*std::exchange(*timer, std::nullopt));
    if (drained)
        drain_timer = poller->after(Duration::zero(), [this] {
            drain_timer.reset();
            std::exchange(drained, nullptr)();
        });
}

Relay::Relay(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Relay::Relay(Relay&&) noexcept = default;
Relay& Relay::operator=(Relay&&) noexcept = default;
Relay::~Relay() = default;

Result<Relay> Relay::open(net::Context& context, RelayOptions options) {
    auto plan = Plan::make(std::move(options));
    if (!plan)
        return fail(plan.error());
    auto rest = std::make_unique<Rest>(std::move(*plan));
    if (const Status opened = rest->open(context); !opened)
        return fail(opened.error());
    return Relay{std::move(rest)};
}

const RelayOptions& Relay::options() const noexcept {
    return rest_->plan.options;
}

const std::vector<net::Endpoint>& Relay::endpoints(Side side) const noexcept {
    return rest_->end(side).endpoints;
}

const std::vector<net::Endpoint>& Relay::capture_endpoints() const noexcept {
    return rest_->capture_endpoints;
}

void Relay::attach(net::Poller& poller) {
    rest_->attach(poller);
}

Status Relay::run() {
    net::Poller& poller = rest_->own_poller.emplace();
    attach(poller);
    return poller.run();
}

void Relay::set_permissions(std::shared_ptr<const Permissions> permissions) {
    FLOTILLA_CHECK(rest_->kind() != Kind::forwarder || rest_->plan.answers_subscriptions(),
                   "a forwarder that was opened without permissions gets some");
    rest_->rights.set(std::move(permissions));
    if (rest_->listeners)
        rest_->listeners->rights_changed();
    if (rest_->tap)
        rest_->tap->rights_changed();
    rest_->cut_disallowed();
}

void Relay::pause() {
    rest_->pump.pause();
    rest_->watch();
}

void Relay::resume() {
    rest_->pump.resume();
    rest_->watch();
}

void Relay::drain(Duration wait, std::function<void()> drained) {
    FLOTILLA_CHECK(rest_->poller, "a relay was drained before it was attached");
    if (rest_->drain_end != never)
        return;
    const Instant now = net::now();
    rest_->drain_end = deadline_after(now, wait);
    rest_->drained = std::move(drained);
    rest_->pump.drain(now, wait);
    rest_->drain_timer = rest_->poller->after(wait / 2, [this_rest = rest_.get()] {
        this_rest->drain_timer.reset();
        this_rest->after_work();
    });
    rest_->move(Side::frontend);
}

Counters Relay::counters() const {
    const Rest& rest = *rest_;
    Counters counters;
    counters.in = rest.pump.traffic(Direction::in);
    counters.out = rest.pump.traffic(Direction::out);
    counters.backlog_messages = rest.backlog.messages();
    counters.backlog_bytes = rest.backlog.bytes();
    if (rest.tap)
        counters.captured_total = rest.tap->published_total();
    if (rest.last_values) {
        counters.last_value_topics = rest.last_values->topics();
        counters.last_value_bytes = rest.last_values->bytes();
        counters.last_values_sent_total = rest.last_values_sent_total;
        counters.last_values_forgotten_total = rest.last_values->forgotten_total();
    }
    for (const Listeners* each :
         {rest.listeners ? &*rest.listeners : nullptr, rest.tap ? &rest.tap->listeners() : nullptr})
        if (each) {
            counters.subscriptions += each->subscriptions().count();
            counters.subscriptions_bytes += each->subscriptions().bytes();
            counters.subscribers_cut_total += each->cut_total();
        }
    counters.not_allowed = rest.rights.refused();
    counters.state = rest.pump.state();
    return counters;
}

} // namespace flotilla::relay
