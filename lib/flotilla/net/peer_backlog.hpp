// SPDX-License-Identifier: Apache-2.0
//
// PeerBacklogs: what could not be sent to peers of a ROUTER that do not read fast enough, in order,
// peer by peer, bounded. Whoever owns the socket retries after retry_in(): a ROUTER says that it
// can send even when all its peers are full.
//
// The transport's own queue of a peer comes first. It is bounded in messages by send_messages_max;
// so that large ones do not make that much, messages beyond small_bytes_max are counted until they
// have left, and only transport_bytes_max of them (or one) are in it at a time. What a peer that
// does not read can hold is thus send_messages_max * small_bytes_max, transport_bytes_max or one
// message, and a backlog.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/outflow.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/staged.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>

namespace flotilla::net {

class PeerBacklogs {
public:
    static constexpr Duration retry_after = 10ms; // at the latest
    static constexpr std::size_t small_bytes_max = 2048;
    static constexpr std::uint64_t transport_bytes_max = 2ULL << 20;

    enum class Sent : std::uint8_t {
        yes,      // or waiting its turn
        gone,     // nobody has this address
        too_slow, // over a bound: its backlog was dropped
        stopped,  // the context, or a failure of the transport
    };

    // Of one peer; how many peers; and the bytes of all of them together. Bytes are what is held,
    // the objects of the frames included.
    PeerBacklogs(std::uint32_t messages_max, std::uint64_t bytes_max, std::uint32_t peers_max,
                 std::uint64_t total_bytes_max)
        : messages_max_(messages_max), bytes_max_(bytes_max), peers_max_(peers_max),
          total_bytes_max_(total_bytes_max) {}

    // The socket is bound there. Only from the first call on is the transport counted, and not with
    // any inproc:// among them: such peers hold what they were sent for as long as they like.
    void bound_to(const Endpoint& endpoint) noexcept;

    // Frame 0 of `message` is the peer. Never waits.
    Sent send(Socket& router, wire::Frames&& message);
    Sent send(Socket& router, wire::StagedMessages& messages, std::size_t at);
    // Tries again for everybody; tells of each peer that is gone.
    void retry(Socket& router, const std::function<void(const std::string&)>& gone);
    // How long after the last retry() the next one is worth it: soon for who reads, later for who
    // does not.
    Duration retry_in() const noexcept { return progressed_ ? 1ms : retry_after; }
    // Something waits for it.
    bool holds(std::string_view peer) const {
        const auto at = peers_.find(peer);
        return at != peers_.end() && !at->second.waiting.empty();
    }
    // What waits for it is dropped: it belongs to a session that ended.
    void forget(std::string_view peer);

    // Is given every message that waited and is dropped, oldest first, before the call that drops
    // it returns (or tells that the peer is gone). It may not call back.
    std::function<void(wire::Frames&&)> on_dropped{};

    // Of what waits here.
    bool empty() const noexcept { return waiting_peers_ == 0; }
    std::uint64_t bytes() const noexcept { return total_bytes_; }
    // Of what is in the transport's queues and was counted; O(peers).
    std::uint64_t transport_bytes() const noexcept;
    std::uint64_t backlogged_total() const noexcept { return backlogged_total_; }
    std::uint64_t dropped_total() const noexcept { return dropped_total_; } // had to wait, not sent

private:
    struct Waiting {
        wire::Frames message{};
        std::uint64_t bytes = 0;
        bool counted = false; // by the outflow already
    };
    struct Peer {
        std::deque<Waiting> waiting{};
        std::uint64_t bytes = 0; // of these
        Outflow outflow{};
        bool is_idle() const noexcept { return waiting.empty() && outflow.bytes() == 0; }
    };
    using Peers = std::unordered_map<std::string, Peer, TransparentStringHash, std::equal_to<>>;

    bool counts(std::uint64_t bytes) const noexcept {
        return counts_transport_ && bytes > small_bytes_max;
    }
    Peers::iterator add(ByteView peer);
    bool may_enter(const Peer& peer, const Waiting& next) const noexcept;
    Status try_to_send(Socket& router, Peer& peer, Waiting& next);
    Sent wait(Peers::iterator at, Waiting&& next);
    Peers::iterator drop(Peers::iterator at);
    void drop(wire::Frames&& message);

    std::uint32_t messages_max_;
    std::uint64_t bytes_max_;
    std::uint32_t peers_max_;
    std::uint64_t total_bytes_max_;
    bool counts_transport_ = false;
    bool has_inproc_ = false;
    bool progressed_ = true;
    std::uint32_t waiting_peers_ = 0;
    std::uint64_t total_bytes_ = 0;
    Peers peers_{}; // with something waiting, or counted in the transport
    std::size_t sweep_at_ = 64;
    std::uint64_t backlogged_total_ = 0;
    std::uint64_t dropped_total_ = 0;
};

} // namespace flotilla::net
