// SPDX-License-Identifier: Apache-2.0
#include "server_options.hpp"
#include "server_rest.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/queue/server.hpp>
#include <flotilla/wire/foreign.hpp>

#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t binds_max = 64;
// A full pipe is how a peer that does not read is known; what it may hold beyond that is counted.
constexpr std::uint32_t pipe_messages_max = 256;
constexpr Duration drain_look = 20ms;

} // namespace

// ---- the class ---------------------------------------------------------------------------------

QueueServer::QueueServer(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
QueueServer::QueueServer(QueueServer&&) noexcept = default;

QueueServer& QueueServer::operator=(QueueServer&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

QueueServer::~QueueServer() {
    if (rest_)
        stop();
}

Result<QueueServer> QueueServer::open(net::Context& context, std::unique_ptr<Store> store,
                                      QueueServerOptions options) {
    if (Status checked = check(options); !checked)
        return fail(std::move(checked.error()));
    net::SocketOptions socket;
    socket.send_messages_max = pipe_messages_max;
    socket.frame_bytes_max = Rest::message_bytes_max(options.limits);
    socket.message_bytes_max = socket.frame_bytes_max;
    socket.security = options.security;
    socket.domain = options.domain;
    socket.linger = options.linger;
    socket.routing_id = wire::daemon_identity("flotilla-store", net::system_seed());
    auto router = net::Socket::open(context, net::SocketType::router, std::move(socket));
    if (!router)
        return fail(std::move(router.error()));
    auto monitor = net::Monitor::open(*router);
    if (!monitor)
        return fail(std::move(monitor.error()));
    const std::uint64_t seed = net::system_seed();
    auto engine = QueueEngine::open(std::move(store), options.limits, seed, times_now());
    if (!engine)
        return fail(std::move(engine.error()));
    auto doors = ServerDoors::open(context, options, net::system_seed(), *router);
    if (!doors)
        return fail(std::move(doors.error()));
    return QueueServer{std::make_unique<Rest>(std::move(options), std::move(*router),
                                              std::move(*monitor), std::move(*doors),
                                              std::move(*engine))};
}

Result<net::Endpoint> QueueServer::bind(const net::Endpoint& endpoint) {
    if (rest_->binds == binds_max)
        return fail(Errc::too_many, "a store has at most 64 endpoints");
    auto bound = rest_->router.bind(endpoint);
    if (!bound)
        return bound;
    ++rest_->binds;
    rest_->backlogs.bound_to(*bound);
    return bound;
}

Status QueueServer::declare(const std::string& queue, const QueueProperties& properties) {
    Create create;
    create.queue = queue;
    create.properties = properties;
    create.or_same = true;
    Status made = rest_->ask_now(std::move(create));
    if (made || made.error().code != Errc::exists)
        return made;
    return rest_->ask_now(Alter{queue, property_texts(properties)});
}

Status QueueServer::ask(Command command, std::function<void(Event&&)> answered) {
    Rest& rest = *rest_;
    if (!rest.alive)
        return rest.alive;
    if (rest.asks.is_full())
        return fail(Errc::too_many, "1,000 questions wait for their answers");
    rest.again = true;
    rest.asks.ask(rest.engine, std::move(command), times_now(), std::move(answered));
    return {};
}

void QueueServer::set_permissions(std::shared_ptr<const Permissions> permissions) {
    rest_->set_permissions(std::move(permissions));
}

Status QueueServer::process(Duration wait) {
    rest_->turn(wait > Duration::zero() ? std::min(wait, rest_->wait_max()) : wait);
    return rest_->alive;
}

Result<bool> QueueServer::drain(Duration wait) {
    rest_->engine.drain(times_now());
    rest_->doors.drain();
    const auto is_done = [this] {
        return levels().leased == 0 && rest_->doors.is_idle() && rest_->backlogs.empty();
    };
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (is_done() || left == Duration::zero())
            return is_done();
        if (Status turned = process(std::min(left, drain_look)); !turned)
            return fail(std::move(turned.error()));
    }
}

void QueueServer::stop() {
    Rest& rest = *rest_;
    if (!rest.alive)
        return;
    rest.times = times_now();
    rest.doors.close(rest.engine, rest.times);
    rest.alive = fail(Errc::stopped, "the store was stopped");
    if (const Status stopped = rest.engine.stop(rest.times, rest.out); stopped)
        rest.act();
    rest.asks.give_up("the store was stopped");
}

int QueueServer::fd() const noexcept {
    return rest_->doors.empty() ? rest_->router.fd() : rest_->doors.fd();
}
bool QueueServer::has_input() const noexcept {
    return rest_->has_input();
}
Duration QueueServer::wait_max() const noexcept {
    return rest_->has_input() ? Duration::zero() : rest_->wait_max();
}

std::vector<int> QueueServer::connection_fds() const {
    std::vector<int> all = rest_->doors.monitor_fds();
    all.push_back(rest_->monitor.socket().fd());
    return all;
}
void QueueServer::hear_connections() {
    rest_->read_monitor();
}

QueueEngine& QueueServer::engine() noexcept {
    return rest_->engine;
}

QueueServerCounters QueueServer::counters() const {
    QueueServerCounters counters;
    static_cast<EngineCounters&>(counters) = rest_->engine.counters();
    counters.malformed_total += rest_->foreign_total;
    counters.backlogged_total = rest_->backlogs.backlogged_total();
    counters.backlog_dropped_total = rest_->backlogs.dropped_total();
    counters.peers_too_slow_total = rest_->too_slow_total;
    return counters;
}

EngineLevels QueueServer::levels() const {
    return rest_->engine.levels();
}

QueuePage QueueServer::queues(const QueuePageWish& wish) const {
    return rest_->engine.queues(wish);
}

std::vector<SessionStat> QueueServer::sessions() const {
    return rest_->engine.sessions(net::now());
}

std::vector<QueueStat> QueueServer::queues() const {
    return rest_->engine.queues();
}

std::vector<DoorStat> QueueServer::doors() const {
    return rest_->doors.stats();
}

} // namespace flotilla::queue
