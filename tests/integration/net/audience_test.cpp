// SPDX-License-Identifier: Apache-2.0
// What XPUB and its subscribers tell each other, whom a manual one speaks to, what closing keeps.
#include <flotilla/net/socket.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::net;
using flotilla::wire::Frames;

namespace {

using flotilla::test::patience;

SocketOptions manual() {
    SocketOptions options;
    options.subscriptions = SocketOptions::Subscriptions::manual;
    return options;
}

Socket subscriber(Context& context, const Endpoint& endpoint, ByteView topic) {
    auto socket = Socket::open(context, SocketType::sub);
    REQUIRE(socket);
    REQUIRE(socket->connect(endpoint));
    REQUIRE(socket->subscribe(topic));
    return std::move(*socket);
}

// Takes one subscription message and makes it count.
void accept_subscription(Socket& xpub) {
    auto message = xpub.receive(patience);
    REQUIRE(message);
    REQUIRE((*message)[0].view().substr(0, 1) == "\1");
    REQUIRE(xpub.subscribe((*message)[0].view().substr(1)));
}

std::string next(Socket& socket) {
    auto message = socket.receive(patience);
    REQUIRE(message);
    return std::string((*message)[0].view());
}

} // namespace

TEST_CASE("socket: no subscription is lost, however many there are", "[integration][net]") {
    auto context = Context::open();
    auto xpub = Socket::open(*context, SocketType::xpub);
    REQUIRE(xpub);
    const auto endpoint = xpub->bind(test::any_tcp());
    REQUIRE(endpoint);
    const SocketType type = GENERATE(SocketType::sub, SocketType::xsub);
    CAPTURE(name(type));
    SocketOptions few;
    few.send_messages_max = 10;
    auto sub = Socket::open(*context, type, few);
    REQUIRE(sub);
    REQUIRE(sub->connect(*endpoint));
    constexpr int topics = 3'000;
    for (int each = 0; each < topics; ++each) {
        const std::string topic = std::to_string(each);
        const Status asked = type == SocketType::sub ? sub->subscribe(topic)
                                                     : sub->send("\1" + topic, Duration::zero());
        REQUIRE(asked);
    }
    for (int each = 0; each < topics; ++each)
        REQUIRE(next(*xpub) == "\1" + std::to_string(each));
}

TEST_CASE("socket: a manual XPUB can speak to its last subscriber alone, once",
          "[integration][net]") {
    auto context = Context::open();
    auto xpub = Socket::open(*context, SocketType::xpub, manual());
    REQUIRE(xpub);
    REQUIRE(xpub->can_address_last_subscriber());
    auto endpoint = xpub->bind(test::any_tcp());
    REQUIRE(endpoint);
    Socket first = subscriber(*context, *endpoint, "");
    accept_subscription(*xpub);
    Socket second = subscriber(*context, *endpoint, "a");
    accept_subscription(*xpub);

    REQUIRE(xpub->address(Socket::Audience::last_subscriber));
    REQUIRE(xpub->send("a alone", patience));
    REQUIRE(xpub->address(Socket::Audience::everyone));
    REQUIRE(xpub->send("a live", patience));
    CHECK(next(first) == "a live");
    CHECK(next(second) == "a alone");
    CHECK(next(second) == "a live");
}

TEST_CASE("socket: a subscription does not divert the next message when everyone is addressed",
          "[integration][net]") {
    auto context = Context::open();
    auto xpub = Socket::open(*context, SocketType::xpub, manual());
    auto endpoint = xpub->bind(test::any_tcp());
    Socket first = subscriber(*context, *endpoint, "a");
    accept_subscription(*xpub);
    Socket second = subscriber(*context, *endpoint, "b");
    accept_subscription(*xpub);
    REQUIRE(xpub->send("a live", patience));
    CHECK(next(first) == "a live");
}

TEST_CASE("socket: addressing the last subscriber is refused where it cannot work",
          "[integration][net]") {
    auto context = Context::open();
    auto xpub = Socket::open(*context, SocketType::xpub);
    CHECK_FALSE(xpub->can_address_last_subscriber());
    auto refused = xpub->address(Socket::Audience::last_subscriber);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::unsupported);
}

TEST_CASE("socket: an IPv4 endpoint is named as it was given, and found again by that name",
          "[integration][net]") {
    auto context = Context::open();
    auto pull = Socket::open(*context, SocketType::pull);
    const auto bound = pull->bind(test::any_tcp());
    REQUIRE(bound);
    CHECK(bound->host() == "127.0.0.1");
    CHECK(pull->unbind(*bound));
    const auto six = pull->bind(*Endpoint::parse("tcp://[::1]:*"));
    if (six) // a machine may be without IPv6
        CHECK(six->host() == "::1");
}

TEST_CASE("socket: a linger set before the close is how long unsent messages are kept",
          "[integration][net]") {
    auto context = Context::open();
    auto pull = Socket::open(*context, SocketType::pull);
    auto endpoint = pull->bind(test::any_tcp());
    {
        auto push = Socket::open(*context, SocketType::push);
        REQUIRE(push->connect(*endpoint));
        REQUIRE(push->send("kept", patience));
        REQUIRE(push->set_linger(10s));
        CHECK(push->options().linger == 10s);
        CHECK_FALSE(push->set_linger(2h));
        CHECK_FALSE(push->set_linger(-1s));
    }
    CHECK(next(*pull) == "kept");
}
