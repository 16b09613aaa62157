// SPDX-License-Identifier: Apache-2.0
#include "tap.hpp"

#include <flotilla/net/system.hpp>

#include <utility>

namespace flotilla::relay {
namespace {

constexpr std::size_t burst_max = 1'000; // subscriptions, before other work gets its turn

} // namespace

Tap::Tap(net::Socket socket, std::optional<net::Monitor> monitor, const RelayOptions& options,
         Rights& rights)
    : socket_(std::move(socket)), monitor_(std::move(monitor)),
      listeners_(options, rights, rights.taps()),
      topics_{net::Part::copy(capture_topic(options.name, Direction::in)),
              net::Part::copy(capture_topic(options.name, Direction::out))} {}

void Tap::attach(net::Poller& poller) {
    poller.on_readable(socket_, [this] { read_subscriptions(); });
    if (monitor_)
        poller.on_readable(monitor_->socket(), [this] { read_events(); });
}

void Tap::detach(net::Poller& poller) {
    poller.forget(socket_);
    if (monitor_)
        poller.forget(monitor_->socket());
    monitor_.reset();
}

void Tap::read_events() {
    if (!monitor_)
        return;
    for (std::size_t read = 0; read < net::Monitor::events_max; ++read) {
        const auto event = monitor_->next();
        if (!event)
            return;
        (void)listeners_.hear(*event); // there is nobody upstream
    }
}

void Tap::read_subscriptions() {
    net::Part part;
    for (std::size_t read = 0; read < burst_max; ++read) {
        if (!socket_.receive(part, Duration::zero()))
            return listeners_.found_empty();
        const auto asked = wire::read_subscription(part);
        if (!asked) { // each frame by itself, as libzmq takes them
            listeners_.heard_garbage(socket_, part, Listeners::Hides::nothing);
            continue;
        }
        read_events();
        (void)listeners_.hear(socket_, part, *asked);
    }
}

void Tap::publish(Direction direction, const Message& message) {
    const auto which = static_cast<std::size_t>(direction);
    ++sequences_[which];
    if (listeners_.subscriptions().count() == 0)
        return;
    CaptureHeader header;
    header.direction = direction;
    header.at = net::wall_now();
    header.sequence = sequences_[which];
    header.frames = static_cast<std::uint16_t>(message.frames);
    net::Part topic = topics_[which].share();
    net::Part head = net::Part::copy(encode(header));
    // A lossy XPUB takes everything; when it does not, the context is going down.
    bool sent = socket_.send(topic, net::More::yes, Duration::zero()) &&
                socket_.send(head, net::More::yes, Duration::zero());
    for (std::size_t i = 0; sent && i < message.frames; ++i) {
        net::Part frame = message.parts[i].share();
        const net::More more = i + 1 < message.frames ? net::More::yes : net::More::no;
        sent = socket_.send(frame, more, Duration::zero()).has_value();
    }
    published_total_ += sent ? 1 : 0;
}

} // namespace flotilla::relay
