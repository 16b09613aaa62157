// SPDX-License-Identifier: Apache-2.0
//
// FreelanceLinks: a FreelanceClient's connections, a DEALER a server.
//
// On the wire they are what one ROUTER would be. A ROUTER has to let a server that came back take
// its name over from its old connection, and libzmq 4.3.4 aborts when that happens between two
// frames of another server's answer.
//
// One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::request {

class FreelanceLinks {
public:
    // `context` must outlive it. Errors: out_of_files.
    static Result<FreelanceLinks> open(net::Context& context, net::SocketOptions options);
    FreelanceLinks(FreelanceLinks&& other) noexcept;
    FreelanceLinks& operator=(FreelanceLinks&&) = delete;
    ~FreelanceLinks();

    // Each has a number, which must be free. Errors: those of Socket.
    Status add(std::size_t link, const net::Endpoint& server);
    void remove(std::size_t link);

    // Never waits. Errors: would_block (not connected, or it does not read); stopped.
    Status send(std::size_t link, wire::Frames& message);
    // Every message that is there, up to a bound a link. `each` is given the link, and the message
    // or too_large or too_many; it may not add or remove. Errors: stopped; transport.
    Status receive(const std::function<void(std::size_t, Result<wire::Frames>)>& each);
    void hear(const std::function<void(std::size_t, const net::ConnectionEvent&)>& each);

    // Until there is something to receive or to hear. Errors: stopped; transport.
    Status wait(Duration most);
    // Readable when any of them may have something.
    int fd() const noexcept { return descriptor_; }
    bool readable() const noexcept;

private:
    struct Link {
        net::Socket dealer;
        net::Monitor monitor;
    };
    FreelanceLinks(net::Context& context, net::SocketOptions options, int descriptor);
    void watch(net::Socket& socket);

    net::Context* context_;
    net::SocketOptions options_;
    int descriptor_;
    net::Poller poller_{};
    std::vector<std::unique_ptr<Link>> links_{}; // by number; nullptr: free
};

} // namespace flotilla::request
