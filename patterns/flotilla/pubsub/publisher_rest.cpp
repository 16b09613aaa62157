// SPDX-License-Identifier: Apache-2.0
#include "publisher_rest.hpp"

#include <flotilla/wire/subscription.hpp>

#include <utility>

namespace flotilla::pubsub {

Publisher::Rest::Rest(PublisherOptions given, net::Socket opened, net::Monitor watching,
                      std::uint64_t name)
    : options(std::move(given)), socket(std::move(opened)), monitor(std::move(watching)),
      epoch(name), plain(options.metadata == Metadata::off && !options.last_value),
      numbering(options.topics_max), table(options.subscriptions) {
    if (options.last_value)
        values.emplace(*options.last_value);
    look_at = net::now();
    if (options.metadata == Metadata::on)
        beat_at = look_at; // the first look announces us
}

// The message did not fit a subscriber's queue and the policy does not let it get lost.
Result<Sent> Publisher::Rest::overflowed() {
    if (options.overflow == Overflow::drop) {
        ++counts.dropped_full_total;
        return Sent::dropped;
    }
    if (options.after_block == AfterBlock::drop) {
        ++counts.dropped_timeout_total;
        return Sent::dropped;
    }
    ++counts.refused_total;
    return fail(Errc::timeout, "a subscriber's queue stayed full");
}

Status Publisher::Rest::get_ready(ByteView topic) {
    if (auto checked = check_topic(topic); !checked)
        return checked;
    if (!socket)
        return fail(Errc::stopped, "the publisher is closed");
    return look();
}

Result<std::vector<net::Part>> Publisher::Rest::parts_of(const wire::Frames& body) const {
    const std::size_t around = options.metadata == Metadata::on ? 2 : 1; // topic, envelope
    const std::size_t most = wire::Frames::frames_max - around;
    if (body.size() > most)
        return fail(Errc::too_many, "the body has " + std::to_string(body.size()) +
                                        " frames; the limit is " + std::to_string(most));
    std::vector<net::Part> parts;
    parts.reserve(body.size() + 1);
    for (std::size_t i = 0; i < body.size(); ++i)
        parts.push_back(net::Part::from(body[i].share()));
    return parts;
}

Result<Sent> Publisher::Rest::not_at_once(Status&& sent, ByteView topic, net::More more) {
    if (sent.error().code == Errc::would_block && options.overflow == Overflow::block)
        sent = socket->send(topic, more, options.block_wait);
    if (sent)
        return Sent::accepted;
    if (const Errc code = sent.error().code; code == Errc::would_block || code == Errc::timeout)
        return overflowed();
    return fail(std::move(sent.error()));
}

Result<Sent> Publisher::Rest::send_waiting(ByteView topic, ByteView body, int taken) {
    if (taken == 0) {
        auto begun = begin(topic, net::More::yes);
        if (!begun || *begun == Sent::dropped)
            return begun;
    }
    if (auto sent = socket->send(body, net::More::no, Duration::zero()); !sent)
        return fail(std::move(sent.error()));
    finish(body.size());
    return Sent::accepted;
}

Result<Sent> Publisher::Rest::hand_over(ByteView topic, net::Part* parts, std::size_t count) {
    using net::More;
    auto begun = begin(topic, count > 0 ? More::yes : More::no);
    if (!begun || *begun == Sent::dropped)
        return begun;
    // Room is counted in messages, so what follows the first frame fits too.
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
        bytes += parts[i].size();
        const More more = i + 1 < count ? More::yes : More::no;
        if (auto sent = socket->send(parts[i], more, Duration::zero()); !sent)
            return fail(std::move(sent.error()));
    }
    finish(bytes);
    return Sent::accepted;
}

Result<Sent> Publisher::Rest::transmit(ByteView topic, net::Part* parts, std::size_t count) {
    if (auto prepared = prepare(topic); !prepared)
        return fail(std::move(prepared.error()));
    return hand_over(topic, parts, count);
}

Result<Sent> Publisher::Rest::transmit_with_metadata(ByteView topic, std::vector<net::Part>& parts,
                                                     wire::Envelope envelope) {
    // Upkeep before the message gets its number: a heartbeat that named it ahead of the message
    // would make every subscriber count it as lost.
    if (auto prepared = prepare(topic); !prepared)
        return fail(std::move(prepared.error()));
    const bool numbered = options.metadata == Metadata::on;
    if (numbered) {
        if (!envelope.timestamp)
            envelope.timestamp = net::wall_now();
        const Numbering::Given number = numbering.next(topic);
        envelope.publisher_epoch = epoch;
        envelope.sequence = number.sequence;
        envelope.generation = number.generation;
        envelope.snapshot = false;
        scratch.clear();
        if (auto encoded = wire::encode(envelope, scratch); !encoded) {
            numbering.take_back(topic);
            return fail(std::move(encoded.error()));
        }
        parts.push_back(net::Part::copy(scratch.view()));
    }
    // Kept before it is sent, while the parts are ours; put only when it is sent or dropped.
    wire::Frames value;
    if (values)
        for (const net::Part& part : parts)
            value.add(part.share().to_blob());
    auto sent = hand_over(topic, parts.data(), parts.size());
    if (numbered && sent && *sent == Sent::accepted)
        counts.sent_bytes -= scratch.view().size(); // bodies are counted
    if (!sent) {
        if (numbered) {
            numbering.take_back(topic);
            parts.pop_back();
        }
        return sent;
    }
    if (values)
        values->put(topic, std::move(value));
    return sent;
}

Result<Sent> Publisher::Rest::transmit_with_metadata(ByteView topic, net::Part& body) {
    std::vector<net::Part> parts;
    parts.reserve(2);
    parts.push_back(std::move(body));
    auto sent = transmit_with_metadata(topic, parts, {});
    if (!sent)
        body = std::move(parts.front());
    return sent;
}

Result<Sent> Publisher::Rest::copy_with_metadata(ByteView topic, ByteView body) {
    net::Part copied = net::Part::copy(body);
    return transmit_with_metadata(topic, copied);
}

Status Publisher::Rest::look() {
    const bool flood = plain && sends_since_look >= flood_sends_min;
    sends_between_clock_reads = clock_read_at = flood ? flood_sends_between_clock_reads : 1;
    sends_since_look = 0;
    const Instant now = net::now();
    look_at = now + time_between_looks;
    if (auto read = read_subscriptions(); !read)
        return read;
    read_events();
    if (now >= beat_at)
        return beat(Numbering::Which::recent);
    return {};
}

Status Publisher::Rest::read_subscriptions() {
    net::Part message;
    for (std::size_t read = 0; read < input_messages_max; ++read) {
        const Status received = socket->receive(message, Duration::zero());
        if (!received)
            return received.error().code == Errc::would_block ? Status{} : received;
        // What the monitor says happened before, among it the end of this very connection.
        read_events();
        apply(message);
    }
    look_at = Instant{}; // more may be waiting
    return {};
}

void Publisher::Rest::read_events() {
    using Kind = net::ConnectionEvent::Kind;
    for (std::size_t read = 0; read < net::Monitor::events_max; ++read) {
        const auto event = monitor->next();
        if (!event)
            return;
        if (event->kind == Kind::accepted || event->kind == Kind::connected)
            table.connected(event->value);
        else if (event->kind == Kind::disconnected)
            table.disconnected(event->value);
    }
}

void Publisher::Rest::apply(net::Part& message) {
    const auto asked = wire::read_subscription(message.view());
    if (!asked) {
        ++counts.unexpected_total;
        return;
    }
    const ByteView prefix = asked->prefix;
    if (!asked->subscribes) {
        table.unsubscribe(message.descriptor(), prefix);
        if (values)
            (void)socket->unsubscribe(prefix); // a peer that is gone has nothing to end
        return;
    }
    table.subscribe(message.descriptor(), prefix);
    if (values && socket->subscribe(prefix))
        send_values_under(prefix);
}

void Publisher::Rest::send_values_under(ByteView prefix) {
    using Audience = net::Socket::Audience;
    // Only the first value can go to the new subscriber alone. The others reach every subscriber
    // that matches, as snapshots, which those who have them already drop.
    bool alone = socket->can_address_last_subscriber();
    values->each_under(prefix, [&](ByteView topic, const wire::Frames& frames) {
        const bool addressed = alone && socket->address(Audience::last_subscriber);
        const bool sent = send_value(topic, frames);
        if (addressed) {
            (void)socket->address(Audience::everyone);
            alone = !sent;
        }
    });
}

// False when it is too old to be sent; then nothing was.
bool Publisher::Rest::send_value(ByteView topic, const wire::Frames& frames) {
    wire::Frames message;
    message.add(topic);
    for (std::size_t i = 0; i < frames.size(); ++i)
        message.add(frames[i].share());
    if (options.metadata == Metadata::on) {
        auto envelope = wire::decode_envelope(message.back());
        FLOTILLA_CHECK(envelope, "a kept envelope cannot be read");
        if (envelope->expiry && *envelope->expiry <= net::wall_now())
            return false;
        envelope->snapshot = true;
        scratch.clear();
        const Status encoded = wire::encode(*envelope, scratch);
        FLOTILLA_CHECK(encoded, "a kept envelope cannot be sent");
        message.back() = Blob::copy(scratch.view());
    }
    if (socket->send(message, Duration::zero()))
        ++counts.snapshots_total;
    else
        ++counts.snapshots_dropped_total;
    return true;
}

Status Publisher::Rest::beat(Numbering::Which which) {
    beat_at = net::now() + options.heartbeat_interval;
    const feed::Heartbeat heartbeat{epoch, options.heartbeat_interval, numbering.end_round(which)};
    for (const std::string& body : feed::encode_heartbeats(heartbeat)) {
        wire::Frames message{feed::heartbeat_topic, body};
        const Status sent = socket->send(message, Duration::zero());
        if (sent)
            ++counts.heartbeats_total;
        else if (sent.error().code == Errc::would_block)
            ++counts.heartbeats_dropped_total;
        else
            return sent;
    }
    return {};
}

} // namespace flotilla::pubsub
