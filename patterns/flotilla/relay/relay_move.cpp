// SPDX-License-Identifier: Apache-2.0
#include "relay_rest.hpp"

#include <flotilla/net/system.hpp>

namespace flotilla::relay {
namespace {

Listeners::Hides hidden_in(const Message& message) {
    for (std::size_t i = 1; i < message.frames; ++i)
        if (wire::read_subscription(message.frame(i)))
            return Listeners::Hides::subscriptions;
    return Listeners::Hides::nothing;
}

} // namespace

// Reads and passes on, until the side is empty, its message has to wait, or the burst is over.
void Relay::Rest::move(Side side) {
    Message& message = end(side).message;
    net::Socket& socket = this->socket(side);
    bool go_on = pump.may_read(side);
    const bool subscribes = kind() == Kind::forwarder && side == Side::backend;
    const std::size_t burst = subscribes ? burst_subscriptions_max : burst_messages_max;
    for (std::size_t moved = 0; go_on && moved < burst; ++moved) {
        switch (receive(socket, limits, message)) {
        case Received::whole:
            go_on = deliver(side);
            break;
        case Received::nothing:
            found_empty(side);
            go_on = false;
            break;
        case Received::too_large:
            let_go(side, Drop::too_large);
            break;
        case Received::too_many:
            let_go(side, Drop::too_many);
            break;
        case Received::failed: // the loop will find out why
            go_on = false;
            break;
        }
    }
    after_work();
}

void Relay::Rest::found_empty(Side side) {
    pump.found_empty(side);
    if (listeners && side == Side::backend)
        listeners->found_empty();
}

// A message over a limit.
void Relay::Rest::let_go(Side side, Drop reason) {
    pump.dropped(side, reason);
    if (listeners && side == Side::backend)
        listeners->heard_garbage(socket(side), end(side).message.parts[0],
                                 Listeners::Hides::subscriptions); // there may have been some
}

// Tries the held message of this side again, and goes on with the side if that went well.
void Relay::Rest::retry(Side side) {
    if (hop && pump.holds(side))
        set_hop_left(end(side).message);
    if (pump.holds(side) && forward(side))
        return move(side);
    after_work();
}

// Most messages leave as they come; of one that has to wait the time of leaving is set again.
void Relay::Rest::add_hop(Message& message) {
    if (message.frames < 2 || message.bytes + hop->bytes() > limits.message_bytes_max)
        return;
    net::Part& last = message.parts[message.frames - 1];
    const WallTime now = net::wall_now();
    if (hop->stamp(last.view(), now, now, hop_frame) != wire::HopStamp::Edit::stamped)
        return;
    last = net::Part::copy(hop_frame);
    message.bytes += hop->bytes();
}

void Relay::Rest::set_hop_left(Message& message) {
    net::Part& last = message.parts[message.frames - 1];
    if (message.frames >= 2 && hop->is_last_of(last.view()))
        hop->set_left(last.data(), last.size(), net::wall_now());
}

// Of a reply: back to what the client's connection is called. False: it is for nobody here.
bool Relay::Rest::find_client(Message& message) {
    const ByteView marked = message.frame(0);
    const auto client = origin.client(marked);
    if (client && client->size() != marked.size()) {
        message.bytes -= marked.size() - client->size();
        message.parts[0] = net::Part::copy(*client);
    }
    return client.has_value();
}

void Relay::Rest::mark_origin(Message& message) {
    const ByteView client = message.frame(0);
    if (!OriginMark::is_numbered(client))
        return;
    const ByteView marked = origin.marked(client);
    message.bytes += marked.size() - client.size();
    message.parts[0] = net::Part::copy(marked);
}

// Whether the next message of the side may be read.
bool Relay::Rest::deliver(Side side) {
    Message& message = end(side).message;
    if (kind() == Kind::forwarder && side == Side::backend)
        return subscription();
    if (kind() == Kind::queue && side == Side::backend && message.frames < 2) {
        pump.dropped(side, Drop::malformed);
        return true;
    }
    if (kind() == Kind::queue && side == Side::backend && !find_client(message)) {
        pump.dropped(side, Drop::unroutable);
        return true;
    }
    if (rights.judges(side) && !rights.may_pass(side, message)) {
        pump.dropped(side, Drop::not_allowed);
        return true;
    }
    if (tap)
        tap->publish(from(side), message);
    if (last_values) // as it came: a late joiner's hop would tell of another passage
        last_values->remember(message);
    if (hop)
        add_hop(message);
    if (kind() == Kind::queue) {
        if (side == Side::backend)
            return reply();
        // A client that asks is there, and may have room again.
        if (!backlog.empty())
            backlog.retry(message.frame(0), [this](Message& kept) { return send_kept(kept); });
        mark_origin(message);
    }
    return forward(side);
}

bool Relay::Rest::forward(Side side) {
    Message& message = end(side).message;
    switch (send(socket(opposite(side)), message)) {
    case Sent::whole:
        pump.passed(side, message.bytes);
        return true;
    case Sent::cut_off:
        pump.dropped(side, Drop::cut_off);
        return true;
    case Sent::unroutable:
        pump.dropped(side, Drop::unroutable);
        return true;
    case Sent::no_room:
        if (plan.options.overflow.policy == Overflow::Policy::drop) {
            pump.dropped(side, Drop::overflow);
            return true;
        }
        [[fallthrough]];
    default:
        pump.held(side, poller->now());
        return false;
    }
}

Sent Relay::Rest::send_reply(Message& message) {
    const std::uint64_t bytes = message.bytes;
    const Sent sent = send(socket(Side::frontend), message);
    if (sent == Sent::whole)
        pump.passed(Side::backend, bytes);
    else if (sent == Sent::unroutable)
        pump.dropped(Side::backend, Drop::unroutable);
    else if (sent == Sent::cut_off)
        pump.dropped(Side::backend, Drop::cut_off);
    return sent;
}

Sent Relay::Rest::send_kept(Message& message) {
    if (hop)
        set_hop_left(message);
    return send_reply(message);
}

// One client that does not read must not hold up the others: its replies wait beside the way.
bool Relay::Rest::reply() {
    Message& message = end(Side::backend).message;
    const bool behind = !backlog.empty() && backlog.has(message.frame(0));
    if (!behind && send_reply(message) != Sent::no_room)
        return true;
    if (!backlog.add(message))
        pump.dropped(Side::backend, Drop::backlog_full);
    else if (!backlog_timer) // a ROUTER is always writable, so nobody tells when there is room
        backlog_timer = poller->every(10ms, [this] { retry_backlog(); });
    return true;
}

void Relay::Rest::retry_backlog() {
    backlog.retry_all([this](Message& kept) { return send_kept(kept); });
    after_work();
}

// A subscription or cancellation, on its way upstream.
bool Relay::Rest::subscription() {
    using Outcome = Listeners::Outcome;
    const Message& message = end(Side::backend).message;
    const auto asked = wire::read_subscription(message.frame(0));
    if (message.frames != 1 || !asked) {
        listeners->heard_garbage(socket(Side::backend), message.parts[0], hidden_in(message));
        pump.dropped(Side::backend, Drop::malformed);
        return true;
    }
    read_events(Side::backend); // who has its descriptor by now
    const Outcome outcome = listeners->hear(socket(Side::backend), message.parts[0], *asked);
    switch (outcome) {
    case Outcome::not_allowed: // upstream nobody hears of it
        pump.dropped(Side::backend, Drop::not_allowed);
        return true;
    case Outcome::no_place:
        pump.dropped(Side::backend, Drop::no_place);
        return true;
    case Outcome::not_his:
        pump.dropped(Side::backend, Drop::malformed);
        return true;
    case Outcome::ended: // not a message of anybody
        return true;
    default:
        break;
    }
    if (tap)
        tap->publish(Direction::out, message);
    if (asked->subscribes && last_values)
        send_last_values(asked->prefix);
    const bool concerns_upstream = outcome == Outcome::first || outcome == Outcome::last;
    return concerns_upstream && !is_always_wanted(asked->prefix) ? forward(Side::backend) : true;
}

// Somebody left who was the last to want it.
void Relay::Rest::end_topic(ByteView topic) {
    if (is_always_wanted(topic))
        return;
    std::string cancellation(1, '\0');
    cancellation += topic;
    // An XSUB takes everything; when it does not, the context is going down.
    if (socket(Side::frontend).send(cancellation, Duration::zero()))
        pump.passed(Side::backend, cancellation.size());
}

// The new subscriber gets the values before anything live. libzmq can address it for one message;
// the values of further topics go to all who subscribe to them, marked as repeated.
void Relay::Rest::send_last_values(ByteView prefix) {
    net::Socket& backend = socket(Side::backend);
    bool alone = backend.can_address_last_subscriber();
    last_values->matching(prefix, [&](const Message& value) {
        Message copy = value.share();
        mark_snapshot(copy);
        const bool addressed =
            alone && backend.address(net::Socket::Audience::last_subscriber).has_value();
        last_values_sent_total += send(backend, copy) == Sent::whole ? 1 : 0;
        if (addressed)
            (void)backend.address(net::Socket::Audience::everyone);
        alone = false;
    });
}

} // namespace flotilla::relay
