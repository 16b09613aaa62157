// SPDX-License-Identifier: Apache-2.0
//
// Endpoint: the admin interface over ZeroMQ: a REP on a thread of its own, with the security of the
// daemon's listeners. It answers one request after the other, each within Office::wait_max; a peer
// that does not read its answers loses them.
#pragma once

#include "admin/office.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/runner.hpp>
#include <flotilla/net/security.hpp>

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
