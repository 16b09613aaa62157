// SPDX-License-Identifier: Apache-2.0
#include "subscriber_rest.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/net/system.hpp>

#include <utility>

namespace flotilla::pubsub {

Subscriber::Rest::Rest(net::Context& where, SubscriberOptions given)
    : context(&where), options(std::move(given)), filter(options.subscriptions_max),
      losses(options.topics_max), heard(options.publishers_max, options.missed_heartbeats_max) {}

Status Subscriber::Rest::open_socket() {
    net::SocketOptions with = options.socket;
    with.receive_messages_max = options.unread_messages_max;
    auto opened = net::Socket::open(*context, net::SocketType::sub, with);
    if (!opened)
        return fail(std::move(opened.error()));
    if (options.metadata == Metadata::on)
        if (auto subscribed = opened->subscribe(feed::heartbeat_topic); !subscribed)
            return subscribed;
    socket.emplace(std::move(*opened));
    return {};
}

Status Subscriber::Rest::join() {
    if (auto opened = open_socket(); !opened)
        return opened;
    Status joined;
    filter.each_native_prefix([&](ByteView prefix) {
        if (joined)
            joined = socket->subscribe(prefix);
    });
    for (const net::Attachment& attachment : attachments)
        if (joined)
            if (auto attached = socket->attach(attachment); !attached)
                joined = fail(std::move(attached.error()));
    if (!joined) {
        socket.reset();
        return joined;
    }
    losses.forget_base_lines(); // what passed while we were away was not asked for
    lost_at_join = losses.report().lost;
    return {};
}

Result<net::Endpoint> Subscriber::Rest::attach(const net::Attachment& attachment) {
    if (!socket)
        return fail(std::move(unconnected().error()));
    if (attachments.size() == endpoints_max)
        return fail(Errc::too_many,
                    "a subscriber has at most " + std::to_string(endpoints_max) + " endpoints");
    auto attached = socket->attach(attachment);
    if (attached)
        attachments.push_back({*attached, attachment.how});
    return attached;
}

Status Subscriber::Rest::unconnected() const {
    return fail(Errc::refused, why_disconnected);
}

void Subscriber::Rest::filter_grew() noexcept {
    everything_is_wanted =
        options.metadata == Metadata::off && filter.is_native() && !filter.reaches_reserved();
}

void Subscriber::Rest::filter_shrank() {
    filter_grew();
    losses.stop_unless([this](ByteView topic) { return filter.matches(topic); });
}

// What is there is taken without the preparations of a wait.
Status Subscriber::Rest::receive_first(net::Part& topic, Duration wait) {
    Status received = socket->receive(topic, Duration::zero());
    if (!received && wait > Duration::zero() && received.error().code == Errc::would_block)
        received = socket->receive(topic, wait);
    return received;
}

Status Subscriber::Rest::receive_wanted(net::Part& topic, net::Part& body, Duration wait) {
    for (;;) {
        if (auto found = next_topic(topic, wait); !found)
            return found;
        auto verdict = read_body(topic, body);
        if (!verdict)
            return fail(std::move(verdict.error()));
        if (*verdict == Verdict::too_slow)
            return unconnected();
        if (*verdict == Verdict::deliver) {
            delivered(body.size());
            return {};
        }
    }
}

Status Subscriber::Rest::receive_waiting(net::Part& topic, net::Part& body, Duration wait) {
    const auto first = socket->look_waiting(topic, wait);
    if (!first)
        return fail(first.error());
    body = net::Part{};
    if (first->more() == net::More::yes)
        if (auto received = socket->receive(body, Duration::zero()); !received)
            return received;
    pass_over_behind(body);
    delivered(body.size());
    return {};
}

void Subscriber::Rest::pass_over_behind(const net::Part& body) {
    counts.skipped_frames_total += skip_frames(body);
}

Status Subscriber::Rest::next_topic(net::Part& topic, Duration wait) {
    const bool waits = wait > Duration::zero();
    // The recent time will do: what is waited for first is `wait` itself.
    const Instant deadline = waits ? deadline_after(net::recent_now(), wait) : Instant{};
    Duration left = wait;
    for (std::size_t passed_over = 1;; ++passed_over) {
        if (!socket)
            return unconnected();
        if (auto received = receive_first(topic, left); !received) {
            if (waits && received.error().code == Errc::would_block)
                return fail(Errc::timeout);
            return received;
        }
        if (is_reserved(topic)) [[unlikely]] {
            if (auto taken = take_reserved(topic); !taken)
                return taken;
        } else if (filter.is_native() || filter.matches(topic)) {
            return {};
        } else {
            skip_frames(topic);
            ++counts.filtered_total;
        }
        if (waits)
            left = time_left(net::recent_now(), deadline);
        if (left == Duration::zero() && passed_over >= passed_over_max)
            return fail(waits ? Errc::timeout : Errc::would_block);
    }
}

// The frames of a message arrive together, so nothing behind the first is ever waited for.
std::size_t Subscriber::Rest::skip_frames(const net::Part& last_read) {
    std::size_t skipped = 0;
    net::Part part;
    for (bool more = last_read.more(); more && socket->receive(part, Duration::zero()); ++skipped)
        more = part.more();
    return skipped;
}

Status Subscriber::Rest::take_reserved(net::Part& topic) {
    if (options.metadata == Metadata::off || topic.view() != feed::heartbeat_topic) {
        skip_frames(topic);
        ++counts.reserved_total;
        return {};
    }
    net::Part body;
    if (!topic.more() || !socket->receive(body, Duration::zero()) || body.more()) {
        skip_frames(topic.more() ? body : topic);
        ++counts.malformed_heartbeats_total;
        return {};
    }
    return read_heartbeat(body);
}

Status Subscriber::Rest::read_heartbeat(ByteView body) {
    const auto heartbeat = feed::decode_heartbeat(body);
    if (!heartbeat) {
        ++counts.malformed_heartbeats_total;
        return {};
    }
    ++counts.heartbeats_total;
    std::uint64_t lost = 0;
    for (const feed::Heartbeat::Topic& each : heartbeat->topics)
        if (filter.matches(each.topic))
            lost += losses.last_sent(
                each.topic, feed::Number{heartbeat->epoch, each.generation, each.last_sequence});
    heard.heartbeat(heartbeat->epoch, heartbeat->interval, lost, net::recent_now());
    return lost_too_many() ? unconnected() : Status{};
}

Result<Message> Subscriber::Rest::read_message(net::Part& topic) {
    const net::SocketOptions& limits = options.socket;
    Message message;
    std::uint64_t bytes = topic.size();
    std::size_t frames = 1;
    bool more = topic.more();
    message.topic = std::move(topic).to_blob();
    while (more) {
        net::Part part;
        if (auto received = socket->receive(part, Duration::zero()); !received)
            return fail(std::move(received.error()));
        more = part.more();
        bytes += part.size();
        if (++frames <= limits.frames_max && bytes <= limits.message_bytes_max)
            message.body.add(std::move(part).to_blob());
    }
    if (frames > limits.frames_max || bytes > limits.message_bytes_max) {
        ++counts.oversize_total;
        if (frames > limits.frames_max)
            return fail(Errc::too_many, "a message had " + std::to_string(frames) +
                                            " frames; the limit is " +
                                            std::to_string(limits.frames_max));
        return fail(Errc::too_large, "a message had " + std::to_string(bytes) +
                                         " bytes; the limit is " +
                                         std::to_string(limits.message_bytes_max));
    }
    if (options.metadata == Metadata::on && !message.body.empty()) {
        message.envelope = read_envelope(message.body.back());
        if (message.envelope)
            message.body.pop_back();
    }
    return message;
}

Result<Subscriber::Rest::Verdict> Subscriber::Rest::read_body(const net::Part& topic,
                                                              net::Part& body) {
    const auto read = [this](net::Part& part) { return socket->receive(part, Duration::zero()); };
    if (!topic.more())
        body = net::Part{};
    else if (auto received = read(body); !received)
        return fail(std::move(received.error()));
    const bool one = topic.more() && !body.more(); // what may be body or envelope
    net::Part last;
    for (bool more = topic.more() && body.more(); more; more = last.more()) {
        if (auto received = read(last); !received)
            return fail(std::move(received.error()));
        ++counts.skipped_frames_total;
    }
    if (options.metadata == Metadata::off)
        return Verdict::deliver;
    const auto envelope = read_envelope(one ? body : last);
    if (envelope && one)
        body = net::Part{};
    else if (envelope)
        --counts.skipped_frames_total;
    return account(topic, envelope ? &*envelope : nullptr);
}

std::optional<wire::Envelope> Subscriber::Rest::read_envelope(ByteView frame) {
    if (!wire::has_envelope_magic(frame))
        return std::nullopt; // a plain publisher's body
    auto envelope = wire::decode_envelope(frame);
    if (!envelope) {
        ++counts.malformed_metadata_total;
        return std::nullopt;
    }
    return std::move(*envelope);
}

Subscriber::Rest::Verdict Subscriber::Rest::account(ByteView topic,
                                                    const wire::Envelope* envelope) {
    if (options.metadata == Metadata::off)
        return Verdict::deliver;
    const auto number = envelope ? feed::number_of(*envelope) : std::nullopt;
    if (!number) {
        ++counts.unnumbered_total;
        return Verdict::deliver;
    }
    if (envelope->snapshot) {
        if (losses.snapshot(topic, *number) == feed::LossAccount::Snapshot::old) {
            ++counts.old_snapshots_total;
            return Verdict::pass_over;
        }
        ++counts.snapshots_total;
        return Verdict::deliver;
    }
    const feed::LossAccount::Arrival arrival = losses.message(topic, *number);
    heard.message(number->epoch, arrival.lost, net::recent_now());
    if (arrival.lost > 0 && lost_too_many())
        return Verdict::too_slow;
    if (options.lag_max > Duration::zero() && envelope->timestamp) {
        const Duration lag = net::wall_now() - *envelope->timestamp;
        if (lag > options.lag_max) {
            disconnect("too slow: a message was " + format_duration(lag) + " old; the limit is " +
                       format_duration(options.lag_max));
            return Verdict::too_slow;
        }
    }
    return Verdict::deliver;
}

// Disconnects when it is so.
bool Subscriber::Rest::lost_too_many() {
    if (options.lost_messages_max == 0)
        return false;
    const std::uint64_t lost = losses.report().lost - lost_at_join;
    if (lost <= options.lost_messages_max)
        return false;
    disconnect("too slow: " + std::to_string(lost) + " messages were lost; the limit is " +
               std::to_string(options.lost_messages_max));
    return true;
}

void Subscriber::Rest::disconnect(std::string why) {
    why_disconnected = std::move(why);
    ++counts.too_slow_total;
    socket.reset(); // and with it whatever is still queued
}

} // namespace flotilla::pubsub
