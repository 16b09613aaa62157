// SPDX-License-Identifier: Apache-2.0
#include "work_options.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/routed_message.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/source_machine.hpp>
#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace flotilla::pipeline {

namespace leased = wire::leased;
using net::PeerBacklogs;

namespace {

constexpr std::size_t turn_messages_max = 1000; // read before anything else is looked at
constexpr std::uint32_t gather_messages_max = 256;
constexpr std::uint64_t input_frame_bytes_max = 64ULL << 10; // packed leases are at most 49,160
constexpr std::uint64_t input_bytes_max = 4 * input_frame_bytes_max;
// The monitor has no place in fd(): it is looked at this often while somebody holds work.
constexpr Duration monitor_look = 100ms;

} // namespace

struct WorkSource::Rest {
    Rest(WorkSourceOptions with, net::Socket router_socket, net::Monitor its_monitor)
        : options(std::move(with)), router(std::move(router_socket)),
          monitor(std::move(its_monitor)), machine(options.limits, net::system_seed()),
          backlogs(options.backlog_messages_max, options.backlog_bytes_max,
                   options.limits.sessions_max,
                   options.backlog_bytes_max * options.limits.sessions_max),
          compressor(options.compress), plain(wire::Compression::none),
          incoming(input_bytes_max, options.security) {}

    void handle();
    Status read_inputs();
    void read_monitor();
    void retry_backlogs();
    void turn();
    void act();
    void send(ByteView peer, const leased::Envelope& envelope, leased::Event event);
    void deliver(std::size_t& at);
    void deliver_plain(const SourceOutputs::Delivery& delivery);
    void deliver_packed(const WorkSession& session, std::size_t& at);
    bool packs(const SourceOutputs::Delivery& delivery) const;
    Duration wait_max() const;
    template <class Body>
    Result<WorkId> submit(Body& body, const SubmitOptions& submit_options);
    void submitted();
    std::string full_text(Duration wait) const;

    WorkSourceOptions options;
    net::Socket router;
    net::Monitor monitor;
    SourceMachine machine;
    PeerBacklogs backlogs;
    wire::Compressor compressor;
    wire::Compressor plain;
    leased::PackedWriter writer;
    SourceOutputs out;
    net::RoutedMessage incoming;
    std::uint32_t gathered = 0; // submitted since the last dispatch
    std::uint64_t answers_dropped_total = 0;
    std::uint64_t packed_frames_total = 0;
    Status alive{}; // until the context stops or the transport fails
};

// ---- input -------------------------------------------------------------------------------------

void WorkSource::Rest::handle() {
    const WorkPeer peer{incoming.peer(), incoming.user_id(), incoming.descriptor()};
    wire::Frames& frames = incoming.frames();
    const Instant now = net::now();
    const bool delimited = frames.size() > 1 && frames[0].empty();
    const auto head = leased::read_head(frames, 0);
    if (!head)
        return machine.receive_malformed(peer, {delimited, {}}, head.error(), now, out);
    if (incoming.is_cut())
        return machine.receive_malformed(
            peer, head->envelope,
            {Errc::too_large, "a message with more frames or bytes than a source takes"}, now, out);
    const auto command = leased::read_command(*head, frames);
    if (!command)
        return machine.receive_malformed(peer, head->envelope, command.error(), now, out);
    machine.receive(peer, head->envelope, *command, now, out);
}

Status WorkSource::Rest::read_inputs() {
    for (std::size_t i = 0; i < turn_messages_max; ++i) {
        if (const Status received = incoming.receive(router, Duration::zero()); !received)
            return received.error().code == Errc::would_block ? Status{} : received;
        handle();
        act();
    }
    return {};
}

void WorkSource::Rest::read_monitor() {
    using Kind = net::ConnectionEvent::Kind;
    while (const auto event = monitor.next())
        if (event->kind == Kind::disconnected)
            machine.connection_lost(event->value, net::now(), out);
}

// Everything that is ready now, once.
void WorkSource::Rest::turn() {
    if (!alive)
        return;
    read_monitor();
    if (!backlogs.empty())
        retry_backlogs();
    alive = read_inputs();
    const Instant now = net::now();
    machine.tick(now, out);
    machine.dispatch(now, out);
    gathered = 0;
    act();
}

void WorkSource::Rest::retry_backlogs() {
    backlogs.retry(router, [&](const std::string& peer) {
        machine.unreachable(peer, SourceMachine::Unreachable::gone, net::now(), out);
    });
}

// ---- output ------------------------------------------------------------------------------------

// Sends what the machine decided. A peer that turns out to be gone may make it decide more.
void WorkSource::Rest::act() {
    SourceOutputs doing;
    while (!out.sends.empty() || !out.deliveries.empty() || !out.dead.empty()) {
        std::swap(doing, out);
        for (auto& each : doing.sends)
            send(each.peer, each.envelope, std::move(each.event));
        // Deliveries first reach the frames, then anything that could end their session.
        std::swap(doing.deliveries, out.deliveries);
        for (std::size_t at = 0; at < out.deliveries.size();)
            deliver(at);
        out.deliveries.clear();
        for (Dead& dead : doing.dead)
            if (options.on_dead)
                options.on_dead(std::move(dead));
        doing.clear();
    }
}

void WorkSource::Rest::send(ByteView peer, const leased::Envelope& envelope, leased::Event event) {
    wire::Frames message;
    message.add(peer);
    leased::write(envelope, std::move(event), message);
    const std::string to{peer};
    switch (backlogs.send(router, std::move(message))) {
    case PeerBacklogs::Sent::yes:
    case PeerBacklogs::Sent::stopped: // the next read says so
        return;
    case PeerBacklogs::Sent::gone:
        return machine.unreachable(to, SourceMachine::Unreachable::gone, net::now(), out);
    case PeerBacklogs::Sent::too_slow:
        ++answers_dropped_total;
        return machine.unreachable(to, SourceMachine::Unreachable::too_slow, net::now(), out);
    }
}

bool WorkSource::Rest::packs(const SourceOutputs::Delivery& delivery) const {
    const WorkItem& item = machine.item(delivery.item);
    return machine.session(delivery.session).packed && !delivery.answers_take &&
           item.bytes <= options.pack_bytes;
}

// One delivery, or as many of the same session as fit a frame.
void WorkSource::Rest::deliver(std::size_t& at) {
    const SourceOutputs::Delivery delivery = out.deliveries[at];
    const WorkItem& item = machine.item(delivery.item);
    // The session may have ended since, by an earlier send: its work is pending again.
    if (item.state != WorkItem::State::leased || item.holder != delivery.session) {
        ++at;
    } else if (packs(delivery)) {
        deliver_packed(machine.session(delivery.session), at);
    } else {
        deliver_plain(delivery);
        ++at;
    }
}

void WorkSource::Rest::deliver_plain(const SourceOutputs::Delivery& delivery) {
    const WorkSession& session = machine.session(delivery.session);
    const WorkItem& item = machine.item(delivery.item);
    leased::Deliver event;
    event.lease = {machine.epoch(), item.lease};
    event.id = item.id;
    event.attempt = item.attempts;
    event.redelivered = item.attempts > 1 ? leased::Redelivered::yes : leased::Redelivered::no;
    event.lease_time = options.limits.lease;
    event.key = item.key;
    event.body = item.share();
    const leased::Envelope unasked{session.delimited, {}};
    const std::string peer = session.peer;
    send(peer, delivery.answers_take ? *session.answered : unasked, std::move(event));
}

void WorkSource::Rest::deliver_packed(const WorkSession& session, std::size_t& at) {
    const Slot slot = out.deliveries[at].session;
    writer.begin(machine.epoch(), machine.item(out.deliveries[at].item).lease);
    for (; at < out.deliveries.size(); ++at) {
        const SourceOutputs::Delivery& delivery = out.deliveries[at];
        const WorkItem& item = machine.item(delivery.item);
        const std::size_t bytes =
            leased::PackedWriter::record_bytes(item.key, item.frame_count(), item.bytes);
        if (delivery.session != slot || !packs(delivery) ||
            (writer.records() > 0 && writer.size() + bytes > options.pack_bytes))
            break;
        writer.begin_record(item.lease, item.id, item.attempts,
                            item.attempts > 1 ? leased::Redelivered::yes : leased::Redelivered::no,
                            item.key, item.frame_count());
        for (std::size_t i = 0; i < item.frame_count(); ++i)
            writer.add_frame(item.frame(i).view());
    }
    const bool compressed = session.compress.has(options.compress);
    Blob packed = Blob::copy(writer.finish(compressed ? compressor : plain));
    ++packed_frames_total;
    const std::string peer = session.peer;
    send(peer, {session.delimited, {}},
         leased::DeliverPacked{options.limits.lease, std::move(packed)});
}

// ---- submissions -------------------------------------------------------------------------------

// A message for an idle worker leaves at once; others gather until there are many, or the owner
// comes by.
void WorkSource::Rest::submitted() {
    ++gathered;
    if (machine.is_urgent()) {
        machine.dispatch(net::now(), out);
        gathered = 0;
        act();
    } else if (gathered >= gather_messages_max) {
        turn();
    }
}

std::string WorkSource::Rest::full_text(Duration wait) const {
    const SourceLevels levels = machine.levels();
    return "no room within " + format_duration(wait) + ": " + std::to_string(levels.unfinished()) +
           " messages of " + std::to_string(levels.bytes) + " bytes are unfinished, and " +
           (levels.sessions == 0 ? "no worker is there"
                                 : std::to_string(levels.sessions) + " workers hold " +
                                       std::to_string(levels.leased) + " of them");
}

template <class Body>
Result<WorkId> WorkSource::Rest::submit(Body& body, const SubmitOptions& with) {
    Result<WorkId> id = machine.submit(body, with.key);
    if (!id && id.error().code == Errc::would_block) {
        const Instant deadline = deadline_after(net::now(), with.wait);
        for (;;) {
            turn();
            if (!alive)
                return fail(alive.error());
            id = machine.submit(body, with.key);
            if (id || id.error().code != Errc::would_block)
                break;
            const Duration left = time_left(net::now(), deadline);
            if (left == Duration::zero())
                return with.wait > Duration::zero() ? fail(Errc::timeout, full_text(with.wait))
                                                    : fail(Errc::would_block);
            (void)router.wait_readable(std::min(left, wait_max()));
        }
    }
    if (id)
        submitted();
    return id;
}

Duration WorkSource::Rest::wait_max() const {
    if (gathered > 0 || router.readable())
        return Duration::zero();
    Duration wait = time_left(net::now(), machine.next_deadline());
    if (!backlogs.empty())
        wait = std::min(wait, backlogs.retry_in());
    if (machine.levels().leased > 0)
        wait = std::min(wait, monitor_look);
    return wait;
}

// ---- the class ---------------------------------------------------------------------------------

WorkSource::WorkSource(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
WorkSource::WorkSource(WorkSource&&) noexcept = default;

WorkSource& WorkSource::operator=(WorkSource&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

WorkSource::~WorkSource() {
    if (!rest_ || !rest_->alive)
        return;
    rest_->machine.stop(rest_->out);
    rest_->act();
}

Result<WorkSource> WorkSource::open(net::Context& context, WorkSourceOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions socket;
    socket.frame_bytes_max = input_frame_bytes_max;
    socket.security = options.security;
    socket.domain = options.domain;
    socket.linger = options.linger;
    socket.heartbeat_interval = 5s; // credit bounds what lies before one
    auto router = net::Socket::open(context, net::SocketType::router, std::move(socket));
    if (!router)
        return fail(router.error());
    auto monitor = net::Monitor::open(*router);
    if (!monitor)
        return fail(monitor.error());
    return WorkSource{
        std::make_unique<Rest>(std::move(options), std::move(*router), std::move(*monitor))};
}

Result<net::Endpoint> WorkSource::bind(const net::Endpoint& endpoint) {
    auto bound = rest_->router.bind(endpoint);
    if (bound)
        rest_->backlogs.bound_to(endpoint);
    return bound;
}

Result<WorkId> WorkSource::submit(wire::Frames& body, SubmitOptions options) {
    return rest_->submit(body, options);
}

Result<WorkId> WorkSource::submit(ByteView body, SubmitOptions options) {
    return rest_->submit(body, options);
}

Status WorkSource::process(Duration wait) {
    if (rest_->gathered > 0 || wait <= Duration::zero()) {
        rest_->turn();
        return rest_->alive;
    }
    const Duration most = std::min(wait, rest_->wait_max());
    if (const Status ready = rest_->router.wait_readable(most);
        !ready && ready.error().code == Errc::stopped)
        return ready;
    rest_->turn();
    return rest_->alive;
}

Result<DrainReport> WorkSource::drain(Duration wait) {
    rest_->machine.drain();
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (levels().unfinished() == 0 || left == Duration::zero())
            return DrainReport{levels()};
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
    }
}

int WorkSource::fd() const noexcept {
    return rest_->router.fd();
}
bool WorkSource::has_input() const noexcept {
    return rest_->router.readable();
}
Duration WorkSource::wait_max() const noexcept {
    return rest_->wait_max();
}

WorkSourceCounters WorkSource::counters() const {
    WorkSourceCounters counters;
    static_cast<SourceCounters&>(counters) = rest_->machine.counters();
    counters.backlogged_total = rest_->backlogs.backlogged_total();
    counters.answers_dropped_total = rest_->answers_dropped_total;
    counters.packed_frames_total = rest_->packed_frames_total;
    return counters;
}

SourceLevels WorkSource::levels() const {
    return rest_->machine.levels();
}

} // namespace flotilla::pipeline
