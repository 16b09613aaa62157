// SPDX-License-Identifier: Apache-2.0
//
// Endpoint: the admin interface over ZeroMQ: a REP on a thread of its own, with the security of the
// daemon's listeners. It answers one request after the other, each within Office::wait_max. A peer
// that does not read its answers loses what is beyond 16; when all that peers have not read is more
// than unread_bytes_max, whoever has most of it is hung up on.
#pragma once

#include "admin/office.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/runner.hpp>
#include <flotilla/net/security.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace flotilla::admin {

class Endpoint {
public:
    static constexpr std::uint64_t request_bytes_max = 64 << 10;

    struct Options {
        net::Endpoint bind;
        net::Security security{};
        std::string domain = "admin"; // ZAP: its gate has connections of its own
        std::size_t unread_bytes_max = std::size_t{64} << 20;
        // Called on the endpoint's thread with whom it hung up on ("10.0.0.7:50123").
        std::function<void(const std::string& address)> on_unread{};
    };
    // Bound when it returns; `context` must outlive it. Errors: those of Socket.
    static Result<Endpoint> open(net::Context& context, Options options,
                                 std::shared_ptr<Office> office);
    // With the port that it got.
    const net::Endpoint& bound() const noexcept { return bound_; }
    // Waits for the request that is being answered; close the desk first.
    void stop();

private:
    Endpoint(net::Runner runner, net::Endpoint bound);
    net::Runner runner_;
    net::Endpoint bound_;
};

// What the frames of a request ask for. Errors: malformed, too_many, too_large. Pure.
Result<Request> zeromq_request(const wire::Frames& frames);

} // namespace flotilla::admin
