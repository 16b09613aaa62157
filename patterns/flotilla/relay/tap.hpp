// SPDX-License-Identifier: Apache-2.0
//
// Tap: publishes a copy of each message for whoever listens, and costs a counter when nobody does.
// Private to relay.
#pragma once

#include "message.hpp"
#include "rights.hpp"

#include <flotilla/base/time.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/relay/capture.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace flotilla::relay {

class Tap {
public:
    // `socket` is an XPUB, so that it is known whether anybody subscribes; with `rights`, which
    // then live longer, in manual mode.
    Tap(net::Socket socket, std::string_view relay, Rights* rights);

    net::Socket& socket() noexcept { return socket_; }
    // Reads what subscriptions have come; never waits.
    void read_subscriptions();
    // The message is shared, not copied, and stays as it is.
    void publish(Direction direction, const Message& message);
    std::uint64_t published_total() const noexcept { return published_total_; }

private:
    bool takes_effect(const net::Part& subscription, bool subscribes, ByteView topic);

    net::Socket socket_;
    Rights* rights_;
    std::array<net::Part, 2> topics_;
    std::array<std::uint64_t, 2> sequences_{};
    std::uint64_t subscriptions_ = 0;
    std::uint64_t published_total_ = 0;
};

} // namespace flotilla::relay
