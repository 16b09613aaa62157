// SPDX-License-Identifier: Apache-2.0
// The moving parts of a Relay. Private to relay.
#pragma once

#include "backlog.hpp"
#include "last_value.hpp"
#include "listeners.hpp"
#include "message.hpp"
#include "origin_mark.hpp"
#include "rights.hpp"
#include "tap.hpp"

#include <flotilla/net/ipc_tail.hpp>
#include <flotilla/relay/relay.hpp>
#include <flotilla/wire/hop.hpp>

#include <array>
#include <optional>

namespace flotilla::relay {

// A full XPUB is always "writable", so a blocked message is tried again and again.
inline constexpr Duration retry_pause_min = 1ms;
inline constexpr Duration retry_pause_max = 10ms;

struct Relay::Rest {
    // What is attached to a poller and waited for now.
    struct Interests {
        bool readable = false;
        bool writable = false;
    };
    struct End {
        std::optional<net::Socket> socket{};   // absent once drained
        std::optional<net::Monitor> monitor{}; // goes before its socket
        Message message{};                     // being moved, or held, from this side
        Interests interests{};
        std::vector<net::Endpoint> endpoints{};
    };

    explicit Rest(Plan made);
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
    ~Rest();

    End& end(Side side) noexcept { return ends[static_cast<std::size_t>(side)]; }
    net::Socket& socket(Side side) noexcept { return *end(side).socket; }
    Kind kind() const noexcept { return plan.options.kind; }

    // relay.cpp: the life of the relay.
    Status open(net::Context& context);
    Status subscribe_to_everything();
    void attach(net::Poller& to);
    void after_work();
    void watch();
    void schedule_retry();
    void read_events(Side side);
    void cut_disallowed();
    void close(End& end, Duration linger);
    void finish();
    void close_when_read();

    // relay_move.cpp: the way of a message.
    void move(Side side);
    void found_empty(Side side);
    void let_go(Side side, Drop reason);
    void retry(Side side);
    void retry_backlog();
    bool deliver(Side side);
    bool forward(Side side);
    bool reply();
    bool subscription();
    void end_topic(ByteView topic);
    // What the relay itself subscribes to, from its start.
    bool is_always_wanted(ByteView topic) const noexcept { return last_values && topic.empty(); }
    void send_last_values(ByteView prefix);
    Sent send_reply(Message& message);
    Sent send_kept(Message& message);
    bool find_client(Message& message);
    void mark_origin(Message& message);
    void add_hop(Message& message);
    void set_hop_left(Message& message);

    Plan plan;
    MessageLimits limits;
    Pump pump;
    std::array<End, 2> ends{};
    std::optional<Tap> tap{};
    std::vector<net::Endpoint> capture_endpoints{};
    std::optional<LastValues> last_values{};
    Rights rights;
    OriginMark origin;                    // of a queue's requests
    std::optional<Listeners> listeners{}; // forwarder: at the backend
    Backlog backlog;
    std::uint64_t last_values_sent_total = 0;
    std::optional<wire::HopStamp> hop{}; // where hops are recorded
    std::string hop_frame{};             // of add_hop(), for its memory

    net::Poller* poller = nullptr;
    std::optional<net::Poller> own_poller{}; // run()'s
    std::optional<net::TimerId> retry_timer{};
    std::optional<net::TimerId> backlog_timer{};
    std::optional<net::TimerId> drain_timer{};
    net::IpcTail tail{}; // what readers have to take before the sockets are closed
    Duration retry_pause = retry_pause_min;
    Instant drain_end = never;
    std::function<void()> drained{};
};

} // namespace flotilla::relay
