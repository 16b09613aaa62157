// SPDX-License-Identifier: Apache-2.0
//
// ServerDoors: all doors of a server, and the waiting for its sockets. Private to the pattern.
//
// Without doors a server waits in its one receive, which is fastest; with doors it polls.
#pragma once

#include "door.hpp"

#include <flotilla/net/poller.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::queue {

class ServerDoors {
public:
    // Errors: those of Socket; out_of_files.
    static Result<ServerDoors> open(net::Context& context, const QueueServerOptions& options,
                                    std::uint64_t seed, net::Socket& router);
    ServerDoors(ServerDoors&& other) noexcept;
    ServerDoors& operator=(ServerDoors&&) = delete;
    ~ServerDoors();

    bool empty() const noexcept { return doors_.empty(); }
    // Whether this is a door's address, and no connection's.
    static bool is_door(std::string_view peer) noexcept {
        return peer.size() == OpenDoor::id_bytes;
    }

    void speak(QueueEngine& engine, Times times);
    void hear(EngineOutputs::Send&& said, Times times);
    void reloaded();
    void read_monitors();
    void cut_disallowed(); // permissions changed
    std::vector<int> monitor_fds() const;
    void drain();
    void close(QueueEngine& engine, Times times);

    // Until one of the sockets has something, at most `wait`. There must be doors.
    Status wait(net::Socket& router, Duration wait);
    // For foreign loops: readable when any of the sockets may be. There must be doors.
    int fd() const noexcept { return epoll_; }
    bool has_input() const noexcept;
    Instant next_deadline() const noexcept;
    bool is_idle() const noexcept;
    std::vector<DoorStat> stats() const;

private:
    ServerDoors() = default;
    Status watch_all(net::Socket& router);

    std::vector<std::unique_ptr<OpenDoor>> doors_{};
    std::unordered_map<std::string_view, OpenDoor*> by_id_{};
    net::Poller poller_{};
    int epoll_ = -1;
};

} // namespace flotilla::queue
