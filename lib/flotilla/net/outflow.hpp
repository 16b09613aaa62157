// SPDX-License-Identifier: Apache-2.0
//
// Outflow: how many bytes the transport holds for one peer and has not sent, of the messages that
// were watched. libzmq bounds a peer's queue in messages only, and does not say how full it is.
//
// Not for peers over inproc: there the receiver holds the same bytes for as long as it likes.
// The owner's thread watches; libzmq's threads tell that bytes have left.
#pragma once

#include <flotilla/wire/frames.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace flotilla::net {

class Outflow {
public:
    // Counts `message` from now until its largest frame is sent or thrown away. Once a message.
    void watch(wire::Frames& message);
    // Of everything watched: what holds it costs, the objects of the frames included.
    std::uint64_t bytes() const noexcept { return bytes_->load(std::memory_order_relaxed); }

private:
    std::shared_ptr<std::atomic<std::uint64_t>> bytes_ =
        std::make_shared<std::atomic<std::uint64_t>>(0);
};

} // namespace flotilla::net
