// SPDX-License-Identifier: Apache-2.0
// When to connect again to a peer that refused the handshake. libzmq gives such an endpoint up for
// good: a client whose key is added to the allow-list a minute later would wait for ever. Pure; it
// is told the time. Private to net.
//
// Each refusal doubles that endpoint's pause, from `first` to `longest`, with jitter; a completed
// handshake forgets it. Holds one entry an endpoint that its socket connects to.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net::detail {

class Redial {
public:
    struct Limits {
        Duration first = 1s;
        Duration longest = 30s;
    };
    Redial(Limits limits, std::uint64_t seed) noexcept : limits_(limits), random_(seed) {}

    void connecting(std::string endpoint) { pauses_.try_emplace(std::move(endpoint)); }
    void forget(std::string_view endpoint);
    // Endpoints that were never said to be connecting are ignored: they are not ours to redial.
    void refused(std::string_view endpoint, Instant now);
    void accepted(std::string_view endpoint);

    // What is to be disconnected and connected again now; each is given once a refusal.
    std::vector<std::string> due(Instant now);
    // When due() next has something, or never.
    Instant next() const noexcept;

private:
    struct Pause {
        Instant until = never;
        Duration length{0}; // of the last pause; zero before the first refusal
    };
    Limits limits_;
    Random random_;
    std::map<std::string, Pause, std::less<>> pauses_;
};

} // namespace flotilla::net::detail
