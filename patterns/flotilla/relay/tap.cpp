// SPDX-License-Identifier: Apache-2.0
#include "tap.hpp"

#include <flotilla/net/system.hpp>

#include <utility>

namespace flotilla::relay {

Tap::Tap(net::Socket socket, std::string_view relay, Rights* rights)
    : socket_(std::move(socket)),
      rights_(rights), topics_{net::Part::copy(capture_topic(relay, Direction::in)),
                               net::Part::copy(capture_topic(relay, Direction::out))} {}

void Tap::read_subscriptions() {
    net::Part part;
    while (socket_.receive(part, Duration::zero())) {
        // Each topic's first subscription and last cancellation; anything else is not for us.
        const ByteView bytes = part;
        const bool subscribes = bytes.substr(0, 1) == ByteView{"\1", 1};
        if (!subscribes && bytes.substr(0, 1) != ByteView{"\0", 1})
            continue;
        if (!takes_effect(part, subscribes, bytes.substr(1)))
            continue;
        if (subscribes)
            ++subscriptions_;
        else if (subscriptions_ > 0)
            --subscriptions_;
    }
}

// In manual mode every peer's come, and each waits for our word.
bool Tap::takes_effect(const net::Part& part, bool subscribes, ByteView topic) {
    if (rights_ == nullptr)
        return true;
    if (rights_->tap_subscription(part, subscribes, topic) != Rights::Verdict::takes_effect)
        return false;
    return (subscribes ? socket_.subscribe(topic) : socket_.unsubscribe(topic)).has_value();
}

void Tap::publish(Direction direction, const Message& message) {
    const auto which = static_cast<std::size_t>(direction);
    ++sequences_[which];
    if (subscriptions_ == 0)
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
