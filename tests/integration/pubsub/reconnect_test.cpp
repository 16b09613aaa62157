// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

using namespace flotilla;
using namespace flotilla::pubsub;
using namespace flotilla::test;

namespace {

PublisherOptions numbered() {
    PublisherOptions options;
    options.metadata = Metadata::on;
    return options;
}

// Cuts every connection that this process has accepted on `port`, as a broken network would.
int cut_connections(std::uint16_t port) {
    const auto port_of = [](const sockaddr_storage& address) {
        if (address.ss_family == AF_INET6)
            return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
        return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    };
    int cut = 0;
    for (int descriptor = 3; descriptor < 1024; ++descriptor) {
        sockaddr_storage local{};
        sockaddr_storage peer{};
        socklen_t size = sizeof local;
        if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &size) != 0 ||
            (local.ss_family != AF_INET && local.ss_family != AF_INET6) || port_of(local) != port)
            continue;
        size = sizeof peer;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0)
            cut += ::shutdown(descriptor, SHUT_RDWR) == 0 ? 1 : 0;
    }
    return cut;
}

// A subscriber asks again from within its own calls.
void await_return(Link& link, Subscriber& subscriber) {
    const Instant deadline = deadline_after(net::now(), patience);
    while (!link.publisher.wait_subscribers(1, "t", 1ms)) {
        REQUIRE(net::now() < deadline);
        CHECK(subscriber.receive(0s).error().code == Errc::would_block);
    }
}

} // namespace

TEST_CASE("reconnect: what passed while the connection was down is counted as lost",
          "[integration][pubsub]") {
    Link link(numbered());
    auto subscriber = link.subscriber(counting());
    REQUIRE(subscriber.subscribe("t"));
    for (std::uint64_t round = 1; round <= 3; ++round) {
        INFO("round " << round);
        link.await(1, "t");
        publish(link.publisher, "t", "before");
        CHECK(next_text(subscriber) == "t|before");
        REQUIRE(cut_connections(link.endpoint.port()) == 1);
        link.await_fewer(1, "t");
        for (int i = 0; i < 5; ++i)
            publish(link.publisher, "t", "to nobody");
        await_return(link, subscriber);
        CHECK(link.publisher.counters().connections == 1);
        publish(link.publisher, "t", "after");
        CHECK(next_text(subscriber) == "t|after");
        CHECK(subscriber.loss().lost == 5 * round);
        CHECK_FALSE(subscriber.loss().unknown);
        CHECK(subscriber.loss().repeats == 0);
    }
}

TEST_CASE("reconnect: a restarted publisher is not loss", "[integration][pubsub]") {
    Link link(numbered());
    auto subscriber = link.subscriber(counting());
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");
    for (int i = 0; i < 10; ++i)
        publish(link.publisher, "t", "old");
    for (int i = 0; i < 10; ++i)
        REQUIRE(next_text(subscriber) == "t|old");
    const auto old_epoch = link.publisher.epoch();
    link.publisher = Link::take(Publisher::open(link.context(), numbered()));
    // The old one's listener goes in the background.
    const Instant deadline = deadline_after(net::now(), patience);
    while (!link.publisher.bind(link.endpoint))
        REQUIRE(net::now() < deadline);
    await_return(link, subscriber);
    publish(link.publisher, "t", "new");
    publish(link.publisher, "t", "newer");
    CHECK(next_text(subscriber) == "t|new");
    CHECK(next_text(subscriber) == "t|newer");
    CHECK(subscriber.loss().lost == 0);
    CHECK(subscriber.loss().repeats == 0);
    CHECK_FALSE(subscriber.loss().unknown);
    const auto publishers = subscriber.publishers();
    REQUIRE(publishers.size() == 2);
    CHECK(publishers[0].epoch == link.publisher.epoch());
    CHECK(publishers[0].messages_total == 2);
    CHECK(publishers[0].liveness == Liveness::alive);
    CHECK(publishers[1].epoch == old_epoch);
    CHECK(publishers[1].messages_total == 10);
}

TEST_CASE("reconnect: a closing publisher says with its last heartbeat how far it got",
          "[integration][pubsub]") {
    auto options = numbered();
    options.unsent_messages_max = 100;
    options.overflow = Overflow::drop;
    Link link(options);
    SubscriberOptions narrow = counting();
    narrow.unread_messages_max = 100;
    auto subscriber = link.subscriber(narrow);
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");
    const std::string body(100'000, '.');
    while (link.publisher.counters().dropped_full_total < 7)
        REQUIRE(link.publisher.send("t", body));
    // All that was accepted arrives; that there was more is told by the last heartbeat alone.
    std::uint64_t received = 0;
    while (received < link.publisher.counters().sent_total) {
        REQUIRE(subscriber.receive(patience));
        ++received;
    }
    const auto known = subscriber.loss().lost;
    CHECK(known <= 7);
    REQUIRE(link.publisher.close(5s));
    CHECK(subscriber.receive(quiet).error().code == Errc::timeout);
    CHECK(subscriber.loss().lost == 7);
}

TEST_CASE("reconnect: heartbeats keep a publisher with nothing to say from seeming dead",
          "[integration][pubsub]") {
    auto options = numbered();
    options.heartbeat_interval = 10ms;
    Link link(options);
    auto subscriber = link.subscriber(counting());
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");
    const Instant deadline = deadline_after(net::now(), patience);
    while (subscriber.counters().heartbeats_total < 3) {
        REQUIRE(net::now() < deadline);
        REQUIRE(link.publisher.process());
        CHECK(link.publisher.next_deadline() <= deadline_after(net::now(), 10ms));
        CHECK(subscriber.receive(5ms).error().code == Errc::timeout);
    }
    const auto publishers = subscriber.publishers();
    REQUIRE(publishers.size() == 1);
    CHECK(publishers[0].epoch == link.publisher.epoch());
    CHECK(publishers[0].heartbeat_interval == 10ms);
    CHECK(publishers[0].messages_total == 0);
    // Then it is killed: no more heartbeats, and at some time it is dead.
    link.publisher = Link::take(Publisher::open(link.context()));
    while (subscriber.publishers()[0].liveness != Liveness::dead) {
        REQUIRE(net::now() < deadline);
        CHECK(subscriber.receive(5ms).error().code == Errc::timeout);
    }
}
