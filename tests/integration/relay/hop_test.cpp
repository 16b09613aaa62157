// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <support/hops.hpp>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

RelayOptions recording(Kind kind) {
    RelayOptions options = on_tcp(kind);
    options.hop_instance = "north/feed";
    return options;
}

void check_hop(const std::vector<wire::Hop>& hops, WallTime before) {
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].kind == "relay");
    CHECK(hops[0].instance == "north/feed");
    CHECK(hops[0].came + 1us > before);
    CHECK(hops[0].left >= hops[0].came);
    CHECK(hops[0].left <= net::wall_now());
}

} // namespace

TEST_CASE("relay: a hop is added to messages with an envelope, and to no other",
          "[integration][relay]") {
    Served served(recording(Kind::streamer));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    const WallTime before = net::wall_now();
    served.send(push, Frames{"body", test::traced_envelope()});
    const Texts traced = served.next(pull);
    REQUIRE(traced.size() == 2);
    CHECK(traced[0] == "body");
    check_hop(test::hops_in(traced[1]), before);

    for (const Texts& plain : {Texts{"body", "more"}, Texts{test::traced_envelope()},
                               Texts{test::traced_envelope(), ""}}) {
        Frames message;
        for (const std::string& each : plain)
            message.add(ByteView{each});
        served.send(push, std::move(message));
        CHECK(served.next(pull) == plain);
    }
}

TEST_CASE("relay: without being told to it records no hops", "[integration][relay]") {
    Served served(on_tcp(Kind::streamer));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    served.send(push, Frames{"body", test::traced_envelope()});
    CHECK(served.next(pull) == Texts{"body", test::traced_envelope()});
}

TEST_CASE("relay: a message that would grow beyond the limit passes as it is",
          "[integration][relay]") {
    RelayOptions options = recording(Kind::streamer);
    const Texts message{std::string(500, 'b'), test::traced_envelope()};
    options.message_bytes_max = message[0].size() + message[1].size() + 10;
    Served served(std::move(options));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    served.send(push, Frames{message[0], message[1]});
    CHECK(served.next(pull) == message);
}

TEST_CASE("relay: requests and their replies both get a hop", "[integration][relay]") {
    Served served(recording(Kind::queue));
    net::Socket req = served.front(SocketType::req);
    net::Socket rep = served.back(SocketType::rep);
    const WallTime before = net::wall_now();
    served.send(req, Frames{"ask", test::traced_envelope()});
    const Texts asked = served.next(rep);
    REQUIRE(asked.size() == 2);
    check_hop(test::hops_in(asked[1]), before);
    served.send(rep, Frames{"answer", asked[1]});
    const Texts answered = served.next(req);
    REQUIRE(answered.size() == 2);
    const auto hops = test::hops_in(answered[1]);
    REQUIRE(hops.size() == 2);
    CHECK(hops[1].came >= hops[0].left);
}

TEST_CASE("relay: a message that waited for a receiver left when it was taken",
          "[integration][relay]") {
    Served served(recording(Kind::streamer));
    net::Socket push = served.front(SocketType::push);
    served.send(push, Frames{"body", test::traced_envelope()});
    served.until([&] { return served.counters().in.held == 1; });
    const WallTime waited = net::wall_now();
    net::Socket pull = served.back(SocketType::pull);
    const Texts traced = served.next(pull);
    const auto hops = test::hops_in(traced.at(1));
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].came <= waited);
    CHECK(hops[0].left + 1us > waited);
}

TEST_CASE("relay: a remembered value tells of the subscriber's own way", "[integration][relay]") {
    RelayOptions options = recording(Kind::forwarder);
    options.last_value.emplace();
    Served served(std::move(options));
    net::Socket pub = served.front(SocketType::xpub);
    served.await_subscription(pub, "");
    net::Socket sub = served.back(SocketType::sub);
    REQUIRE(sub.subscribe("a"));
    served.await_subscription(pub, "a");
    served.send(pub, Frames{"a", "body", test::traced_envelope()});
    CHECK(test::hops_in(served.next(sub).at(2)).size() == 1);
    net::Socket late = served.back(SocketType::sub);
    REQUIRE(late.subscribe("a"));
    const Texts value = served.next(late);
    CHECK(test::hops_in(value.at(2)).empty());
}
