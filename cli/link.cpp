// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/wire/subscription.hpp>

#include <cli/format.hpp>
#include <cli/input.hpp>
#include <cli/link.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>

#include <algorithm>

namespace flotilla::cli {

namespace {

Error with_advice(Error error) {
    if (error.code == Errc::insecure)
        error.detail += " (--server-key or --allow-client-keys for CURVE, --allow-plaintext to go "
                        "without)";
    return error;
}

bool hears(net::SocketType type) {
    using Type = net::SocketType;
    return type != Type::push && type != Type::pub && type != Type::xpub;
}

bool is_open_ended(const net::Attachment& attachment) {
    return attachment.how == net::Attach::bind && attachment.endpoint.is_wildcard();
}

} // namespace

void Link::Plan::become_publisher() {
    type = net::SocketType::xpub;
    options.subscriptions = net::SocketOptions::Subscriptions::every;
    loss = Loss::note;
}

Result<std::unique_ptr<Link>> Link::open(Plan plan, const SocketFlags& flags, Terminal& terminal) {
    auto link = std::unique_ptr<Link>(new Link(std::move(plan), terminal));
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    link->context_.emplace(std::move(*context));
    auto socket = net::Socket::open(*link->context_, link->plan_.type, link->plan_.options);
    if (!socket)
        return fail(with_advice(socket.error()));
    link->socket_.emplace(std::move(*socket));
    if (Status set = set_options(*link->socket_, flags); !set)
        return fail(set.error());
    auto monitor = net::Monitor::open(*link->socket_);
    if (!monitor)
        return fail(monitor.error());
    link->monitor_.emplace(std::move(*monitor));
    if (Status attached = link->attach_all(); !attached)
        return fail(attached.error());
    link->watch();
    return link;
}

Link::~Link() {
    // The poller refers to the sockets, the monitor to the watched one, all to the context.
    poller_ = net::Poller{};
    monitor_.reset();
    socket_.reset();
    context_.reset();
}

Status Link::attach_all() {
    for (const std::string& prefix : plan_.prefixes)
        if (Status subscribed = socket_->subscribe(prefix); !subscribed)
            return subscribed;
    for (const net::Attachment& attachment : plan_.attachments) {
        auto at = socket_->attach(attachment);
        if (!at)
            return fail(with_advice(at.error()));
        tail_.add({*at, attachment.how});
        endpoint_text_ += (endpoint_text_.empty() ? "" : ",") + at->text();
        const bool bound = attachment.how == net::Attach::bind;
        connects_ = connects_ || !bound;
        const std::string line = (bound ? "bound to " : "connecting to ") + at->text();
        if (is_open_ended(attachment) && attachment.endpoint.text() != at->text())
            terminal_.note(line); // nobody can know the port otherwise
        else
            terminal_.detail(line);
    }
    return {};
}

void Link::watch() {
    // The handlers only wake the loop; it looks at everything after each turn.
    poller_.on_readable(monitor_->socket(), [] {});
    if (signal_descriptor() >= 0)
        poller_.on_readable(signal_descriptor(), [] {});
}

void Link::explain_once(const net::ConnectionEvent& event, net::Attach side) {
    constexpr std::size_t explained_max = 100;
    const std::string key = std::string(net::name(event.kind)) + event.endpoint;
    if (explained_.size() < explained_max && explained_.insert(key).second)
        terminal_.note(net::explain(event, side));
    else
        terminal_.detail(net::explain(event, side));
}

Status Link::on_event(const net::ConnectionEvent& event) {
    using Kind = net::ConnectionEvent::Kind;
    const Instant now = net::now();
    const bool old_peer_left = peers_.had_counted(event, now);
    const std::size_t peers_before = peers_.connected(now);
    peers_.on_event(event, now);
    const bool peer_left = peers_.connected(now) < peers_before; // not somebody who never was one
    had_peers_ = had_peers_ || peers_.connected(now) > 0;
    hint_.hear(event);
    const net::Attach side = connects_ ? net::Attach::connect : net::Attach::bind;
    switch (event.kind) {
    case Kind::handshake_failed_auth:
        if (connects_ && plan_.attachments.size() == 1 && peers_.connected(now) == 0)
            return fail(Errc::refused, net::explain(event));
        explain_once(event, side);
        break;
    case Kind::handshake_failed_no_detail:
        if (old_peer_left)
            break;
        [[fallthrough]];
    case Kind::handshake_failed_protocol:
    case Kind::accept_failed:
        explain_once(event, side);
        break;
    case Kind::connect_delayed:
        break; // "connecting" was said when it was attached, and each try again is told
    case Kind::disconnected:
        if (plan_.loss != Plan::Loss::ignore && !connects_ && peer_left &&
            (stuck_ || ledger_.outstanding() > 0))
            may_have_lost_ = true;
        [[fallthrough]];
    default:
        terminal_.detail(net::explain(event));
        break;
    }
    return {};
}

std::string Link::peers_text() const {
    const Instant now = net::now();
    const std::size_t peers = peers_.connected(now);
    if (peers > 0 && peers == peers_.silent(now))
        return endpoint_text_ +
               ": the connection stands and no handshake of ZeroMQ was seen: the other end hangs, "
               "is older than ZeroMQ 4, or is no ZeroMQ";
    if (peers > 0)
        return (peers == 1 ? "a peer is" : std::to_string(peers) + " peers are") +
               std::string(" connected at ") + endpoint_text_;
    if (connects_ && !hint_.text().empty()) // it speaks to who connects
        return hint_.sentence();
    if (had_peers_)
        return (connects_ ? "the connection to " + endpoint_text_ + " has ended"
                          : "whoever had connected to " + endpoint_text_ + " has left") +
               (hears(plan_.type) ? " (a message above --max-size ends a connection, too)" : "");
    return connects_ ? "no connection to " + endpoint_text_ + " has come about"
                     : "nobody has connected to " + endpoint_text_;
}

// libzmq does not tell of the handshake of a peer older than ZeroMQ 4: that it subscribed, or that
// messages left, does.
bool Link::meets_somebody() const {
    const Instant now = net::now();
    const bool is_publisher = plan_.type == net::SocketType::xpub;
    return peers_.connected(now) > peers_.silent(now) ||
           (is_publisher ? peers_.subscribed() > 0 : ledger_.returned_total() > 0);
}

void Link::lend(wire::Frames& frames) {
    frames.back() = ledger_.lend(frames.back()).to_blob();
}

Result<Link::Given> Link::give(wire::Frames& frames, std::uint64_t number) {
    // libzmq drops one in silence.
    const bool no_body = plan_.type == net::SocketType::router && frames.size() == 1;
    Status sent = no_body ? fail(Errc::malformed) : socket_->send(frames, Duration::zero());
    if (sent)
        return Given::sent;
    const std::string message = "message " + std::to_string(number) + ": ";
    if (no_body)
        terminal_.note(message + std::string(routed_frames_text) + "; dropped");
    else if (sent.error().code == Errc::peer_gone)
        terminal_.note(message + "nobody with the routing id " + routing_text(frames[0]) +
                       " is connected; dropped");
    else
        return fail(sent.error());
    ++dropped_;
    return Given::dropped;
}

bool Link::hear_subscriptions() {
    net::Part part;
    bool heard = false;
    while (socket_->receive(part, Duration::zero())) {
        heard = true;
        peers_.on_subscription(part.descriptor(), part);
        const auto asked = wire::read_subscription(part);
        if (terminal_.verbosity() == Verbosity::verbose && asked)
            terminal_.detail((asked->subscribes ? "subscribed: '" : "unsubscribed: '") +
                             routing_text(asked->prefix) + "'");
    }
    return heard;
}

Status Link::look_at_connections() {
    while (const auto event = monitor_->next())
        if (Status seen = on_event(*event); !seen)
            return seen;
    look_at_outstanding();
    return {};
}

void Link::look_at_outstanding() {
    constexpr Duration stuck_after = 20ms;
    const std::uint64_t returned = ledger_.returned_total();
    const Instant now = net::recent_now();
    if (returned != returned_before_ || ledger_.outstanding() == 0) {
        progress_at_ = now;
        stuck_ = false;
    } else if (now - progress_at_ >= stuck_after) {
        stuck_ = true;
    }
    returned_before_ = returned;
}

Duration Link::look_again_within() const noexcept {
    if (ledger_.outstanding() == 0) {
        const Instant now = net::recent_now();
        return time_left(now, peers_.next_deadline(now));
    }
    return stuck_ ? Duration{100ms} : Duration{5ms};
}

bool Link::wait_outstanding(Instant deadline) {
    while (ledger_.outstanding() > 0) {
        const Instant now = net::now();
        if (now >= deadline)
            return false;
        // A refusal at the end is a peer lost like any other.
        if (Status seen = look_at_connections(); !seen)
            return false;
        terminal_.progress(now, std::to_string(ledger_.outstanding()) + " messages to go");
        // No event tells that the transport let go of bytes; the socket's housekeeping runs here.
        (void)socket_->writable();
        (void)poller_.turn(std::min<Duration>(1ms, time_left(now, deadline)));
    }
    (void)look_at_connections(); // if it was stuck, a peer's end may be why nothing is left
    return true;
}

bool Link::close_within(Duration linger) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(linger).count();
    FLOTILLA_CHECK(socket_->set_linger(linger), "a linger within its range was refused");
    const Instant begin = net::now();
    poller_ = net::Poller{};
    monitor_.reset();
    socket_.reset();
    context_.reset(); // returns when the socket has nothing left, or its linger is over
    return net::now() - begin < std::chrono::milliseconds(ms);
}

// Of a connection that ended with messages in it.
ExitCode Link::tell_losses() {
    if (!may_have_lost_)
        return ExitCode::ok;
    if (plan_.loss == Plan::Loss::note) {
        terminal_.note("a subscriber left while messages were queued; it may have missed some");
        return ExitCode::ok;
    }
    terminal_.error("a peer left while messages were queued; some may be lost: up to " +
                    std::to_string(plan_.options.send_messages_max) +
                    " (--hwm) for each that left, and what it had received but not read");
    return ExitCode::not_flushed;
}

void Link::give_up() {
    if (ledger_.outstanding() > 0)
        terminal_.error(counted(ledger_.outstanding(), "message") +
                        " had not left and may be lost");
    (void)tell_losses();
}

ExitCode Link::empty_and_close(Duration linger, const std::string& advice) {
    const Instant deadline = deadline_after(net::now(), linger);
    if (signal_descriptor() >= 0)
        poller_.forget(signal_descriptor()); // stays readable after a signal: would not wait
    const bool gone = wait_outstanding(deadline);
    const std::uint64_t left = ledger_.outstanding();
    if (!gone) {
        terminal_.error(counted(left, "message") + " had not left within " +
                        format_duration(linger) + " (--linger) and may be lost" +
                        (meets_somebody() ? "" : ": " + peers_text() + advice));
        (void)close_within(Duration::zero());
        return ExitCode::not_flushed;
    }
    if (!tail_.wait_read(deadline)) {
        terminal_.error("the peer had not read everything within " + format_duration(linger) +
                        " (--linger); what is unread may be lost");
        (void)close_within(Duration::zero());
        return ExitCode::not_flushed;
    }
    constexpr Duration last_batch_min = 100ms;
    // An XSUB would linger to tell a publisher that has gone of its end, and every socket where a
    // connection never came to a handshake: all that there was to say has left.
    const bool speaks = plan_.type != net::SocketType::xsub && meets_somebody();
    const Duration rest =
        speaks ? std::max(time_left(net::now(), deadline), last_batch_min) : last_batch_min;
    if (!close_within(rest) && speaks) {
        terminal_.error("the last bytes had not left within " + format_duration(linger) +
                        " (--linger)");
        return ExitCode::not_flushed;
    }
    return ExitCode::ok;
}

ExitCode Link::flush(Duration linger, const std::string& advice) {
    const ExitCode left = empty_and_close(linger, advice);
    const ExitCode lost = tell_losses();
    return left == ExitCode::ok ? lost : left;
}

} // namespace flotilla::cli
