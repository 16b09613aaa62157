// SPDX-License-Identifier: Apache-2.0
//
// A listener with a gate in front of it on a real socket, and those who come to it: with keys, with
// none, and without knowing ZeroMQ.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/raw_peer.hpp>
#include <support/scratch.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace flotilla::net_test {

using namespace net;

using Failure = HandshakeFailure;

using flotilla::test::patience;

using test::RawTcpPeer;

struct Listener {
    explicit Listener(const std::function<Security(std::shared_ptr<Gate>)>& security,
                      GateLimits limits = {}, Duration handshake_timeout = 10s,
                      const Endpoint& at = test::any_tcp(),
                      std::uint64_t message_bytes_max = SocketOptions{}.message_bytes_max)
        : gate(std::make_shared<Gate>(AccessPolicy{}, limits)), context(*Context::open()),
          socket([&] {
              SocketOptions options;
              options.security = security(gate);
              options.handshake_timeout = handshake_timeout;
              options.message_bytes_max = message_bytes_max;
              return *Socket::open(context, SocketType::router, std::move(options));
          }()),
          monitor(*Monitor::open(socket)), endpoint(*socket.bind(at)) {}

    std::uint64_t count(Failure reason) const {
        return gate->counters().failures_total[std::size_t(reason)];
    }
    std::uint64_t failures() const {
        std::uint64_t all = 0;
        for (const std::uint64_t each : gate->counters().failures_total)
            all += each;
        return all;
    }
    // Reads the monitor until it is so.
    bool until(const std::function<bool()>& done) {
        const Instant deadline = deadline_after(now(), patience);
        for (;;) {
            while (monitor.next()) {
            }
            if (done())
                return true;
            if (now() > deadline)
                return false;
            (void)monitor.socket().wait_readable(20ms);
        }
    }
    Socket peer(Security security) {
        SocketOptions options;
        options.security = std::move(security);
        options.reconnect_min = 10ms;
        options.reconnect_max = 50ms;
        auto dealer = Socket::open(context, SocketType::dealer, std::move(options));
        REQUIRE(dealer);
        REQUIRE(dealer->connect(endpoint));
        return std::move(*dealer);
    }
    // Sends something, and it arrives.
    bool hears(Socket& peer) {
        REQUIRE(peer.send("hello", 1s));
        return until([&] { return socket.receive(Duration::zero()).has_value(); });
    }

    std::shared_ptr<Gate> gate;
    Context context;
    Socket socket;
    Monitor monitor;
    Endpoint endpoint;
};

inline const CurveKeyPair server_keys = *generate_key_pair();
inline const CurveKeyPair alice = *generate_key_pair();
inline const CurveKeyPair stranger = *generate_key_pair();

inline Security curve(std::shared_ptr<Gate> gate) {
    AllowList list;
    REQUIRE(list.add(alice.public_key, {"alice", {}}));
    gate->set_policy(list);
    return CurveServer{server_keys, std::move(gate)};
}

inline Security plaintext(std::shared_ptr<Gate> gate) {
    AccessPolicy policy;
    policy.null = AccessPolicy::Null::let_in;
    gate->set_policy(std::move(policy));
    return Plaintext{Plaintext::Where::local_only, std::move(gate)};
}

inline Security as_client(const CurveKeyPair& keys,
                          const CurveKey& server = server_keys.public_key) {
    return CurveClient{keys, server};
}

inline GateLimits counting_loopback() {
    GateLimits limits;
    limits.loopback = GateLimits::Loopback::like_others;
    return limits;
}

} // namespace flotilla::net_test
