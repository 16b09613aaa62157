// SPDX-License-Identifier: Apache-2.0
//
// Clients and workers of a request broker that speak its protocols at the speed of C, each group a
// party of an Arena. The broker, or a proxy in its place, announces endpoint 0 (echo: 1 for
// workers).
#pragma once

#include "arena.hpp"
#include "guard.hpp"

#include <cstdint>

namespace flotilla::bench {

enum class Talk { echo, mdp_01, mdp_02, flotilla }; // echo: plain frames, for the proxy

struct Shape {
    Talk talk = Talk::mdp_02; // of the workers; clients of mdp_01 and mdp_02 alike
    int clients = 4;
    int window = 8; // requests in flight, each client
    int workers = 32;
    std::uint32_t prefetch = 1; // mdp: set at the broker; flotilla: the capacity that is announced
    std::uint64_t warm_up = 0;
    std::uint64_t requests = 0; // measured, all clients together
    Guard guard = Guard::none;
};

// Ends with the clients.
void workers(Arena::Seat& seat, const Shape& shape);
// Tells the rate, or with one client and one request in flight the round trip.
void clients(Arena::Seat& seat, const Shape& shape);

} // namespace flotilla::bench
