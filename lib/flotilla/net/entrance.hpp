// SPDX-License-Identifier: Apache-2.0
// The connections of one listener as its monitor tells of them, reported to the gate: who arrived,
// who left, whose handshake failed and why. Hangs up on whom the gate does not want. Private to
// net; the thread that reads the monitor.
//
// libzmq says of a failure what went wrong but not in which connection, and of an end which
// connection but not whether its handshake was done; some failures it does not mention. What makes
// them one is their order: the I/O thread of a connection tells of its failure and right after
// that of its end. So an end takes the failure before it. Without one it failed for certain when
// no handshake at all succeeded since it arrived. Where several I/O threads mix what they tell, a
// reason may go to the wrong connection; a connection whose handshake was done is never charged for
// a failure that does not stand directly before its end.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/monitor.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::net::detail {

class Entrance {
public:
    enum class Speaks : std::uint8_t { curve, plain, nothing };
    Entrance(std::shared_ptr<Gate> gate, Speaks speaks, Duration handshake_timeout)
        : gate_(std::move(gate)), speaks_(speaks), handshake_timeout_(handshake_timeout) {}
    Entrance(const Entrance&) = delete;
    Entrance& operator=(const Entrance&) = delete;
    ~Entrance(); // everybody left

    // Whom an accepted connection leads to, where it can still be asked.
    struct Peer {
        std::optional<Address> address{};
        std::string text{};
        std::string listener{}; // where it came in
    };
    // True: the gate does not want it; the caller hangs up.
    [[nodiscard]] bool accepted(int descriptor, Peer peer, Instant now);
    // The doorman hung up on it already.
    void turned_away(int descriptor, Instant now);
    // Every other event.
    void tell(const ConnectionEvent& event, Instant now);
    // Of those who may be somebody whom this domain's entry does not let in any more.
    std::vector<int> disallowed(std::string_view domain) const;

private:
    struct Connection {
        std::uint64_t number = 0; // the gate's
        std::optional<Address> address{};
        Instant since{};
        std::uint64_t successes = 0; // of the listener, before it arrived
        bool is_refused = false;     // and counted
    };
    void ended(int descriptor, Instant now);
    std::optional<HandshakeFailure> why_ended(const Connection& connection, Instant now);

    std::shared_ptr<Gate> gate_;
    Speaks speaks_;
    Duration handshake_timeout_;
    std::unordered_map<int, Connection> connections_{};
    std::uint64_t successes_ = 0;
    std::deque<HandshakeFailure> failures_{}; // whose connection has not ended yet
    bool is_adjacent_ = false;                // the last event was one
    std::uint64_t denied_ = 0;                // by ZAP, counted there, and not ended yet
};

} // namespace flotilla::net::detail
