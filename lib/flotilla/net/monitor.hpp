// SPDX-License-Identifier: Apache-2.0
//
// Monitor: what happens to a socket's connections, as typed events.
//
// libzmq blocks its I/O thread, and with it every socket of the context, when a monitor is not
// read. So whoever opens one reads it in a loop that never blocks: next() until it is empty, often.
// Here 100,000 events fit before that happens (libzmq's own limit is reached after 768
// connections).
//
// Where the process runs short of descriptors, next() also hangs up on who was accepted last (an
// eighth of the limit is kept free, 32 to 1,024): libzmq by itself would spin, or abort, for want
// of the last one. Where the socket's security has a gate (net/gate.hpp), next() tells it who came
// and went, and hangs up on whom it does not want; the socket hangs up on who sends a message
// without an end (docs/security.md).
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/socket.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::net {

namespace detail {
class Redial;
class Doorman;
class Entrance;
class UnfinishedMessages;
} // namespace detail

struct ConnectionEvent {
    enum class Kind : std::uint8_t {
        connected, // TCP or ipc connection made; descriptor
        connect_delayed,
        connect_retried, // value: milliseconds until the next try
        listening,       // descriptor
        bind_failed,     // value: errno
        accepted,        // descriptor
        accept_failed,   // value: errno (24: out of descriptors)
        closed,
        close_failed,
        disconnected, // descriptor
        stopped,
        handshake_failed_no_detail, // value: errno; the peer closed or spoke no ZMTP
        handshake_succeeded,
        handshake_failed_protocol, // value: libzmq's protocol error number
        handshake_failed_auth,     // value: ZAP status, 300 to 500
    };
    Kind kind;
    std::int32_t value;   // see kind; descriptors match Part::descriptor()
    std::string endpoint; // ours or the peer's, as libzmq names it
};

std::string_view name(ConnectionEvent::Kind kind) noexcept; // "handshake_failed_auth"
// One sentence: what it means to the side that saw it and, for failures, what to check.
std::string explain(const ConnectionEvent& event, Attach side = Attach::connect);

class Monitor {
public:
    static constexpr std::uint32_t events_max = 100'000;

    // Before bind and connect, or their events are missed. One monitor a socket; the socket must
    // stay alive, but may be moved. Errors: too_many, out_of_files, stopped.
    static Result<Monitor> open(Socket& socket);
    Monitor(Monitor&&) noexcept;
    Monitor& operator=(Monitor&&) noexcept;
    ~Monitor();

    // The oldest event not yet read; never waits.
    std::optional<ConnectionEvent> next();
    // When permissions changed and next() is empty: hangs up on those who were let in by the
    // listener's Entry and may no longer. Who is behind a connection is known by address only, so
    // others from the same one are hung up on as well, and connect again. Returns how many.
    std::size_t cut_disallowed();
    // To be given to a Poller.
    Socket& socket() noexcept { return *socket_; }

private:
    Monitor(std::shared_ptr<void*> watched, std::unique_ptr<Socket> socket) noexcept;
    std::optional<ConnectionEvent> read();
    void read_ahead();
    void tell(const ConnectionEvent& event);
    std::shared_ptr<void*> watched_;         // its handle, nullptr once that socket is closed
    std::shared_ptr<detail::Redial> redial_; // of a CURVE client: hears of refusals
    std::shared_ptr<detail::Doorman> doorman_;
    std::shared_ptr<detail::Entrance> entrance_;             // of a listener with a gate
    std::shared_ptr<detail::UnfinishedMessages> unfinished_; // of the same
    std::string domain_{};                                   // the listener's
    std::deque<ConnectionEvent> ahead_{};                    // read, and not yet given out
    std::unique_ptr<Socket> socket_; // by pointer: its address is registered with a Poller
};

} // namespace flotilla::net
