// SPDX-License-Identifier: Apache-2.0
//
// Peers: who is connected to a socket, and what they subscribed to.
//
// Pure: it is told the monitor's events and the subscription messages of an XPUB. Connections are
// counted, not messages, since one subscriber may send many. Bounded: what is beyond
// subscriptions_max is not remembered.
//
// libzmq keeps the subscriptions of a connection that we made while it makes it anew, and queues
// what they let through: such a subscriber is away, not gone.
//
// Of a peer that speaks ZMTP 2 or older libzmq never tells that its handshake is done, and calls
// its end a failed one. So a connection that stands for silent_handshake_max without either counts.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/monitor.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace flotilla::cli {

class Peers {
public:
    static constexpr std::size_t subscriptions_max = 100'000;

    static constexpr Duration silent_handshake_max = 500ms;

    void on_event(const net::ConnectionEvent& event, Instant now);
    // The first frame of a message from an XPUB, and the descriptor it came from.
    void on_subscription(int descriptor, ByteView frame);

    // Connections that finished their handshake.
    std::size_t connected(Instant now) const;
    // Those among them that count only because they stand, without a handshake.
    std::size_t silent(Instant now) const;
    // When the handshake of a connection will have been silent for so long; never for none.
    Instant next_deadline(Instant now) const;
    // Failed handshakes: whether the connection is that of a peer that had counted.
    bool had_counted(const net::ConnectionEvent& event, Instant now) const;
    // Connections with a subscription; and those with one that lets `topic` through.
    std::size_t subscribed() const noexcept { return by_connection_.size(); }
    std::size_t subscribed_to(ByteView topic) const;
    bool anybody_hears(ByteView topic) const;
    // A subscriber that we connect to let `topic` through, and its connection is down: what is sent
    // now waits for it, as far as there is room.
    bool anybody_away_hears(ByteView topic) const;

private:
    struct Silent { // a connection of which nothing more was heard
        std::string endpoint;
        Instant since;
    };
    void end_silence(const std::string& endpoint);

    std::size_t connected_ = 0;
    std::map<int, Silent> silent_;              // by descriptor
    std::map<std::string, std::size_t> failed_; // handshakes that failed, by endpoint
    using Prefixes = std::multiset<std::string, std::less<>>;
    void take_back(int descriptor);
    std::map<int, Prefixes> by_connection_;
    std::map<int, std::string> ours_;      // connections that we made, by descriptor: to where
    std::map<std::string, Prefixes> away_; // of ours that are down, by endpoint
    std::size_t subscriptions_ = 0;
};

} // namespace flotilla::cli
