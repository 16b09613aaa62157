// SPDX-License-Identifier: Apache-2.0
//
// Backlog: replies to clients whose connection has no room for them now. Each client's stay in
// order; one client's never hold up another's. Bounded for each client in messages and for all in
// bytes. Private to relay.
#pragma once

#include "message.hpp"

#include <flotilla/base/bounded_table.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>

namespace flotilla::relay {

struct BacklogLimits {
    std::size_t messages_per_peer_max = 1'000;
    std::uint64_t bytes_max = 64ULL << 20;
};

class Backlog {
public:
    explicit Backlog(BacklogLimits limits) : limits_(limits) {}

    // What becomes of one message that is tried again.
    using Try = std::function<Sent(Message&)>;

    bool empty() const noexcept { return messages_ == 0; }
    std::size_t messages() const noexcept { return messages_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    // Replies to this client must queue up behind others.
    bool has(ByteView peer) const { return peers_.find(peer) != peers_.end(); }

    // Takes the message, whose frame 0 names the peer. False, and the message is untouched, when it
    // is over a limit.
    bool add(Message& message);
    // Tries the messages of one peer, or of all, in order, until `attempt` says no_room or failed.
    void retry(ByteView peer, const Try& attempt);
    void retry_all(const Try& attempt);

private:
    using Peers = std::unordered_map<std::string, std::deque<Message>, TransparentStringHash,
                                     std::equal_to<>>;
    Peers::iterator retry(Peers::iterator peer, const Try& attempt);

    BacklogLimits limits_;
    std::size_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    Peers peers_{};
};

} // namespace flotilla::relay
