// SPDX-License-Identifier: Apache-2.0
//
// The least that a request broker can do: it hands frames on between clients of mdp_02 and workers
// of mdp_02 or FLR1 and does nothing else that a broker is for: one service, no tokens, heartbeats,
// expiry, limits, gone peers or bad frames. What it reaches is what libzmq leaves to any broker.
#pragma once

#include "arena.hpp"
#include "request_peers.hpp"

namespace flotilla::bench {

// In the broker's place. Never ends: the process does.
void floor_broker(Arena::Seat& seat, const Shape& shape);

} // namespace flotilla::bench
