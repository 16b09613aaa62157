// SPDX-License-Identifier: Apache-2.0
//
// BrokerIncoming: one message of a peer, as it came in over the broker's socket. Kept from message
// to message for its memory.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/request/broker.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <string>

namespace flotilla::request {

struct BrokerIncoming {
    // Whether peers have names of their own: only then they are asked for it, which costs.
    enum class Names : std::uint8_t { none, authenticated } names = Names::none;

    // The next message in place of this one. Errors: those of net::Socket::receive.
    Status receive(net::Socket& router, const BrokerOptions& options, Duration wait);
    // A peer that takes us for a store, or an admin endpoint, is told that none is here.
    void refuse_foreign(net::Socket& router, net::PeerBacklogs& backlogs) const;

    net::Part peer{};
    net::Part last{}; // frame received
    wire::Frames frames{};
    std::uint64_t bytes = 0;
    bool too_many = false; // frames, or bytes: what was too much is not here
    int descriptor = -1;
    std::string user_id{};
};

} // namespace flotilla::request
