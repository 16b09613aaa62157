// SPDX-License-Identifier: Apache-2.0
//
// SubscriptionTable: which connections subscribed to what, so that a publisher can wait for its
// subscribers.
//
// It counts connections, not messages: an XPUB that reports every subscription message reported 9
// from 3 subscribers, and names nobody in those of a connection that ended. A subscription belongs
// to the descriptor of its connection and goes with it when the monitor tells the disconnect.
//
// Invariants:
// 1. Only a connection that the monitor named and has not taken back holds subscriptions. So the
//    caller drains the monitor before it applies a subscription message; a message of a connection
//    that is gone by then is ignored.
// 2. A connection counts once however many of its subscriptions match.
// 3. Peers over inproc have no descriptor and no monitor events. Their subscription messages are
//    counted instead: exact while each of them asks for a topic once.
// 4. Bounded: what is over a limit is not recorded and counted in `ignored_total`; counts are then
//    lower bounds.
//
// A descriptor that is used again before the old connection's subscriptions were read gives them to
// the new one: the count is then high until that connection ends. Pure.
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

namespace flotilla::pubsub {

struct SubscriptionLimits {
    std::size_t connections_max = 10'000;
    std::size_t subscriptions_max = 100'000; // over all connections
};

class SubscriptionTable {
public:
    static constexpr int no_descriptor = -1;

    explicit SubscriptionTable(SubscriptionLimits limits) : limits_(limits) {}

    // The monitor's ACCEPTED and CONNECTED, and its DISCONNECTED.
    void connected(int descriptor);
    void disconnected(int descriptor);

    // A subscription message's descriptor (no_descriptor over inproc) and topic.
    void subscribe(int descriptor, ByteView topic);
    void unsubscribe(int descriptor, ByteView topic);

    // Connections that would get a message of this topic.
    std::size_t count(ByteView topic) const;
    std::size_t connections() const noexcept { return connections_.size(); }
    std::size_t subscriptions() const noexcept { return subscriptions_; }
    // Over a limit, or of a connection that had gone.
    std::uint64_t ignored_total() const noexcept { return ignored_total_; }

private:
    using Topics = std::set<std::string, std::less<>>;
    using Counts = std::map<std::string, std::uint32_t, std::less<>>;
    bool room_for_one();
    void unsubscribe_unnamed(ByteView topic);

    SubscriptionLimits limits_;
    std::unordered_map<int, Topics> connections_;
    Counts unnamed_; // inproc: messages by topic
    // Unsubscriptions still to come, without a name, of connections that ended: not inproc's.
    Counts owed_;
    std::size_t subscriptions_ = 0;
    std::uint64_t ignored_total_ = 0;
};

} // namespace flotilla::pubsub
