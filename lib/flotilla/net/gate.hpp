// SPDX-License-Identifier: Apache-2.0
//
// Gate: who is let in at the listeners of a program, and what became of those who tried. A policy
// that can change while peers are connected, limits for connections, pauses for addresses that keep
// failing, and counters by reason.
//
//     auto gate = std::make_shared<Gate>(policy);
//     options.security = CurveServer{keys, gate};   // of every listener of the program
//     gate->set_policy(changed);                    // rules the next handshake
//
// Policy: asked by the context's ZAP handler (net/zap), whatever the listener speaks. Limits and
// counters: by what the listener's Monitor tells, so its owner has one and reads it
// (net/monitor). A connection beyond a limit is accepted by libzmq and hung up on when the monitor
// is read; until then it may handshake, but with what the policy refuses nobody gets in.
//
// Peers over ipc and loopback are neither counted by address nor made to wait: these addresses are
// everybody's. Of IPv6 an address is its network of 64 bits. Safe from every thread.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/access.hpp>
#include <flotilla/net/handshake_failure.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net {

class Socket;

namespace detail {
class Entrance;
class Origins;
} // namespace detail

struct GateLimits {
    std::uint64_t connections_max = 65'536;        // at once, of all listeners with this gate
    std::uint64_t address_connections_max = 4'096; // of one address
    // An address that fails more often within a minute waits: so long at first, then twice as
    // long, up to 16 times.
    std::uint64_t address_failures_max = 20;
    Duration address_penalty = 5s;
    enum class Loopback : std::uint8_t { spared, like_others } loopback{};
};

struct GateCounters {
    std::uint64_t connections = 0; // now, those in a handshake included
    std::uint64_t addresses_waiting = 0;
    std::uint64_t handshakes_total = 0;                                   // that succeeded
    std::array<std::uint64_t, handshake_failures_count> failures_total{}; // by reason
    std::uint64_t endless_total = 0; // hung up on for a message without an end
};

// A connection that a listener accepted and that has not ended.
struct GateConnection {
    std::uint64_t number = 0; // in the order of arrival at any gate of the process; never again
    std::string listener{};   // "tcp://10.0.0.1:5560"
    std::string peer{};       // net/connection_figures, peer_text(); empty: it was gone too soon
    int descriptor = -1;
    Instant since{};
};

// A connection that was hung up on: much more came of one message than a message may have.
struct EndlessMessage {
    std::string listener{};
    std::string peer{};
    std::uint64_t bytes = 0; // at least
};

class Gate {
public:
    static constexpr std::size_t failures_kept = 64;

    explicit Gate(AccessPolicy policy = {}, GateLimits limits = {});
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate();

    // Rules the handshakes from now on. Who is in stays in: see Permissions, and net/cut.
    void set_policy(AccessPolicy policy);
    void set_limits(GateLimits limits);

    GateCounters counters() const;
    // For all, in no order. `each` is called under the gate's lock: it is brief, and does not call
    // back.
    void for_each_connection(const std::function<void(const GateConnection&)>& each) const;
    // The latest since the last call, for a log; at most failures_kept, the counters know of all.
    std::vector<FailedHandshake> take_failures();
    std::vector<EndlessMessage> take_endless(); // the same

    // What 27/ZAP is answered. Counts it, and makes its address wait. For the handler of net/zap
    // and for a service that has its own.
    AccessDecision judge(const AccessRequest& request, const std::optional<Entry>& entry,
                         Instant now);

private:
    friend class detail::Entrance;
    friend class Socket;
    // Gives the connection its number. A refusal: it may not stay; it is counted until left()
    // either way.
    struct Arrival {
        std::uint64_t number = 0;
        std::optional<HandshakeFailure> refusal{};
    };
    Arrival arrived(GateConnection connection, const std::optional<Address>& address);
    void left(std::uint64_t number, const std::optional<Address>& address);
    void succeeded();
    void failed(HandshakeFailure reason, const std::optional<Address>& address, Instant now);
    void endless(int descriptor, std::uint64_t bytes);
    // Where those came from who were let in by this domain's entry, and may no longer.
    detail::Origins take_disallowed(std::string_view domain);

    struct Rest;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::net
