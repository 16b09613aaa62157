// SPDX-License-Identifier: Apache-2.0
//
// ClientSockets: the links of a ClientMachine as sockets, a DEALER each, and one descriptor that
// becomes readable when any of them may have something. Private to the component.
//
// What a link does not take at once waits here, in order and bounded; beyond that it is dropped, as
// if the network had lost it. One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/request/client_machine.hpp>
#include <flotilla/request/client_model.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace flotilla::request {

class ClientSockets {
public:
    // Errors: out_of_files.
    static Result<ClientSockets> open(net::Context& context, const ClientOptions& options);
    ClientSockets(ClientSockets&& other) noexcept;
    ClientSockets& operator=(ClientSockets&&) = delete;
    ~ClientSockets();

    // Errors: as net::Socket::open and connect.
    Status open(const ClientOutputs::Open& link);
    void close(LinkId link);
    // A link that is not open loses it. Returns how many unread messages were thrown away first.
    std::size_t send(ClientOutputs::Send&& send);
    // Tries again what waits. True: something still does.
    bool flush();

    using OnEvent = std::function<void(LinkId, const net::ConnectionEvent&)>;
    using OnMessage = std::function<void(LinkId, wire::Frames&)>;
    using OnMalformed = std::function<void()>;
    // What arrived, up to a bound a link; none of these may open or close links. Errors: stopped,
    // transport.
    Status read(const OnEvent& heard, const OnMessage& message, const OnMalformed& malformed);

    // Until something may have happened, `wait` at most.
    void wait(Duration wait);
    bool readable() const noexcept;
    int fd() const noexcept { return epoll_; }

private:
    struct Link {
        net::Socket dealer;
        std::optional<net::Monitor> monitor{};
        std::deque<wire::Frames> unsent{};
        bool listed = false; // in look_
    };

    ClientSockets(net::Context& context, const ClientOptions& options, int epoll) noexcept;
    Result<Link> make(const ClientOutputs::Open& link);
    Status read(LinkId id, Link& link, const OnMessage& message, const OnMalformed& malformed);
    void list(LinkId id, Link& link);
    // Lists those whose descriptors are readable.
    void hear(int wait_ms);
    bool watch(const net::Socket& socket, LinkId id) noexcept;
    void unwatch(const net::Socket& socket) noexcept;

    net::Context* context_;
    ClientOptions options_;
    int epoll_;
    std::map<LinkId, Link> links_;
    // Links that may have something: a descriptor tells once, and a send may have taken the sign.
    // Looking at each of many idle ones would cost a system call each.
    std::vector<LinkId> look_;
};

} // namespace flotilla::request
