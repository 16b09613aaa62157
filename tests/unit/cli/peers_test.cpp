// SPDX-License-Identifier: Apache-2.0
#include <cli/peers.hpp>
#include <support/catch.hpp>

using namespace std::chrono_literals;
using flotilla::Instant;
using flotilla::cli::Peers;
using flotilla::net::ConnectionEvent;
using Kind = ConnectionEvent::Kind;

namespace {
constexpr Instant start{1h};
constexpr Instant later = start + Peers::silent_handshake_max;

ConnectionEvent event(Kind kind, int value = 0) {
    return {kind, value, "tcp://127.0.0.1:5555"};
}
} // namespace

TEST_CASE("peers are counted from handshake to disconnection") {
    Peers peers;
    peers.on_event(event(Kind::accepted, 9), start);
    CHECK(peers.connected(start) == 0);
    peers.on_event(event(Kind::handshake_succeeded), start);
    peers.on_event(event(Kind::handshake_succeeded), start);
    CHECK(peers.connected(later) == 2);
    peers.on_event(event(Kind::disconnected, 9), start);
    CHECK(peers.connected(later) == 1);
}

TEST_CASE("a connection that stands in silence counts after a while, and is told apart") {
    Peers peers;
    peers.on_event(event(Kind::connected, 9), start);
    CHECK(peers.silent(start) == 0);
    CHECK(peers.connected(later) == 1);
    CHECK(peers.silent(later) == 1);
    peers.on_event(event(Kind::handshake_succeeded), later);
    CHECK(peers.connected(later) == 1);
    CHECK(peers.silent(later) == 0);
}

TEST_CASE("a failed handshake does not count, and its disconnection takes nobody away") {
    Peers peers;
    peers.on_event(event(Kind::handshake_succeeded), start);
    for (const Kind kind : {Kind::handshake_failed_no_detail, Kind::handshake_failed_protocol,
                            Kind::handshake_failed_auth}) {
        peers.on_event(event(kind), start);
        peers.on_event(event(Kind::disconnected, 11), start);
    }
    CHECK(peers.connected(later) == 1);
    peers.on_event(event(Kind::disconnected, 9), start);
    peers.on_event(event(Kind::disconnected, 9), start);
    CHECK(peers.connected(later) == 0);
}

TEST_CASE("subscribers are connections, however many subscriptions each has") {
    Peers peers;
    peers.on_subscription(7, "\1app.");
    peers.on_subscription(7, "\1app.");
    peers.on_subscription(7, "\1log.");
    peers.on_subscription(8, "\1");
    CHECK(peers.subscribed() == 2);
    CHECK(peers.subscribed_to("app.x") == 2);
    CHECK(peers.subscribed_to("app") == 1);
    CHECK(peers.anybody_hears("anything"));
    peers.on_event(event(Kind::disconnected, 8), start);
    CHECK(peers.subscribed() == 1);
    CHECK_FALSE(peers.anybody_hears("anything"));
    peers.on_subscription(7, std::string{"\0app.", 5});
    CHECK(peers.anybody_hears("app."));
    peers.on_subscription(7, std::string{"\0app.", 5});
    CHECK_FALSE(peers.anybody_hears("app."));
    peers.on_subscription(7, std::string{"\0log.", 5});
    CHECK(peers.subscribed() == 0);
}

TEST_CASE("what is no subscription changes nothing") {
    Peers peers;
    peers.on_subscription(7, "");
    peers.on_subscription(7, "hello");
    peers.on_subscription(7, std::string{"\0never", 6});
    CHECK(peers.subscribed() == 0);
}

TEST_CASE("a peer of whose handshake nothing is heard counts after a while, until it leaves") {
    Peers peers;
    peers.on_event(event(Kind::accepted, 9), start);
    CHECK(peers.connected(later - 1ns) == 0);
    CHECK(peers.next_deadline(later - 1ns) == later);
    CHECK(peers.connected(later) == 1);
    CHECK(peers.next_deadline(later) == flotilla::never);
    // libzmq ends the connection of a peer with ZMTP 2 like this.
    CHECK(peers.had_counted(event(Kind::handshake_failed_no_detail), later));
    peers.on_event(event(Kind::handshake_failed_no_detail), later);
    peers.on_event(event(Kind::disconnected, 9), later);
    CHECK(peers.connected(later) == 0);
    CHECK_FALSE(peers.had_counted(event(Kind::handshake_failed_no_detail), later));
}

TEST_CASE("a handshake event ends the silence of the oldest connection of its endpoint") {
    Peers peers;
    peers.on_event(event(Kind::connected, 8), start);
    peers.on_event(event(Kind::connected, 7), start + 1ms);
    peers.on_event(event(Kind::handshake_succeeded), start + 2ms);
    CHECK(peers.connected(start + 2ms) == 1);
    CHECK(peers.next_deadline(start + 2ms) == later + 1ms);
    CHECK(peers.connected(later + 1ms) == 2);
    peers.on_event(event(Kind::disconnected, 7), later + 1ms);
    CHECK(peers.connected(later + 1ms) == 1);
}

TEST_CASE("a subscriber that we connect to is away while its connection is down") {
    Peers peers;
    peers.on_event(event(Kind::connected, 7), start);
    peers.on_subscription(7, "\1app.");
    CHECK(peers.anybody_hears("app.x"));
    CHECK_FALSE(peers.anybody_away_hears("app.x"));
    peers.on_event(event(Kind::disconnected, 7), start);
    CHECK_FALSE(peers.anybody_hears("app.x"));
    CHECK(peers.anybody_away_hears("app.x"));
    CHECK_FALSE(peers.anybody_away_hears("log.x"));
    peers.on_event(event(Kind::connected, 8), start);
    CHECK(peers.anybody_away_hears("app.x"));
    peers.on_subscription(8, "\1log.");
    CHECK_FALSE(peers.anybody_away_hears("app.x"));
    CHECK(peers.anybody_hears("log.x"));
}

TEST_CASE("a subscriber that came to us is gone with its connection") {
    Peers peers;
    peers.on_event(event(Kind::accepted, 7), start);
    peers.on_subscription(7, "\1app.");
    peers.on_event(event(Kind::disconnected, 7), start);
    CHECK_FALSE(peers.anybody_hears("app.x"));
    CHECK_FALSE(peers.anybody_away_hears("app.x"));
}
