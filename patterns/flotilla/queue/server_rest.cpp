// SPDX-License-Identifier: Apache-2.0
#include "server_rest.hpp"

#include <flotilla/net/cut.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/wire/foreign.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace flotilla::queue {

using net::PeerBacklogs;

namespace {

constexpr std::uint32_t backlogs_max = 10'000; // peers that do not read
constexpr Duration monitor_look = 100ms;   // it has no place in fd(): it is looked at this often
constexpr Duration monitor_pause = 1ms;    // and not more often than that
constexpr std::uint32_t looks_every = 256; // messages, at the clock

constexpr std::string_view who_is_here =
    "this is a flotilla-store (FLQ1 queues); services are called through flotilla-broker";
constexpr std::string_view not_admin =
    "this is where a flotilla-store is spoken to by producers and consumers; its admin endpoint is "
    "what it was given as --admin";

} // namespace

Times times_now() {
    return {net::now(), net::wall_now()};
}

std::uint64_t QueueServer::Rest::message_bytes_max(const StoreLimits& limits) noexcept {
    return std::max<std::uint64_t>(limits.message_bytes_max, limits::packed_bytes_max) +
           envelope_bytes_max;
}

QueueServer::Rest::Rest(QueueServerOptions with, net::Socket router_socket,
                        net::Monitor its_monitor, ServerDoors its_doors, QueueEngine its_engine)
    : options(std::move(with)), router(std::move(router_socket)), monitor(std::move(its_monitor)),
      doors(std::move(its_doors)), engine(std::move(its_engine)),
      backlogs(options.backlog_messages_max, options.backlog_bytes_max, backlogs_max,
               options.backlogs_bytes_max),
      incoming(message_bytes_max(options.limits), options.security) {
    set_permissions(options.permissions);
}

void QueueServer::Rest::set_permissions(std::shared_ptr<const Permissions> permissions) {
    engine.set_permissions(std::move(permissions), times_now());
    doors.cut_disallowed();
    again = true;
}

// ---- input -------------------------------------------------------------------------------------

void QueueServer::Rest::handle() {
    const Peer peer{incoming.peer(), incoming.user_id(), incoming.descriptor()};
    wire::Frames& frames = incoming.frames();
    if (incoming.is_cut()) {
        auto head = leased::read_head(frames, 0);
        return engine.malformed(
            peer, head ? head->envelope : leased::Envelope{},
            Error{Errc::too_large, "a message with more frames or bytes than this store takes"},
            times);
    }
    auto head = leased::read_head(frames, 0);
    if (!head && refuse_foreign())
        return;
    if (!head) {
        const bool delimited = frames.size() > 1 && frames[0].empty();
        return engine.malformed(peer, {delimited, {}}, head.error(), times);
    }
    auto command = queue::read_command(*head, frames);
    if (!command)
        return engine.malformed(peer, head->envelope, command.error(), times);
    engine.apply(peer, head->envelope, std::move(*command), times);
}

// Who speaks to a broker, or to an admin endpoint, is told that none is here, as far as his
// protocol has words for it.
bool QueueServer::Rest::refuse_foreign() {
    auto refusal = wire::refuse_majordomo_speaker(incoming.frames(), who_is_here);
    if (!refusal)
        refusal = wire::refuse_admin_speaker(incoming.frames(), not_admin);
    if (!refusal)
        return false;
    ++foreign_total;
    wire::Frames& frames = outgoing;
    frames.clear();
    frames.add(incoming.peer());
    for (std::size_t i = 0; i < refusal->size(); ++i)
        frames.add(std::move((*refusal)[i]));
    if (backlogs.send(router, std::move(frames)) == PeerBacklogs::Sent::too_slow)
        ++too_slow_total;
    return true;
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
        handle();
        if ((i + 1) % looks_every == 0 && net::recent_now() - times.now >= options.turn_max)
            break;
    }
    times = times_now();
}

// Whose connection ended. A descriptor that a new connection has already says nothing here: the
// newcomer may have spoken, and the engine asks after the old owner when it does.
void QueueServer::Rest::read_monitor() {
    using Kind = net::ConnectionEvent::Kind;
    monitor_read = net::now();
    router.housekeep(); // so does a receive that finds nothing, but under load there is none
    doors.read_monitors();
    while (const auto event = monitor.next()) {
        if (event->kind == Kind::disconnected || event->kind == Kind::accepted)
            revoked.forget(event->value);
        if (event->kind == Kind::disconnected)
            ended.ended(event->value);
        else if (event->kind == Kind::accepted)
            ended.accepted(event->value);
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
Status QueueServer::Rest::ask_now(Command&& command) {
    if (!alive)
        return alive;
    times = times_now();
    std::optional<Event> answer;
    asks.ask(engine, std::move(command), times, [&](Event&& event) { answer = std::move(event); });
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
    if (!revoked.empty())
        revoked.tick(net::now());
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
    ended.hand_on([this] { read_monitor(); },
                  [this](int descriptor) { engine.connection_lost(descriptor, times); });
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
        asks.give_up("the store could not write it");
    }
    act();
    engine.housekeep(); // nobody waits for an answer now
}

void QueueServer::Rest::act() {
    for (EngineOutputs::Send& each : out.sends) {
        if (ServerAsks::is_ours(each.peer))
            asks.hear(std::move(each));
        else if (ServerDoors::is_door(each.peer))
            doors.hear(std::move(each), times);
        else
            send(std::move(each));
    }
    if (options.on_notice)
        for (const EngineOutputs::Notice& each : out.notices)
            options.on_notice(each);
    if (options.on_refused)
        for (const Refusal& each : out.refusals)
            options.on_refused(each);
    if (options.on_changed)
        for (const EngineOutputs::Change& each : out.changes)
            options.on_changed(each);
    if (!out.cuts.empty()) // that they were accepted must not look as if it came later
        read_monitor();
    for (const int descriptor : out.cuts)
        revoked.add(descriptor, net::now());
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
    if (!revoked.empty())
        return std::min(wait, net::PendingCuts::pause);
    return backlogs.empty() ? wait : std::min(wait, backlogs.retry_in());
}

} // namespace flotilla::queue
