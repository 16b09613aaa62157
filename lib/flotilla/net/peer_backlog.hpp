// SPDX-License-Identifier: Apache-2.0
//
// PeerBacklogs: what could not be sent to peers of a ROUTER that do not read fast enough, in order,
// peer by peer, bounded. Whoever owns the socket retries on any input and every 10 ms: a ROUTER
// says that it can send even when all its peers are full.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>

namespace flotilla::net {

class PeerBacklogs {
public:
    static constexpr Duration retry_after = 10ms;

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

    // Frame 0 of `message` is the peer. Never waits.
    Sent send(Socket& router, wire::Frames&& message);
    // Tries again for everybody; tells of each peer that is gone.
    void retry(Socket& router, const std::function<void(const std::string&)>& gone);
    // Something waits for it.
    bool holds(std::string_view peer) const { return backlogs_.find(peer) != backlogs_.end(); }
    // What waits for it is dropped: it belongs to a session that ended.
    void forget(std::string_view peer);

    // Is given every message that waited and is dropped, oldest first, before the call that drops
    // it returns (or tells that the peer is gone). It may not call back.
    std::function<void(wire::Frames&&)> on_dropped{};

    bool empty() const noexcept { return backlogs_.empty(); }
    std::uint64_t bytes() const noexcept { return total_bytes_; }
    std::uint64_t backlogged_total() const noexcept { return backlogged_total_; }
    std::uint64_t dropped_total() const noexcept { return dropped_total_; } // had to wait, not sent

private:
    struct Backlog {
        std::deque<wire::Frames> messages{};
        std::uint64_t bytes = 0;
    };
    using Backlogs =
        std::unordered_map<std::string, Backlog, TransparentStringHash, std::equal_to<>>;
    Backlogs::iterator drop(Backlogs::iterator at);
    void drop(wire::Frames&& message);

    std::uint32_t messages_max_;
    std::uint64_t bytes_max_;
    std::uint32_t peers_max_;
    std::uint64_t total_bytes_max_;
    std::uint64_t total_bytes_ = 0;
    Backlogs backlogs_{};
    std::uint64_t backlogged_total_ = 0;
    std::uint64_t dropped_total_ = 0;
};

} // namespace flotilla::net
