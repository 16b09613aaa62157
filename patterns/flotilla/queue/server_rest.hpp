// SPDX-License-Identifier: Apache-2.0
//
// What a QueueServer is made of: its sockets, its engine, and the turn that joins them. Private to
// the pattern.
#pragma once

#include "server_asks.hpp"
#include "server_doors.hpp"
#include "server_ended.hpp"

#include <flotilla/net/cut.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/routed_message.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/server.hpp>

#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace flotilla::queue {

struct QueueServer::Rest {
    static constexpr std::uint64_t envelope_bytes_max = 64ULL << 10;
    // Of a message, its protocol included.
    static std::uint64_t message_bytes_max(const StoreLimits& limits) noexcept;

    Rest(QueueServerOptions with, net::Socket router_socket, net::Monitor its_monitor,
         ServerDoors its_doors, QueueEngine its_engine);

    void turn(Duration wait);
    void read_inputs(Duration wait);
    void handle();
    bool refuse_foreign();
    void read_monitor();
    void retry_backlogs();
    Status ask_now(Command&& command);
    void set_permissions(std::shared_ptr<const Permissions> permissions);
    void finish();
    void act();
    void send(EngineOutputs::Send&& each);
    bool has_input() const noexcept {
        return again || engine.has_more() || doors.has_input() || router.readable();
    }
    Duration wait_max() const;

    QueueServerOptions options;
    net::Socket router;
    net::Monitor monitor;
    ServerDoors doors;
    QueueEngine engine;
    net::PeerBacklogs backlogs;
    net::RoutedMessage incoming;
    Times times{};           // of this turn
    wire::Frames outgoing{}; // of send(), for its memory
    EngineOutputs out{};
    std::set<std::string, std::less<>> held{}; // peers with a backlog
    EndedConnections ended{};                  // of read_monitor()
    net::PendingCuts revoked{};                // connections
    Instant monitor_read{};
    Instant backlogs_tried{};
    std::uint64_t reloads = 0; // that the doors know of
    std::size_t binds = 0;
    ServerAsks asks{};
    bool again = false; // the engine was told something behind its turn
    std::uint64_t too_slow_total = 0;
    std::uint64_t foreign_total = 0; // messages of other daemons' protocols
    Status alive{};                  // until the context stops, or the transport or the store fails
};

Times times_now();

} // namespace flotilla::queue
