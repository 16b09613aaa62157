// SPDX-License-Identifier: Apache-2.0
//
// Message: one message on its way through a relay: Parts that are moved, never copied. Its vector
// is kept from message to message, so passing one allocates nothing. Private to relay.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/net/socket.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flotilla::relay {

struct Message {
    std::vector<net::Part> parts{}; // the first `frames` are the message's
    std::size_t frames = 0;
    std::uint64_t bytes = 0;

    ByteView frame(std::size_t i) const noexcept { return parts[i].view(); }
    // A second handle on every frame.
    Message share() const;
    // For whoever keeps it: as Blob::own_small().
    void own_small();
};

struct MessageLimits {
    std::uint64_t message_bytes_max;
    std::uint32_t frames_max;
};

enum class Received : std::uint8_t {
    whole,     // in the message
    nothing,   // there was none
    too_large, // read to its end and let go; its first part says who sent it
    too_many,
    failed, // the context stops
};
// Reads one message; never waits.
Received receive(net::Socket& socket, const MessageLimits& limits, Message& message);

enum class Sent : std::uint8_t {
    whole,      // taken
    no_room,    // untouched
    unroutable, // untouched: frame 0 names no peer
    cut_off,    // the peer died between two frames; the message is gone
    failed,     // untouched: the context stops
};
// Sends one message; never waits.
Sent send(net::Socket& socket, Message& message);

} // namespace flotilla::relay
