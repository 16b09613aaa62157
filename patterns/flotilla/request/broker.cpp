// SPDX-License-Identifier: Apache-2.0
#include "broker_hops.hpp"
#include "broker_losses.hpp"
#include "broker_options.hpp"
#include "broker_sender.hpp"

#include <flotilla/net/cut.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/routed_message.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/broker.hpp>
#include <flotilla/request/broker_machine.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/message_pack.hpp>
#include <flotilla/wire/foreign.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace flotilla::request {

namespace {

// Read before anything else is looked at: so many, or for so long, as some cost a thousand times
// what others do.
constexpr std::size_t turn_messages_max = 1000;
constexpr Duration turn_max = 10ms;
constexpr std::size_t full_turns_max = 10;
constexpr std::size_t binds_max = 64;
// The monitor has no place in fd(): it is looked at this often, and under load not more often than
// that.
constexpr Duration monitor_look = 100ms;
constexpr Duration monitor_pause = 1ms;
constexpr std::size_t gathered_sends_max = 128;          // decided and not sent,
constexpr std::uint64_t gathered_bytes_max = 1ULL << 20; // or of what was read for it

constexpr std::string_view who_is_here =
    "this is a flotilla-broker (Majordomo); queues are kept by flotilla-store";
constexpr std::string_view not_admin =
    "this is where a flotilla-broker is spoken to by clients and workers; its admin endpoint is "
    "what it was given as --admin";

} // namespace

struct Broker::Rest {
    Rest(BrokerOptions with, net::Socket router_socket, net::Monitor its_monitor)
        : options(std::move(with)), router(std::move(router_socket)),
          losses(std::move(its_monitor)), machine(options.limits, net::system_seed()),
          incoming(options.limits.message_bytes_max + limits::envelope_bytes_max, options.security),
          sender(router, machine, hops, options) {
        if (!options.hop_instance.empty())
            hops.emplace(options.hop_instance, options.limits.message_bytes_max);
        set_permissions(options.permissions);
    }

    void handle(Instant now);
    void refuse_foreign();
    void handle_pack(const BrokerPeer& peer, Instant now);
    bool read_inputs(Duration wait);
    void settle();
    void turn(Duration wait);
    void act();
    void set_permissions(std::shared_ptr<const Permissions> permissions);
    Duration wait_max() const;
    bool is_idle() const {
        const BrokerLevels levels = machine.levels();
        return levels.queued + levels.running == 0 && sender.backlogs().empty();
    }

    BrokerOptions options;
    net::Socket router;
    BrokerLosses losses;
    BrokerMachine machine;
    net::RoutedMessage incoming;
    std::optional<BrokerHops> hops; // where they are recorded
    BrokerSender sender;
    BrokerOutputs out;
    BrokerOutputs doing;        // of act(), for its memory
    std::size_t full_turns = 0; // that ended with input left
    Instant ticked = net::now();
    std::size_t binds = 0;
    net::PendingCuts revoked; // connections
    Status alive{};           // until the context stops or the transport fails
};

// ---- input -------------------------------------------------------------------------------------

void Broker::Rest::handle(Instant now) {
    const BrokerPeer peer{incoming.peer(), incoming.user_id(), incoming.descriptor()};
    wire::Frames& frames = incoming.frames();
    if (incoming.is_cut())
        return machine.receive_malformed(
            peer, read_origin_at_broker(frames),
            Error{Errc::too_large, "a message with more frames or bytes than this broker takes"},
            now, out);
    if (PackReader::is_pack(frames))
        return handle_pack(peer, now);
    auto message = read_at_broker(frames);
    if (!message) {
        refuse_foreign();
        return machine.receive_malformed(peer, read_origin_at_broker(frames), message.error(), now,
                                         out);
    }
    if (hops)
        hops->came(*message, net::wall_now());
    // A worker that is there already: it may have come back over another connection.
    if (message->verb == Verb::ready && machine.is_worker(peer.id)) {
        losses.read(net::now(), revoked);
        losses.tell(peer.descriptor, machine, now, out);
    }
    machine.receive(peer, std::move(*message), now, out);
}

// A peer that takes us for a store, or an admin endpoint, is told that none is here.
void Broker::Rest::refuse_foreign() {
    auto refusal = wire::refuse_queue_speaker(incoming.frames(), who_is_here);
    if (!refusal)
        refusal = wire::refuse_admin_speaker(incoming.frames(), not_admin);
    if (!refusal)
        return;
    wire::Frames addressed;
    addressed.add(incoming.peer());
    for (std::size_t i = 0; i < refusal->size(); ++i)
        addressed.add(std::move((*refusal)[i]));
    (void)sender.backlogs().send(router, std::move(addressed)); // who does not read lost nothing
}

void Broker::Rest::handle_pack(const BrokerPeer& peer, Instant now) {
    PackReader reader(std::move(incoming.frames()), PackReader::At::broker);
    while (auto message = reader.next()) {
        if (!*message) {
            machine.receive_malformed(peer, reader.origin(), message->error(), now, out);
            continue;
        }
        if (hops)
            hops->came(**message, net::wall_now());
        machine.receive(peer, std::move(**message), now, out);
        sender.take(out.sends);
        if (sender.taken() >= gathered_sends_max) // answers may be larger than what asks for them
            act();
    }
}

// Whether nothing more was there. Only the first may be waited for. What is decided leaves together
// when the input is empty or much has gathered: messages for one peer then share a system call.
bool Broker::Rest::read_inputs(Duration wait) {
    Instant until = never;
    std::uint64_t gathered_bytes = 0;
    for (std::size_t i = 0; i < turn_messages_max; ++i) {
        if (Status received = incoming.receive(router, i == 0 ? wait : Duration::zero());
            !received) {
            if (received.error().code != Errc::would_block &&
                received.error().code != Errc::timeout)
                alive = std::move(received);
            return true;
        }
        const Instant now = net::now();
        handle(now);
        sender.take(out.sends);
        gathered_bytes += incoming.bytes();
        if (sender.taken() >= gathered_sends_max || gathered_bytes >= gathered_bytes_max) {
            act();
            gathered_bytes = 0;
        }
        if (now >= until)
            return false;
        if (i == 0)
            until = deadline_after(now, turn_max);
    }
    return false;
}

void Broker::Rest::settle() {
    const Instant now = net::now();
    machine.settle(now, out);
    losses.tell(machine, now, out);
    full_turns = 0;
}

// Everything that is ready now, once; input is waited for.
void Broker::Rest::turn(Duration wait) {
    if (!alive)
        return;
    // Reading it costs a system call, so a busy broker does not do it every turn.
    if (net::recent_now() - losses.read_at() >= monitor_pause) {
        losses.read(net::now(), revoked);
        router.housekeep(); // so does a receive that finds nothing, but under load there is none
    }
    if (!revoked.empty())
        revoked.tick(net::now());
    if (!sender.backlogs().empty())
        sender.retry(net::now(), out);
    act();
    // Somebody who floods does not keep the dead alive: then it is done all the same.
    if (read_inputs(losses.empty() ? wait : Duration::zero()) || ++full_turns > full_turns_max)
        settle();
    const Instant now = net::now();
    // Stopped, or a machine that slept: heartbeats may still be on their way to here.
    if (now - std::exchange(ticked, now) > options.limits.heartbeat * 2)
        machine.resumed(now);
    machine.tick(now, out);
    act();
}

// ---- output ------------------------------------------------------------------------------------

// Sends what the machine decided. A peer that turns out to be gone may make it decide more.
void Broker::Rest::act() {
    while (!out.empty() || sender.taken() > 0) {
        std::swap(doing, out);
        for (const std::string& peer : doing.ended)
            sender.forget(peer);
        sender.take(doing.sends);
        sender.send_all(out);
        if (options.on_notice)
            for (const BrokerNotice& each : doing.notices)
                options.on_notice(each);
        if (options.on_refused)
            for (const Refusal& each : doing.refusals)
                options.on_refused(each);
        if (!doing.cuts.empty()) // that they were accepted must not look as if it came later
            losses.read(net::now(), revoked);
        for (const int descriptor : doing.cuts)
            revoked.add(descriptor, net::now());
        doing.clear();
    }
}

Duration Broker::Rest::wait_max() const {
    if (machine.has_ghosts() || !losses.empty() || !out.empty() || sender.taken() > 0)
        return Duration::zero();
    const Duration wait = std::min(time_left(net::now(), machine.next_deadline()), monitor_look);
    if (!revoked.empty())
        return std::min(wait, net::PendingCuts::pause);
    return sender.backlogs().empty() ? wait : std::min(wait, sender.backlogs().retry_in());
}

void Broker::Rest::set_permissions(std::shared_ptr<const Permissions> permissions) {
    machine.set_permissions(std::move(permissions), net::now(), out);
}

// ---- the class ---------------------------------------------------------------------------------

Broker::Broker(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Broker::Broker(Broker&&) noexcept = default;

Broker& Broker::operator=(Broker&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

Broker::~Broker() {
    if (rest_)
        stop();
}

Result<Broker> Broker::open(net::Context& context, BrokerOptions options) {
    if (Status checked = check(options); !checked)
        return fail(std::move(checked.error()));
    options.limits.held_bytes_max =
        std::min(options.limits.held_bytes_max, options.backlog_bytes_max / 2);
    net::SocketOptions socket;
    socket.frame_bytes_max = std::max(options.limits.message_bytes_max, limits::envelope_bytes_max);
    socket.message_bytes_max = options.limits.message_bytes_max + limits::envelope_bytes_max;
    socket.security = options.security;
    socket.domain = options.domain;
    socket.linger = options.linger;
    socket.routing_id = wire::daemon_identity("flotilla-broker", net::system_seed());
    auto router = net::Socket::open(context, net::SocketType::router, std::move(socket));
    if (!router)
        return fail(std::move(router.error()));
    auto monitor = net::Monitor::open(*router);
    if (!monitor)
        return fail(std::move(monitor.error()));
    return Broker{
        std::make_unique<Rest>(std::move(options), std::move(*router), std::move(*monitor))};
}

Result<net::Endpoint> Broker::bind(const net::Endpoint& endpoint) {
    if (rest_->binds == binds_max)
        return fail(Errc::too_many, "a broker has at most 64 endpoints");
    auto bound = rest_->router.bind(endpoint);
    if (!bound)
        return bound;
    ++rest_->binds;
    rest_->sender.backlogs().bound_to(endpoint);
    return bound;
}

void Broker::set_permissions(std::shared_ptr<const Permissions> permissions) {
    rest_->set_permissions(std::move(permissions));
}

Status Broker::process(Duration wait) {
    rest_->turn(wait > Duration::zero() ? std::min(wait, rest_->wait_max()) : wait);
    return rest_->alive;
}

Result<bool> Broker::drain(Duration wait) {
    rest_->machine.drain();
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (rest_->is_idle() || left == Duration::zero())
            return rest_->is_idle();
        if (Status turned = process(left); !turned)
            return fail(std::move(turned.error()));
    }
}

void Broker::stop() {
    if (!rest_->alive)
        return;
    rest_->machine.stop(rest_->out);
    rest_->act();
    rest_->alive = fail(Errc::stopped, "the broker was stopped");
}

int Broker::connection_fd() const {
    return rest_->losses.fd();
}
void Broker::hear_connections() {
    rest_->losses.read(net::now(), rest_->revoked);
}
int Broker::fd() const noexcept {
    return rest_->router.fd();
}
bool Broker::has_input() const noexcept {
    return rest_->router.readable();
}
Duration Broker::wait_max() const noexcept {
    return rest_->router.readable() ? Duration::zero() : rest_->wait_max();
}

BrokerShellCounters Broker::counters() const {
    BrokerShellCounters counters;
    static_cast<BrokerCounters&>(counters) = rest_->machine.counters();
    counters.backlogged_total = rest_->sender.backlogs().backlogged_total();
    counters.backlog_dropped_total = rest_->sender.backlogs().dropped_total();
    counters.peers_too_slow_total = rest_->sender.too_slow_total();
    return counters;
}

Status Broker::set_limits(BrokerLimits limits) {
    BrokerOptions options = rest_->options;
    options.limits = limits;
    if (Status right = check(options); !right)
        return right;
    rest_->machine.set_limits(std::move(limits), net::now(), rest_->out);
    return {};
}

BrokerLevels Broker::levels() const {
    return rest_->machine.levels();
}

std::vector<ServiceLevels> Broker::services() const {
    return rest_->machine.services();
}

std::vector<WorkerLevels> Broker::workers() const {
    return rest_->machine.workers(net::now());
}

} // namespace flotilla::request
