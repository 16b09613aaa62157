// SPDX-License-Identifier: Apache-2.0
#include "listeners.hpp"

#include <flotilla/net/cut.hpp>

namespace flotilla::relay {
namespace {

// In manual mode a subscription takes effect when we say so.
bool is_manual(const net::Socket& socket) {
    return socket.options().subscriptions == net::SocketOptions::Subscriptions::manual;
}

} // namespace

Listeners::Listeners(const RelayOptions& options, Rights& rights, Rights::Listening listening)
    : options_(options), rights_(rights), listening_(listening),
      subscriptions_(options.subscriptions_bytes_max) {}

Listeners::Outcome Listeners::hear(net::Socket& socket, const net::Part& message,
                                   const wire::Subscription& asked) {
    if (is_out_of_step_ && (asked.subscribes || message.descriptor() >= 0)) {
        net::cut(message.descriptor());
        return Outcome::no_place;
    }
    return asked.subscribes ? subscribe(socket, message, asked.prefix)
                            : cancel(socket, message.descriptor(), asked.prefix);
}

Listeners::Outcome Listeners::subscribe(net::Socket& socket, const net::Part& message,
                                        ByteView topic) {
    const int descriptor = message.descriptor();
    const std::string_view user_id = rights_.user_of(listening_, message);
    if (!rights_.may_listen(listening_, user_id, topic, descriptor)) {
        subscriptions_.refuse(descriptor, user_id, topic);
        cut_excess();
        return Outcome::not_allowed;
    }
    const auto added = subscriptions_.add(descriptor, user_id, topic);
    if (added == Subscriptions::Added::nothing)
        return Outcome::no_place;
    cut_excess();
    if (is_manual(socket))
        (void)socket.subscribe(topic);
    return added == Subscriptions::Added::first ? Outcome::first : Outcome::another;
}

Listeners::Outcome Listeners::cancel(net::Socket& socket, int descriptor, ByteView topic) {
    const auto cancelled = subscriptions_.cancel(descriptor, topic);
    switch (cancelled) {
    case Subscriptions::Cancelled::refused:
        return Outcome::cancelled;
    case Subscriptions::Cancelled::not_his:
        return descriptor < 0 ? Outcome::ended : Outcome::not_his;
    default:
        break;
    }
    if (is_manual(socket) && !is_out_of_step_)
        (void)socket.unsubscribe(topic);
    return cancelled == Subscriptions::Cancelled::last ? Outcome::last : Outcome::cancelled;
}

void Listeners::heard_garbage(const net::Socket& socket, const net::Part& first, Hides hides) {
    is_out_of_step_ = is_out_of_step_ || is_manual(socket);
    if (hides == Hides::subscriptions || is_manual(socket))
        net::cut(first.descriptor());
}

std::vector<std::string> Listeners::hear(const net::ConnectionEvent& event) {
    using Happened = net::ConnectionEvent::Kind;
    if (event.kind == Happened::disconnected)
        return subscriptions_.left(event.value);
    if (event.kind == Happened::accepted || event.kind == Happened::connected)
        return subscriptions_.arrived(event.value);
    return {};
}

void Listeners::rights_changed() {
    const auto may = [this](std::string_view user_id, ByteView topic) {
        return rights_.allows(listening_, user_id, topic);
    };
    for (const int descriptor : subscriptions_.with_right(may))
        net::cut(descriptor);
    for (const int descriptor : subscriptions_.without_right(may))
        net::cut(descriptor);
}

void Listeners::cut_excess() {
    while (const auto excess = subscriptions_.take_excess()) {
        ++cut_total_;
        if (options_.on_excess)
            options_.on_excess({rights_.user_named(excess->user_id),
                                net::address_of(excess->descriptor), excess->topics, excess->bytes,
                                excess->one_topic, listening_.operation == Operation::administer});
        net::cut(excess->descriptor);
    }
}

} // namespace flotilla::relay
