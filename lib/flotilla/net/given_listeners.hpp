// SPDX-License-Identifier: Apache-2.0
// Listening sockets that the process was given, by the address they listen at: a bind to that
// address takes one instead of making its own. Private to net; safe from every thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/endpoint.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace flotilla::net::detail {

class GivenListeners {
public:
    GivenListeners() = default;
    GivenListeners(const GivenListeners&) = delete;
    GivenListeners& operator=(const GivenListeners&) = delete;
    ~GivenListeners(); // closes what nobody took

    // Owns the descriptor from now on. Returns its endpoint. Errors: bad_option (it does not
    // listen, or on nothing that ZeroMQ speaks over).
    Result<Endpoint> give(int descriptor);
    // -1 when none listens there. tcp://*:5560 is also what listens at 0.0.0.0:5560 or [::]:5560.
    int take(const Endpoint& endpoint);
    std::vector<Endpoint> left() const;

private:
    struct Given {
        int descriptor;
        Endpoint endpoint;
    };
    mutable std::mutex mutex_;
    std::vector<Given> given_{};
};

} // namespace flotilla::net::detail
