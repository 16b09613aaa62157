// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"
#include "descriptors.hpp"
#include "doorman.hpp"
#include "entrance.hpp"
#include "redial.hpp"
#include "socket_rest.hpp"
#include "transport_error.hpp"
#include "unfinished.hpp"

#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/cut.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/system.hpp>

#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace flotilla::net {
namespace {

using Kind = ConnectionEvent::Kind;

constexpr std::size_t ahead_max = 256;
constexpr std::int32_t try_later = 300; // of 27/ZAP

struct KindName {
    int number;
    Kind kind;
    std::string_view name;
};
constexpr std::array<KindName, 15> kinds{{
    {ZMQ_EVENT_CONNECTED, Kind::connected, "connected"},
    {ZMQ_EVENT_CONNECT_DELAYED, Kind::connect_delayed, "connect_delayed"},
    {ZMQ_EVENT_CONNECT_RETRIED, Kind::connect_retried, "connect_retried"},
    {ZMQ_EVENT_LISTENING, Kind::listening, "listening"},
    {ZMQ_EVENT_BIND_FAILED, Kind::bind_failed, "bind_failed"},
    {ZMQ_EVENT_ACCEPTED, Kind::accepted, "accepted"},
    {ZMQ_EVENT_ACCEPT_FAILED, Kind::accept_failed, "accept_failed"},
    {ZMQ_EVENT_CLOSED, Kind::closed, "closed"},
    {ZMQ_EVENT_CLOSE_FAILED, Kind::close_failed, "close_failed"},
    {ZMQ_EVENT_DISCONNECTED, Kind::disconnected, "disconnected"},
    {ZMQ_EVENT_MONITOR_STOPPED, Kind::stopped, "stopped"},
    {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, Kind::handshake_failed_no_detail,
     "handshake_failed_no_detail"},
    {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, Kind::handshake_succeeded, "handshake_succeeded"},
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, Kind::handshake_failed_protocol,
     "handshake_failed_protocol"},
    {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, Kind::handshake_failed_auth, "handshake_failed_auth"},
}};

// A socket for both names IPv4 as IPv6 has it, "tcp://[::ffff:10.0.0.1]:5560": a listener, and one
// that connects again. People and tables know it as it was given.
std::string plain_text(std::string_view endpoint) {
    constexpr std::string_view mapped = "tcp://[::ffff:";
    const std::size_t end = endpoint.find(']');
    if (!endpoint.starts_with(mapped) || end == std::string_view::npos)
        return std::string(endpoint);
    return "tcp://" + std::string(endpoint.substr(mapped.size(), end - mapped.size())) +
           std::string(endpoint.substr(end + 1));
}

void tell(detail::Redial* redial, const ConnectionEvent& event) {
    if (!redial)
        return;
    const std::string plain = plain_text(event.endpoint);
    for (const std::string_view each :
         {std::string_view(event.endpoint), std::string_view(plain)}) {
        if (event.kind == Kind::handshake_failed_auth ||
            event.kind == Kind::handshake_failed_protocol)
            redial->refused(each, now());
        if (event.kind == Kind::handshake_succeeded)
            redial->accepted(each);
        if (each == plain)
            break; // one name, or both are told
    }
}

// True: it was hung up on.
bool tell(detail::Doorman& doorman, const ConnectionEvent& event) {
    if (event.kind == Kind::listening)
        doorman.listening(event.value);
    else if (event.kind == Kind::closed)
        doorman.closed(event.value);
    else if (event.kind == Kind::accepted)
        return doorman.accepted(event.value);
    else if (event.kind == Kind::accept_failed && (event.value == EMFILE || event.value == ENFILE))
        doorman.accept_failed();
    return false;
}

std::shared_ptr<detail::Entrance> entrance_of(const SocketOptions& options) {
    using Speaks = detail::Entrance::Speaks;
    const auto& gate = gate_of(options.security);
    if (!gate)
        return nullptr;
    Speaks speaks = Speaks::nothing;
    if (std::holds_alternative<CurveServer>(options.security))
        speaks = Speaks::curve;
    else if (std::holds_alternative<PlainServer>(options.security))
        speaks = Speaks::plain;
    return std::make_shared<detail::Entrance>(gate, speaks, options.handshake_timeout);
}

// Those of which all that comes is received, or, of PUSH, nothing that is more than a heartbeat:
// SUB drops some of it before, PUB and XPUB take subscriptions that nobody receives, and REQ says
// that nothing waits until it has asked.
bool shows_what_comes(const Socket& socket) noexcept {
    using Subscriptions = SocketOptions::Subscriptions;
    switch (socket.type()) {
    case SocketType::pub:
    case SocketType::sub:
    case SocketType::req:
        return false;
    case SocketType::xpub:
        return socket.options().subscriptions != Subscriptions::first_and_last;
    default:
        return true;
    }
}

// Of a message, and of what ZMTP and CURVE put around a frame.
std::uint64_t wire_bytes_max(const Socket& socket) noexcept {
    constexpr std::uint64_t around_frame = 64;
    constexpr std::uint64_t of_push = 1ULL << 20;
    const SocketOptions& options = socket.options();
    return socket.type() == SocketType::push
               ? of_push
               : options.message_bytes_max + options.frames_max * around_frame;
}

// Where it comes from, without the port: of a peer_text().
std::optional<Address> peer_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    if (text.front() == '[')
        return Address::parse(text.substr(1, colon - 2));
    return Address::parse(text.substr(0, colon));
}

} // namespace

std::string_view name(ConnectionEvent::Kind kind) noexcept {
    return kinds[static_cast<std::size_t>(kind)].name;
}

namespace {

const std::string closed_why = "it may not speak ZeroMQ, or its socket is of a type that does not "
                               "talk to ours, or only one side has CURVE keys";

// What failed because of somebody who came to us.
std::string explain_client(const ConnectionEvent& event) {
    const std::string at = event.endpoint.empty() ? "" : " at " + event.endpoint;
    switch (event.kind) {
    case Kind::handshake_failed_auth:
        return "a client" + at + " was refused (status " + std::to_string(event.value) + "); " +
               (event.value == try_later
                    ? "its address has to wait, for it failed too often"
                    : "its key is not in the allow-list or was revoked, or no rule lets it in");
    case Kind::handshake_failed_protocol:
        return "a client" + at +
               " broke the handshake; check that both sides use CURVE or neither, and that it has "
               "our public key as its server key";
    default:
        return "a client" + at + " closed during the handshake; " + closed_why;
    }
}

} // namespace

std::string explain(const ConnectionEvent& event, Attach side) {
    if (side == Attach::bind && (event.kind == Kind::handshake_failed_auth ||
                                 event.kind == Kind::handshake_failed_protocol ||
                                 event.kind == Kind::handshake_failed_no_detail))
        return explain_client(event);
    const std::string at = event.endpoint.empty() ? "the peer" : event.endpoint;
    switch (event.kind) {
    case Kind::connected:
        return "connected to " + at + "; the ZeroMQ handshake follows";
    case Kind::connect_delayed:
        return "connecting to " + at;
    case Kind::connect_retried:
        return "no connection with " + at + "; trying again in " + std::to_string(event.value) +
               " ms";
    case Kind::listening:
        return "listening on " + at;
    case Kind::bind_failed:
        return "cannot bind " + at + ": " + std::strerror(event.value);
    case Kind::accepted:
        return "accepted a connection on " + at + "; the handshake follows";
    case Kind::accept_failed:
        return "cannot accept on " + at + ": " + std::strerror(event.value) +
               "; check the limit of open files";
    case Kind::closed:
        return "closed " + at;
    case Kind::close_failed:
        return "closing " + at + " failed: " + std::strerror(event.value);
    case Kind::disconnected:
        return "lost the connection to " + at;
    case Kind::stopped:
        return "the socket was closed";
    case Kind::handshake_failed_no_detail:
        return "the peer at " + at + " closed during the handshake; " + closed_why;
    case Kind::handshake_succeeded:
        return "handshake done with " + at;
    case Kind::handshake_failed_protocol:
        return "the handshake with " + at +
               " broke the protocol; check that both sides use CURVE or neither, and the server "
               "key";
    case Kind::handshake_failed_auth:
        return "the peer at " + at + " refused us (status " + std::to_string(event.value) + "); " +
               (event.value == try_later
                    ? "our address has to wait there, for it failed too often"
                    : "our key is not in its allow-list or was revoked, or no rule lets us in");
    }
    return "unknown event";
}

Monitor::Monitor(std::shared_ptr<void*> watched, std::unique_ptr<Socket> socket) noexcept
    : watched_(std::move(watched)), socket_(std::move(socket)) {}
Monitor::Monitor(Monitor&&) noexcept = default;

Monitor& Monitor::operator=(Monitor&& other) noexcept {
    std::swap(watched_, other.watched_);
    std::swap(redial_, other.redial_);
    std::swap(doorman_, other.doorman_);
    std::swap(entrance_, other.entrance_);
    std::swap(unfinished_, other.unfinished_);
    std::swap(domain_, other.domain_);
    std::swap(ahead_, other.ahead_);
    std::swap(socket_, other.socket_);
    return *this;
}

Monitor::~Monitor() {
    if (unfinished_)
        unfinished_->forget_all();
    // Before our end closes: a monitor without a reader would block libzmq's I/O thread.
    if (watched_ && *watched_)
        zmq_socket_monitor(*watched_, nullptr, 0);
}

Result<Monitor> Monitor::open(Socket& socket) {
    if (const Status spare = detail::check_spare_descriptors("monitor a socket"); !spare)
        return fail(spare.error());
    static std::atomic<std::uint64_t> serial{0};
    const std::string endpoint = "inproc://flotilla-monitor-" + std::to_string(++serial);
    // The reader first: ending a monitor that nobody reads waits for ever.
    SocketOptions options;
    options.receive_messages_max = events_max;
    Context context = socket.context_state()->guest();
    auto reader = Socket::open(context, SocketType::pair, options);
    if (!reader)
        return fail(reader.error());
    if (const Status connected = reader->connect(*Endpoint::parse(endpoint)); !connected)
        return fail(connected.error());
    socket.rest_->refusals.reset(); // the new monitor hears for it
    if (zmq_socket_monitor(socket.native_handle(), endpoint.c_str(), ZMQ_EVENT_ALL) != 0)
        return detail::transport_failure(zmq_errno(), "monitor a socket");
    Monitor monitor{socket.alive(), std::make_unique<Socket>(std::move(*reader))};
    monitor.redial_ = socket.rest_->redial;
    monitor.doorman_ = std::make_shared<detail::Doorman>();
    monitor.entrance_ = entrance_of(socket.options());
    monitor.domain_ = socket.options().domain;
    if (monitor.entrance_ && shows_what_comes(socket))
        socket.rest_->unfinished = monitor.unfinished_ =
            std::make_shared<detail::UnfinishedMessages>(wire_bytes_max(socket));
    return monitor;
}

std::optional<ConnectionEvent> Monitor::read() {
    for (;;) {
        const auto frames = socket_->receive(Duration::zero());
        if (!frames)
            return std::nullopt;
        std::uint16_t number = 0;
        ConnectionEvent event{Kind::stopped, 0, {}};
        if (frames->size() != 2 || (*frames)[0].size() != sizeof number + sizeof event.value)
            continue;
        // libzmq writes both in the machine's own byte order.
        const ByteView head = (*frames)[0].view();
        std::memcpy(&number, head.data(), sizeof number);
        std::memcpy(&event.value, head.data() + sizeof number, sizeof event.value);
        event.endpoint = (*frames)[1].view();
        for (const KindName& each : kinds)
            if (each.number == number) {
                event.kind = each.kind;
                return event;
            }
        // An event of a newer libzmq that this table does not know: not ours to guess.
    }
}

void Monitor::tell(const ConnectionEvent& event) {
    net::tell(redial_.get(), event);
    const bool turned_away = net::tell(*doorman_, event);
    if (!entrance_)
        return;
    if (unfinished_ && event.kind == Kind::accepted)
        unfinished_->accepted(event.value, recent_now());
    else if (unfinished_ && event.kind == Kind::disconnected)
        unfinished_->ended(event.value);
    const Instant at = now();
    if (event.kind != Kind::accepted)
        return entrance_->tell(event, at);
    // Its number may be somebody else's by now: only while its end was not told it is its own.
    const bool is_gone =
        std::any_of(ahead_.begin(), ahead_.end(), [&](const ConnectionEvent& next) {
            return next.kind == Kind::disconnected && next.value == event.value;
        });
    detail::Entrance::Peer peer{std::nullopt, is_gone ? std::string{} : peer_text(event.value),
                                plain_text(event.endpoint)};
    peer.address = peer_address(peer.text);
    const bool unwanted = entrance_->accepted(event.value, std::move(peer), at);
    if (turned_away)
        entrance_->turned_away(event.value, at);
    else if (unwanted && !is_gone)
        cut(event.value);
}

std::size_t Monitor::cut_disallowed() {
    if (!entrance_)
        return 0;
    const std::vector<int> all = entrance_->disallowed(domain_);
    for (const int descriptor : all)
        cut(descriptor);
    return all.size();
}

void Monitor::read_ahead() {
    while (ahead_.size() < ahead_max) {
        auto event = read();
        if (!event)
            return;
        ahead_.push_back(std::move(*event));
    }
}

std::optional<ConnectionEvent> Monitor::next() {
    // Whom a number belongs to is known when all that happened was heard.
    if (entrance_ && ahead_.empty())
        read_ahead();
    std::optional<ConnectionEvent> event;
    if (ahead_.empty()) {
        event = read();
    } else {
        event = std::move(ahead_.front());
        ahead_.pop_front();
    }
    if (event) {
        tell(*event);
        event->endpoint = plain_text(event->endpoint);
    }
    return event;
}

} // namespace flotilla::net
