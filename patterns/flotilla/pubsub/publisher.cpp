// SPDX-License-Identifier: Apache-2.0
#include "publisher_rest.hpp"

#include <flotilla/base/option_check.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::pubsub {
namespace {

// Subscriptions are short; a peer that sends more loses its connection.
constexpr std::uint64_t subscription_bytes_max = 8 << 10;

Status check_options(const PublisherOptions& options) {
    const Status checks[] = {
        check_within("block_wait", options.block_wait, 1ms, 1h),
        check_within("heartbeat_interval", options.heartbeat_interval, 10ms, 1h),
        check_within("topics_max", options.topics_max, 1, 10'000'000),
        check_within("unsent_messages_max", options.unsent_messages_max, 1, 1'000'000),
        check_within("linger", options.linger, 0s, 1h),
        check_within("subscriptions.connections_max", options.subscriptions.connections_max, 1,
                     1'000'000),
        check_within("subscriptions.subscriptions_max", options.subscriptions.subscriptions_max, 1,
                     10'000'000),
    };
    for (const Status& each : checks)
        if (!each)
            return each;
    if (!options.last_value)
        return {};
    if (auto bytes = check_within("last_value.bytes_max", options.last_value->bytes_max, 1,
                                  std::uint64_t{1} << 40);
        !bytes)
        return bytes;
    return check_within("last_value.entries_max", options.last_value->entries_max, 1,
                        options.unsent_messages_max);
}

net::SocketOptions socket_options(const PublisherOptions& options) {
    using Subscriptions = net::SocketOptions::Subscriptions;
    net::SocketOptions socket = options.socket;
    socket.send_messages_max = options.unsent_messages_max;
    socket.linger = options.linger;
    socket.refuse_when_full = options.overflow != Overflow::lossy;
    // A late subscriber's value has to go out before its first live message, so its subscription
    // may take effect only when we answer it.
    socket.subscriptions = options.last_value ? Subscriptions::manual : Subscriptions::every;
    socket.frame_bytes_max = subscription_bytes_max;
    return socket;
}

auto closed() {
    return fail(Errc::stopped, "the publisher is closed");
}

} // namespace

Result<Publisher> Publisher::open(net::Context& context, PublisherOptions options) {
    if (auto checked = check_options(options); !checked)
        return fail(std::move(checked.error()));
    auto socket = net::Socket::open(context, net::SocketType::xpub, socket_options(options));
    if (!socket)
        return fail(std::move(socket.error()));
    auto monitor = net::Monitor::open(*socket);
    if (!monitor)
        return fail(std::move(monitor.error()));
    return Publisher{std::make_unique<Rest>(std::move(options), std::move(*socket),
                                            std::move(*monitor), net::system_seed())};
}

Publisher::Publisher(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

Publisher::~Publisher() {
    if (rest_)
        (void)close(rest_->options.linger);
}

Result<net::Endpoint> Publisher::bind(const net::Endpoint& endpoint) {
    if (!rest_->socket)
        return closed();
    return rest_->socket->bind(endpoint);
}

Status Publisher::connect(const net::Endpoint& endpoint) {
    if (!rest_->socket)
        return closed();
    return rest_->socket->connect(endpoint);
}

Result<net::Endpoint> Publisher::attach(const net::Attachment& attachment) {
    if (!rest_->socket)
        return closed();
    return rest_->socket->attach(attachment);
}

Result<Sent> Publisher::send(ByteView topic, ByteView body) {
    Rest& rest = *rest_;
    if (!rest.plain) [[unlikely]]
        return rest.copy_with_metadata(topic, body);
    if (!rest.is_ready(topic)) [[unlikely]]
        if (auto ready = rest.get_ready(topic); !ready)
            return fail(std::move(ready.error()));
    if (const int taken = rest.socket->send_both_at_once(topic, body); taken < 2) [[unlikely]]
        return rest.send_waiting(topic, body, taken);
    rest.finish(body.size());
    return Sent::accepted;
}

Result<Sent> Publisher::send(ByteView topic, net::Part& body) {
    Rest& rest = *rest_;
    if (rest.plain) [[likely]]
        return rest.transmit(topic, &body, 1);
    return rest.transmit_with_metadata(topic, body);
}

Result<Sent> Publisher::send(ByteView topic, wire::Frames& body) {
    auto parts = rest_->parts_of(body);
    if (!parts)
        return fail(std::move(parts.error()));
    auto sent = rest_->plain ? rest_->transmit(topic, parts->data(), parts->size())
                             : rest_->transmit_with_metadata(topic, *parts, {});
    if (sent)
        body.clear();
    return sent;
}

Result<Sent> Publisher::send(ByteView topic, wire::Frames& body, const wire::Envelope& envelope) {
    if (rest_->options.metadata == Metadata::off)
        return fail(Errc::unsupported, "the publisher was opened without metadata");
    auto parts = rest_->parts_of(body);
    if (!parts)
        return fail(std::move(parts.error()));
    auto sent = rest_->transmit_with_metadata(topic, *parts, envelope);
    if (sent)
        body.clear();
    return sent;
}

Status Publisher::wait_subscribers(std::size_t count, ByteView topic, Duration wait) {
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        if (auto processed = process(); !processed)
            return processed;
        const std::size_t there = subscriber_count(topic);
        if (there >= count)
            return {};
        const Instant now = net::now();
        if (now >= deadline)
            return fail(Errc::timeout, "there are " + std::to_string(there) + " of " +
                                           std::to_string(count) + " subscribers");
        const Status readable =
            rest_->socket->wait_readable(time_left(now, std::min(deadline, next_deadline())));
        if (!readable && readable.error().code == Errc::stopped)
            return readable;
    }
}

std::size_t Publisher::subscriber_count(ByteView topic) const {
    return rest_->table.count(topic);
}

bool Publisher::forget_value(ByteView topic) {
    return rest_->values && rest_->values->erase(topic);
}

Status Publisher::process() {
    if (!rest_->socket)
        return closed();
    return rest_->look();
}

Instant Publisher::next_deadline() const noexcept {
    return std::min(rest_->beat_at, rest_->look_at - Rest::time_between_looks + Rest::idle_look);
}

int Publisher::fd() const noexcept {
    return rest_->socket ? rest_->socket->fd() : -1;
}

Status Publisher::send_heartbeat() {
    if (!rest_->socket)
        return closed();
    if (rest_->options.metadata == Metadata::off)
        return {};
    return rest_->beat(Numbering::Which::all);
}

Status Publisher::close(Duration linger) {
    if (!rest_->socket)
        return {};
    if (auto set = rest_->socket->set_linger(linger); !set)
        return set;
    (void)send_heartbeat(); // a context that is shut down has nobody left to tell
    rest_->monitor.reset(); // first: it must not outlive what it watches
    rest_->socket.reset();
    return {};
}

PublisherCounters Publisher::counters() const {
    PublisherCounters counts = rest_->counts;
    if (rest_->values) {
        counts.values = rest_->values->size();
        counts.values_forgotten_total = rest_->values->forgotten_total();
    }
    counts.connections = rest_->table.connections();
    counts.subscriptions = rest_->table.subscriptions();
    counts.subscriptions_ignored_total = rest_->table.ignored_total();
    counts.topics_forgotten_total = rest_->numbering.forgotten_total();
    return counts;
}

std::uint64_t Publisher::epoch() const noexcept {
    return rest_->epoch;
}

} // namespace flotilla::pubsub
