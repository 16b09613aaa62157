// SPDX-License-Identifier: Apache-2.0
// Subscribers that say what no library would: they cost themselves.
#include "harness.hpp"

#include <support/raw_peer.hpp>

#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

// Says what it likes, and reads nothing.
class RawSubscriber : public test::RawZmtpPeer {
public:
    explicit RawSubscriber(const net::Endpoint& endpoint) : RawZmtpPeer(endpoint, "SUB") {}

    void subscribe(std::string_view topic) { frame(std::string(1, '\1').append(topic)); }
    void cancel(std::string_view topic) { frame(std::string(1, '\0').append(topic)); }
};

} // namespace

TEST_CASE("forwarder: whoever cancels what another has, changes nothing", "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    if (GENERATE(false, true))
        options.last_value.emplace(); // libzmq then leaves the counting to the relay
    const bool hears_all = options.last_value.has_value();
    Served served(std::move(options));
    net::Socket publisher = served.front(SocketType::xpub);
    if (hears_all)
        served.await_subscription(publisher, "");
    net::Socket honest = served.back(SocketType::sub);
    REQUIRE(honest.subscribe("t"));
    served.await_subscription(publisher, "t");

    RawSubscriber hostile(served.relay->endpoints(Side::backend).at(0));
    hostile.cancel("t");
    hostile.flush();
    served.until([&] { return served.counters().out.dropped(Drop::malformed) == 1; });
    CHECK(served.silent(publisher));
    served.send(publisher, Frames{"t", "1"});
    CHECK(served.next(honest) == Texts{"t", "1"});
    CHECK(served.counters().subscriptions == 1);
}

TEST_CASE("forwarder: a topic of two is cancelled upstream when the second has left",
          "[integration][relay]") {
    Served served(on_tcp(Kind::forwarder));
    net::Socket publisher = served.front(SocketType::xpub);
    std::optional<net::Socket> one = served.back(SocketType::sub);
    REQUIRE(one->subscribe("t"));
    served.await_subscription(publisher, "t");
    std::optional<net::Socket> two = served.back(SocketType::sub);
    REQUIRE(two->subscribe("t"));
    served.until([&] { return served.counters().subscriptions == 2; });
    one.reset();
    served.until([&] { return served.counters().subscriptions == 1; });
    served.send(publisher, Frames{"t", "1"});
    CHECK(served.next(*two) == Texts{"t", "1"});
    CHECK(served.silent(publisher));
    two.reset();
    CHECK(served.next(publisher) == Texts{std::string("\0t", 2)});
    CHECK(served.counters().subscriptions_bytes == 0);
}

TEST_CASE("forwarder: subscribers of this process come and go like others",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.backend.attachments.push_back(attachment("inproc://subscribers"));
    Served served(std::move(options));
    net::Socket publisher = served.front(SocketType::xpub);
    const net::Endpoint within = served.relay->endpoints(Side::backend).at(1);
    std::optional<net::Socket> local = served.peer(SocketType::sub, within);
    REQUIRE(local->subscribe("t"));
    served.await_subscription(publisher, "t");
    std::optional<net::Socket> remote = served.back(SocketType::sub);
    REQUIRE(remote->subscribe("t"));
    served.until([&] { return served.counters().subscriptions == 2; });
    remote.reset();
    served.until([&] { return served.counters().subscriptions == 1; });
    served.send(publisher, Frames{"t", "1"});
    CHECK(served.next(*local) == Texts{"t", "1"});
    CHECK(served.silent(publisher));
    local.reset();
    CHECK(served.next(publisher) == Texts{std::string("\0t", 2)});
}

TEST_CASE("forwarder: who subscribes to more than there is room for is cut off, and nobody else",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.subscriptions_bytes_max = 1 << 20;
    std::vector<Excess> noted;
    options.on_excess = [&](const Excess& each) { noted.push_back(each); };
    Served served(std::move(options));
    net::Socket publisher = served.front(SocketType::xpub, queue_of(100'000));
    net::Socket honest = served.back(SocketType::sub);
    REQUIRE(honest.subscribe("t"));
    served.await_subscription(publisher, "t");

    RawSubscriber hostile(served.relay->endpoints(Side::backend).at(0));
    for (int each = 0; each < 5'000; ++each)
        hostile.subscribe("topic " + std::to_string(each));
    hostile.flush();
    served.until([&] { return hostile.was_hung_up_on(); });
    served.until([&] { return served.counters().subscriptions == 1; });
    CHECK(served.counters().subscribers_cut_total == 1);
    CHECK(served.counters().subscriptions_bytes < 2'000);
    REQUIRE(noted.size() == 1);
    CHECK(noted[0].topics > 1'000);
    CHECK(noted[0].address.starts_with("127.0.0.1:"));
    CHECK_FALSE(noted[0].is_tap);
    // Upstream is left with what the honest one wants.
    std::set<std::string> wanted{"t"};
    served.until([&] {
        while (auto told = publisher.receive(Duration::zero())) {
            const ByteView frame = (*told)[0].view();
            if (frame.front() == '\1')
                wanted.emplace(frame.substr(1));
            else
                wanted.erase(std::string(frame.substr(1)));
        }
        return wanted.size() == 1;
    });
    CHECK(wanted.contains("t"));
    served.send(publisher, Frames{"t", "1"});
    CHECK(served.next(honest) == Texts{"t", "1"});
}

TEST_CASE("forwarder: what a hostile subscriber hides costs it its connection",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.frames_max = 4;
    Served served(std::move(options));
    RawSubscriber hostile(served.relay->endpoints(Side::backend).at(0));
    SECTION("a subscription behind something else") {
        hostile.frame("x", net::More::yes);
        hostile.frame(std::string_view("\1t", 2));
    }
    SECTION("more frames than a message may have") {
        for (int each = 0; each < 10; ++each)
            hostile.frame("x", net::More::yes);
        hostile.frame(std::string_view("\1t", 2));
    }
    SECTION("a topic that is too long") {
        hostile.subscribe(std::string(1'100, 't'));
    }
    hostile.flush();
    served.until([&] { return hostile.was_hung_up_on(); });
    net::Socket publisher = served.front(SocketType::xpub);
    net::Socket honest = served.back(SocketType::sub);
    REQUIRE(honest.subscribe("t"));
    served.await_subscription(publisher, "t");
    CHECK(served.counters().subscriptions == 1);
}

TEST_CASE("forwarder: garbage among subscriptions gives nobody what another asked for",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.last_value.emplace(); // the relay answers each subscription
    Served served(std::move(options));
    net::Socket publisher = served.front(SocketType::xpub, queue_of(100'000));
    constexpr int honest_ones = 20;
    std::vector<net::Socket> honest;
    RawSubscriber hostile(served.relay->endpoints(Side::backend).at(0));
    net::SocketOptions quick;
    quick.reconnect_min = 10ms;
    quick.reconnect_max = 50ms;
    for (int each = 0; each < honest_ones; ++each) {
        hostile.frame("garbage");
        hostile.subscribe("own");
        honest.push_back(served.back(SocketType::sub, quick));
        REQUIRE(honest.back().subscribe("topic " + std::to_string(each) + "."));
    }
    hostile.flush();
    served.until([&] { return hostile.was_hung_up_on(); });
    // Those who asked meanwhile ask again.
    served.until([&] {
        for (net::Socket& each : honest)
            (void)each.readable(); // a SUB subscribes again when its thread looks at it
        return served.counters().subscriptions == honest_ones;
    });
    for (int each = 0; each < honest_ones; ++each)
        served.send(publisher, Frames{"topic " + std::to_string(each) + ".", "1"});
    for (int each = 0; each < honest_ones; ++each)
        CHECK(served.next(honest[static_cast<std::size_t>(each)]).front() ==
              "topic " + std::to_string(each) + ".");
}

TEST_CASE("a tap that subscribes to more than there is room for is cut off",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::streamer);
    options.capture.emplace();
    options.capture->attachments = {attachment("tcp://127.0.0.1:*")};
    options.subscriptions_bytes_max = 1 << 20;
    std::vector<Excess> noted;
    options.on_excess = [&](const Excess& each) { noted.push_back(each); };
    Served served(std::move(options));
    net::Socket tap = served.tap("");
    served.until([&] { return served.counters().subscriptions == 1; });
    RawSubscriber hostile(served.relay->capture_endpoints().at(0));
    hostile.cancel("");
    for (int each = 0; each < 5'000; ++each)
        hostile.subscribe("topic " + std::to_string(each));
    hostile.flush();
    served.until([&] { return hostile.was_hung_up_on(); });
    served.until([&] { return served.counters().subscriptions == 1; });
    REQUIRE(noted.size() == 1);
    CHECK(noted[0].is_tap);
    net::Socket pull = served.back(SocketType::pull);
    net::Socket push = served.front(SocketType::push);
    served.send(push, Frames{"1"});
    CHECK(served.next(pull) == Texts{"1"});
    CHECK(served.next(tap).back() == "1");
}
