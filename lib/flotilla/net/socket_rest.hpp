// SPDX-License-Identifier: Apache-2.0
// The private members of Socket. Private to net.
#pragma once

#include "redial.hpp"
#include "unfinished.hpp"

#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace flotilla::net {

namespace detail {
// Waits of sockets that need housekeep() are cut into slices of so long.
inline constexpr Duration housekeeping_interval = 100ms;

// ZMQ_POLLIN or ZMQ_POLLOUT is there. Runs libzmq's housekeeping.
bool has_event(void* handle, int event) noexcept;
} // namespace detail

struct Socket::Rest {
    std::shared_ptr<detail::ContextState> context; // keeps the context until the socket is closed
    std::shared_ptr<void*> alive;                  // the handle, or nullptr once closed
    SocketOptions options;
    // What libzmq was last told; -1, its default, is no limit.
    static constexpr int timeout_unknown = -2;
    int send_timeout_ms = -1;
    int receive_timeout_ms = -1;
    std::uint64_t oversize_total = 0;
    bool addresses_last = false; // Audience::last_subscriber works

    // CURVE clients only: refusals are watched by our own monitor until somebody opens another.
    std::shared_ptr<detail::Redial> redial;
    std::optional<Monitor> refusals;

    // Listeners with a gate and a monitor only.
    std::shared_ptr<detail::UnfinishedMessages> unfinished;
    bool listens_closely = false; // it wants to hear of each message

    bool needs_housekeeping() const noexcept { return redial || unfinished; }
    Instant next_housekeeping{};
};

} // namespace flotilla::net
