// SPDX-License-Identifier: Apache-2.0
//
// Peers: who is connected to a socket, and what they subscribed to.
//
// Pure: it is told the monitor's events and the subscription messages of an XPUB. Connections are
// counted, not messages, since one subscriber may send many. Bounded: what is beyond
// subscriptions_max is not remembered.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/net/monitor.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace flotilla::cli {

class Peers {
public:
    static constexpr std::size_t subscriptions_max = 100'000;

    void on_event(const net::ConnectionEvent& event);
    // The first frame of a message from an XPUB, and the descriptor it came from.
    void on_subscription(int descriptor, ByteView frame);

    // Connections that finished their handshake.
    std::size_t connected() const noexcept { return connected_; }
    // Connections with a subscription; and those with one that lets `topic` through.
    std::size_t subscribed() const noexcept { return by_connection_.size(); }
    std::size_t subscribed_to(ByteView topic) const;
    bool anybody_hears(ByteView topic) const;

private:
    std::size_t connected_ = 0;
    std::map<std::string, std::size_t> failed_; // handshakes that failed, by endpoint
    std::map<int, std::multiset<std::string, std::less<>>> by_connection_;
    std::size_t subscriptions_ = 0;
};

} // namespace flotilla::cli
