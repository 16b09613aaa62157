// SPDX-License-Identifier: Apache-2.0
//
// Tap: publishes a copy of each message for whoever listens, and costs a counter when nobody does.
// Private to relay.
#pragma once

#include "listeners.hpp"
#include "message.hpp"

#include <flotilla/base/time.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/relay/capture.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace flotilla::relay {

class Tap {
public:
    // `socket` is an XPUB, so that it is known whether anybody subscribes. `options` and `rights`
    // outlive this.
    Tap(net::Socket socket, std::optional<net::Monitor> monitor, const RelayOptions& options,
        Rights& rights);

    net::Socket& socket() noexcept { return socket_; }
    const Listeners& listeners() const noexcept { return listeners_; }
    // Subscriptions and connections are read when the poller turns. Until detach().
    void attach(net::Poller& poller);
    void detach(net::Poller& poller);
    void rights_changed() { listeners_.rights_changed(); }
    // The message is shared, not copied, and stays as it is.
    void publish(Direction direction, const Message& message);
    std::uint64_t published_total() const noexcept { return published_total_; }

private:
    void read_subscriptions();
    void read_events();

    net::Socket socket_;
    std::optional<net::Monitor> monitor_; // goes before its socket
    Listeners listeners_;
    std::array<net::Part, 2> topics_;
    std::array<std::uint64_t, 2> sequences_{};
    std::uint64_t published_total_ = 0;
};

} // namespace flotilla::relay
