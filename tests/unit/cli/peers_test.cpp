// SPDX-License-Identifier: Apache-2.0
#include <cli/peers.hpp>
#include <support/catch.hpp>

using flotilla::cli::Peers;
using flotilla::net::ConnectionEvent;
using Kind = ConnectionEvent::Kind;

namespace {
ConnectionEvent event(Kind kind, int value = 0) {
    return {kind, value, "tcp://127.0.0.1:5555"};
}
} // namespace

TEST_CASE("peers are counted from handshake to disconnection") {
    Peers peers;
    peers.on_event(event(Kind::accepted, 9));
    CHECK(peers.connected() == 0);
    peers.on_event(event(Kind::handshake_succeeded));
    peers.on_event(event(Kind::handshake_succeeded));
    CHECK(peers.connected() == 2);
    peers.on_event(event(Kind::disconnected, 9));
    CHECK(peers.connected() == 1);
}

TEST_CASE("a failed handshake does not count, and its disconnection takes nobody away") {
    Peers peers;
    peers.on_event(event(Kind::handshake_succeeded));
    for (const Kind kind : {Kind::handshake_failed_no_detail, Kind::handshake_failed_protocol,
                            Kind::handshake_failed_auth}) {
        peers.on_event(event(kind));
        peers.on_event(event(Kind::disconnected, 11));
    }
    CHECK(peers.connected() == 1);
    peers.on_event(event(Kind::disconnected, 9));
    peers.on_event(event(Kind::disconnected, 9));
    CHECK(peers.connected() == 0);
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
    peers.on_event(event(Kind::disconnected, 8));
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
