// SPDX-License-Identifier: Apache-2.0
// What a forwarder remembers for those who come later.
#include "harness.hpp"

#include <flotilla/wire/envelope.hpp>
#include <flotilla/wire/frames.hpp>

#include <algorithm>
#include <string>

using namespace flotilla;
using namespace flotilla::relay;
using net::SocketType;
using wire::Frames;

namespace {

RelayOptions remembering() {
    RelayOptions options = on_tcp(Kind::forwarder);
    options.last_value.emplace();
    return options;
}

} // namespace

TEST_CASE("relay: a late subscriber gets the last value alone, then live messages",
          "[integration][relay]") {
    Served served(remembering());
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket first = served.back(SocketType::sub);
    served.await_subscription(pub, "");
    REQUIRE(first.subscribe("a"));
    REQUIRE(first.subscribe("b"));
    served.await_subscription(pub, "a");
    served.await_subscription(pub, "b");
    served.send(pub, Frames{"a", "1"});
    served.send(pub, Frames{"a", "2"});
    served.send(pub, Frames{"b", "1"});
    for (const char* body : {"1", "2", "1"})
        CHECK(served.next(first).at(1) == body);

    net::Socket late = served.back(SocketType::sub);
    REQUIRE(late.subscribe("a"));
    CHECK(served.next(late) == Texts{"a", "2"});
    served.send(pub, Frames{"a", "3"});
    CHECK(served.next(late) == Texts{"a", "3"});
    CHECK(served.next(first) == Texts{"a", "3"}); // and not the 2 again

    net::Socket other = served.back(SocketType::sub);
    REQUIRE(other.subscribe("nothing here"));
    served.await_subscription(pub, "nothing here");
    served.send(pub, Frames{"b", "2"}); // not diverted by the subscription before it
    CHECK(served.next(first) == Texts{"b", "2"});
    CHECK(served.counters().last_values_sent_total == 1);
    CHECK(served.counters().last_value_topics == 2);
}

TEST_CASE("relay: a subscription to many topics gets every last value before anything live",
          "[integration][relay]") {
    Served served(remembering());
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket first = served.back(SocketType::sub);
    served.await_subscription(pub, "");
    REQUIRE(first.subscribe("a"));
    served.await_subscription(pub, "a");
    served.send(pub, Frames{"a1", "x"});
    served.send(pub, Frames{"a2", "y"});
    CHECK(served.next(first) == Texts{"a1", "x"});
    CHECK(served.next(first) == Texts{"a2", "y"});
    net::Socket late = served.back(SocketType::sub);
    REQUIRE(late.subscribe("a"));
    CHECK(served.next(late) == Texts{"a1", "x"});
    CHECK(served.next(late) == Texts{"a2", "y"});
    // libzmq addresses one subscriber for one message: the second value reaches the first too.
    CHECK(served.next(first) == Texts{"a2", "y"});
    CHECK(served.silent(first));
}

TEST_CASE("relay: a value sent again says so in its envelope; heartbeats are not remembered",
          "[integration][relay]") {
    Served served(remembering());
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket first = served.back(SocketType::sub);
    served.await_subscription(pub, "");
    REQUIRE(first.subscribe("a"));
    REQUIRE(first.subscribe(std::string_view("\0", 1)));
    served.await_subscription(pub, "a");
    served.await_subscription(pub, std::string("\0", 1));
    wire::Envelope envelope;
    envelope.sequence = std::uint64_t{9};
    const std::string plain = *wire::encode(envelope);
    const std::string heartbeat("\0flotilla.hb", 12);
    served.send(pub, Frames{"a", "body", plain});
    served.send(pub, Frames{heartbeat, "beat"});
    CHECK(served.next(first) == Texts{"a", "body", plain});
    CHECK(served.next(first).at(0) == heartbeat);

    net::Socket late = served.back(SocketType::sub);
    REQUIRE(late.subscribe(""));
    const Texts value = served.next(late);
    REQUIRE(value.size() == 3);
    const auto marked = wire::decode_envelope(value[2]);
    REQUIRE(marked);
    CHECK(marked->snapshot);
    CHECK(marked->sequence == std::uint64_t{9});
    CHECK(served.silent(late));
}

TEST_CASE("relay: the last value is the newest, whether anybody listened or not",
          "[integration][relay]") {
    Served served(remembering());
    net::Socket pub = served.front(SocketType::xpub);
    served.await_subscription(pub, "");
    {
        net::Socket first = served.back(SocketType::sub);
        REQUIRE(first.subscribe(""));
        REQUIRE(first.subscribe("price"));
        served.await_subscription(pub, "price");
        served.send(pub, Frames{"price", "1"});
        CHECK(served.next(first) == Texts{"price", "1"});
    }
    CHECK(served.next(pub) == Texts{std::string("\0price", 6)});
    served.send(pub, Frames{"price", "2"});
    served.send(pub, Frames{"price", "3"});
    served.send(pub, Frames{"never asked for", "4"});
    served.until([&] { return served.counters().in.messages_total == 4; });
    CHECK(served.counters().last_value_topics == 2);
    net::Socket late = served.back(SocketType::sub);
    REQUIRE(late.subscribe("price"));
    CHECK(served.next(late) == Texts{"price", "3"});
    CHECK(served.silent(late)); // and nothing that it did not ask for
    net::Socket other = served.back(SocketType::sub);
    REQUIRE(other.subscribe("never"));
    CHECK(served.next(other) == Texts{"never asked for", "4"});
    // A publisher that comes later is asked for everything too.
    net::Socket second = served.front(SocketType::xpub);
    const Texts all{served.next(second).at(0), served.next(second).at(0),
                    served.next(second).at(0)};
    CHECK(std::find(all.begin(), all.end(), "\1") != all.end());
}
