// SPDX-License-Identifier: Apache-2.0
#include "server_doors.hpp"
#include "server_incoming.hpp"
#include "server_options.hpp"

#include <flotilla/net/monitor.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/queue/server.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <variant>

namespace flotilla::queue {

using net::PeerBacklogs;

namespace {

constexpr std::size_t binds_max = 64;
constexpr std::uint32_t backlogs_max = 10'000; // peers that do not read
constexpr std::uint64_t envelope_bytes_max = 64ULL << 10;
// A full pipe is how a peer that does not read is known; what it may hold beyond that is counted.
constexpr std::uint32_t pipe_messages_max = 256;
constexpr Duration monitor_look = 100ms; // it has no place in fd(): it is looked at this often
constexpr Duration monitor_pause = 1ms;  // and not more often than that
constexpr Duration drain_look = 20ms;
// A turn reads no longer than this, so that whoever runs the server sees its signals.
constexpr Duration turn_max = 10ms;
constexpr std::uint32_t looks_every = 256;              // messages, at the clock
const std::string own_id(OpenDoor::id_bytes + 1, '\0'); // to the engine; no peer has it, no door

Times times_now() {
    return {net::now(), net::wall_now()};
}

} // namespace

struct QueueServer::Rest {
    Rest(QueueServerOptions with, net::Socket router_socket, net::Monitor its_monitor,
         ServerDoors its_doors, QueueEngine its_engine)
        : options(std::move(with)), router(std::move(router_socket)),
          monitor(std::move(its_monitor)), doors(std::move(its_doors)),
          engine(std::move(its_engine)),
          backlogs(options.backlog_messages_max, options.backlog_bytes_max, backlogs_max,
                   options.backlogs_bytes_max) {
        const bool named = std::holds_alternative<net::CurveServer>(options.security);
        incoming.names = named ? ServerIncoming::Names::authenticated : ServerIncoming::Names::none;
        incoming.bytes_max =
            std::max<std::uint64_t>(options.limits.message_bytes_max, limits::packed_bytes_max) +
            envelope_bytes_max;
    }

    void turn(Duration wait);
    void read_inputs(Duration wait);
    void handle();
    void read_monitor();
    void retry_backlogs();
    Status ask(Command&& command);
    void finish();
    void act();
    void send(EngineOutputs::Send&& each);
    bool has_input() const noexcept {
        return again || engine.has_more() || doors.has_input() || router.readable();
    }
    Duration wait_max() const;

    QueueServerOptions options;
    net::Socket router;
    net::Monitor monitor;
    ServerDoors doors;
    QueueEngine engine;
    PeerBacklogs backlogs;
    ServerIncoming incoming{};
    Times times{};           // of this turn
    wire::Frames outgoing{}; // of send(), for its memory
    EngineOutputs out{};
    std::set<std::string, std::less<>> held{}; // peers with a backlog
    std::vector<int> ended{};                  // connections, of read_monitor()
    Instant monitor_read{};
    Instant backlogs_tried{};
    std::uint64_t reloads = 0; // that the doors know of
    std::size_t binds = 0;
    std::optional<Event> answer{}; // of ask()
    bool again = false;            // the engine was told something behind its turn
    std::uint64_t too_slow_total = 0;
    Status alive{}; // until the context stops, or the transport or the store fails
};

// ---- input -------------------------------------------------------------------------------------

void QueueServer::Rest::handle() {
    const Peer peer = incoming.from();
    if (incoming.too_many) {
        auto head = leased::read_head(incoming.frames, 0);
        return engine.malformed(
            peer, head ? head->envelope : leased::Envelope{},
            Error{Errc::too_large, "a message with more frames or bytes than this store takes"},
            times);
    }
    auto head = leased::read_head(incoming.frames, 0);
    if (!head) {
        const bool delimited = incoming.frames.size() > 1 && incoming.frames[0].empty();
        return engine.malformed(peer, {delimited, {}}, head.error(), times);
    }
    auto command = queue::read_command(*head, incoming.frames);
    if (!command)
        return engine.malformed(peer, head->envelope, command.error(), times);
    engine.apply(peer, head->envelope, std::move(*command), times);
}

// Until nothing more is there, or the turn is full. Only the first may be waited for.
void QueueServer::Rest::read_inputs(Duration wait) {
    const std::uint32_t messages_max = options.limits.turn_commands_max;
    for (std::uint32_t i = 0; i < messages_max && !engine.is_turn_full(); ++i) {
        if (Status received = incoming.receive(router, i == 0 ? wait : Duration::zero());
            !received) {
            if (received.error().code != Errc::would_block &&
                received.error().code != Errc::timeout)
                alive = std::move(received);
            break;
        }
        if (i == 0)
            times = times_now();
        else if (i % looks_every == 0 && net::recent_now() - times.now > turn_max)
            break;
        handle();
    }
    times = times_now();
}

// Whose connection ended. A descriptor that a new connection has already says nothing here: the
// newcomer may have spoken, and the engine asks after the old owner when it does.
void QueueServer::Rest::read_monitor() {
    using Kind = net::ConnectionEvent::Kind;
    monitor_read = net::now();
    while (const auto event = monitor.next()) {
        if (event->kind == Kind::disconnected)
            ended.push_back(event->value);
        else if (event->kind == Kind::accepted)
            std::erase(ended, event->value);
    }
}

void QueueServer::Rest::retry_backlogs() {
    const Instant now = net::now();
    if (now - backlogs_tried < backlogs.retry_in() && !router.readable())
        return;
    backlogs_tried = now;
    times = times_now();
    backlogs.retry(router, [this](const std::string& peer) {
        engine.unreachable(peer, QueueEngine::Unreachable::gone, times);
        again = true;
    });
    for (auto peer = held.begin(); peer != held.end();) {
        if (backlogs.holds(*peer)) {
            ++peer;
            continue;
        }
        engine.release(*peer);
        again = true;
        peer = held.erase(peer);
    }
}

// One command of our own, in a turn of its own.
Status QueueServer::Rest::ask(Command&& command) {
    if (!alive)
        return alive;
    times = times_now();
    answer.reset();
    engine.apply(Peer{own_id, {}, -1}, {false, "own"}, std::move(command), times);
    finish();
    if (!alive)
        return alive;
    if (!answer)
        return fail(Errc::io, "the store could not write it");
    const auto* reply = std::get_if<leased::Event>(&*answer);
    const auto* error = reply ? std::get_if<leased::ErrorReply>(reply) : nullptr;
    if (!error)
        return {};
    using Code = leased::ErrorCode;
    const Errc code = error->code == Code::exists     ? Errc::exists
                      : error->code == Code::too_many ? Errc::too_many
                      : error->code == Code::full     ? Errc::disk_full
                                                      : Errc::bad_option;
    return fail(code, error->text);
}

// ---- a turn ------------------------------------------------------------------------------------

// Everything that is ready now, once; input is waited for.
void QueueServer::Rest::turn(Duration wait) {
    if (!alive)
        return;
    if (net::recent_now() - monitor_read >= monitor_pause)
        read_monitor();
    if (!backlogs.empty() || !held.empty())
        retry_backlogs();
    if (again || !ended.empty())
        wait = Duration::zero();
    if (!doors.empty()) {
        if (wait > Duration::zero() && !has_input())
            alive = doors.wait(router, wait);
        times = times_now();
        doors.speak(engine, times);
        wait = Duration::zero();
    }
    read_inputs(wait);
    // What came over these connections was read first: a consumer may acknowledge and leave.
    for (const int descriptor : ended)
        engine.connection_lost(descriptor, times);
    ended.clear();
    if (alive)
        finish();
}

void QueueServer::Rest::finish() {
    again = false;
    if (Status finished = engine.finish_turn(times, out); !finished) {
        alive = std::move(finished);
        return;
    }
    if (const std::uint64_t now = engine.counters().reloads_total; now != reloads) {
        reloads = now;
        doors.reloaded();
    }
    act();
    engine.housekeep(); // nobody waits for an answer now
}

void QueueServer::Rest::act() {
    for (EngineOutputs::Send& each : out.sends) {
        if (each.peer == own_id)
            answer = std::move(each.event);
        else if (ServerDoors::is_door(each.peer))
            doors.hear(std::move(each), times);
        else
            send(std::move(each));
    }
    if (options.on_notice)
        for (const EngineOutputs::Notice& each : out.notices)
            options.on_notice(each);
    out.clear();
}

void QueueServer::Rest::send(EngineOutputs::Send&& each) {
    wire::Frames& frames = outgoing;
    frames.clear();
    frames.add(ByteView{each.peer});
    queue::write(each.envelope, std::move(each.event), frames);
    const std::uint64_t waited = backlogs.backlogged_total();
    using Unreachable = QueueEngine::Unreachable;
    switch (backlogs.send(router, std::move(frames))) {
    case PeerBacklogs::Sent::yes:
        if (backlogs.backlogged_total() != waited && held.insert(each.peer).second)
            engine.hold(each.peer); // what it does not read yet, it need not be sent
        return;
    case PeerBacklogs::Sent::stopped: // the next read says so
        return;
    case PeerBacklogs::Sent::gone:
        engine.unreachable(each.peer, Unreachable::gone, times);
        break;
    case PeerBacklogs::Sent::too_slow:
        ++too_slow_total;
        engine.unreachable(each.peer, Unreachable::too_slow, times);
        break;
    }
    again = true;
}

Duration QueueServer::Rest::wait_max() const {
    if (again || engine.has_more() || !ended.empty())
        return Duration::zero();
    const Instant deadline = std::min(engine.next_deadline(), doors.next_deadline());
    const Duration wait = std::min(time_left(net::now(), deadline), monitor_look);
    return backlogs.empty() ? wait : std::min(wait, backlogs.retry_in());
}

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
    socket.frame_bytes_max =
        std::max<std::uint64_t>(options.limits.message_bytes_max, limits::packed_bytes_max) +
        envelope_bytes_max;
    socket.security = options.security;
    socket.domain = options.domain;
    socket.linger = options.linger;
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
    Status made = rest_->ask(std::move(create));
    if (made || made.error().code != Errc::exists)
        return made;
    return rest_->ask(Alter{queue, property_texts(properties)});
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

QueueEngine& QueueServer::engine() noexcept {
    return rest_->engine;
}

QueueServerCounters QueueServer::counters() const {
    QueueServerCounters counters;
    static_cast<EngineCounters&>(counters) = rest_->engine.counters();
    counters.backlogged_total = rest_->backlogs.backlogged_total();
    counters.backlog_dropped_total = rest_->backlogs.dropped_total();
    counters.peers_too_slow_total = rest_->too_slow_total;
    return counters;
}

EngineLevels QueueServer::levels() const {
    return rest_->engine.levels();
}

std::vector<QueueStat> QueueServer::queues() const {
    return rest_->engine.queues();
}

std::vector<DoorStat> QueueServer::doors() const {
    return rest_->doors.stats();
}

} // namespace flotilla::queue
