// SPDX-License-Identifier: Apache-2.0
//
// ServerIncoming: one message as it came to a server's ROUTER, in memory that the next one uses
// again. Private to the pattern.
#pragma once

#include <flotilla/net/part.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <string>

namespace flotilla::queue {

struct ServerIncoming {
    // Whether peers have names of their own: only then they are asked for it, which costs.
    enum class Names : std::uint8_t { none, authenticated } names = Names::none;
    std::uint64_t bytes_max = 0; // of a message

    net::Part peer{};
    wire::Frames frames{}; // without the peer; cut off when too_many
    std::string user_id{};
    int descriptor = -1;
    bool too_many = false; // more bytes or frames than it may have

    // Reads one message whole, waiting at most `wait` for it. Errors: would_block, timeout,
    // stopped, transport.
    Status receive(net::Socket& router, Duration wait);
    Peer from() const noexcept { return {peer.view(), user_id, descriptor}; }

private:
    net::Part last_{};
};

} // namespace flotilla::queue
