// SPDX-License-Identifier: Apache-2.0
//
// OpenDoor: a plain socket of a QueueServer that speaks the queue protocol on behalf of those who
// do not: to the engine a door is one more peer, under an address that no connection can have. So
// whatever holds for peers (turns, limits, reloads) holds for doors. Private to the pattern.
//
// A turn of the server: speak() gives the engine this turn's commands, hear() takes its answers.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/server.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::queue {

class OpenDoor {
public:
    // Addresses at a transport have at most 255 bytes.
    static constexpr std::size_t id_bytes = 256;

    struct Plan {
        Door door{};
        std::size_t number = 0; // of this server's doors
        std::uint64_t seed = 0; // of this start
        std::uint64_t message_bytes_max = 0;
        net::Security security{};
        std::string domain{};
        Duration linger{0};
    };
    struct Opened {
        Plan plan;
        net::Socket socket;
        std::optional<net::Monitor> monitor;
        std::string endpoints;
    };
    // Bound and connected. Errors: those of Socket.
    static Result<std::unique_ptr<OpenDoor>> open(net::Context& context, Plan plan);
    virtual ~OpenDoor() = default;

    const std::string& id() const noexcept { return id_; }
    // Hears of connections, of which a gate counts and bounds those that came in.
    void read_monitor();
    int monitor_fd() { return monitor_ ? monitor_->socket().fd() : -1; }
    // Permissions changed: whoever may not be here any more is hung up on.
    void cut_disallowed();
    net::Socket& socket() noexcept { return socket_; }

    virtual void speak(QueueEngine& engine, Times times) = 0;
    virtual void hear(leased::Envelope&& envelope, Event&& event, Times times) = 0;
    // The engine has read its store again: what was said and not answered may not have happened.
    virtual void reloaded() = 0;
    // Nothing more is read or asked for; what is in hand goes on, and is taken.
    virtual void drain() = 0;
    // What the engine must know before it stops.
    virtual void close(QueueEngine& engine, Times times) = 0;
    // Lets the poller look at the socket when that is of use.
    virtual void watch(net::Poller& poller) = 0;
    // speak() would have something to say.
    virtual bool has_input() const noexcept = 0;
    virtual Instant next_deadline() const noexcept = 0;
    virtual bool is_idle() const noexcept = 0; // nothing is in hand
    virtual DoorStat stat() const = 0;

protected:
    explicit OpenDoor(Opened opened);
    void say(QueueEngine& engine, std::string correlation, Command&& command, Times times) const;
    DoorStat counted(std::uint64_t messages, std::uint64_t refused) const;

    Plan plan_;
    net::Socket socket_;
    std::optional<net::Monitor> monitor_; // where there is a gate; goes before its socket
    std::string endpoints_;

private:
    std::string id_;
};

} // namespace flotilla::queue
