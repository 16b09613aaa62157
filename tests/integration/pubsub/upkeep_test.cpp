// SPDX-License-Identifier: Apache-2.0
// What send() does on the side must not show in what subscribers count.
#include "link.hpp"

using namespace flotilla;
using namespace flotilla::pubsub;
using namespace flotilla::test;

TEST_CASE("publisher: heartbeats between messages make nobody count a loss or a repeat",
          "[integration][pubsub]") {
    PublisherOptions options;
    options.metadata = Metadata::on;
    options.heartbeat_interval = 10ms;
    options.overflow = Overflow::block;
    options.block_wait = patience;
    Link link(std::move(options));
    SubscriberOptions counting;
    counting.metadata = Metadata::on;
    auto subscriber = link.subscriber(counting);
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");

    // Sent by send() alone, while it is busy: process() is never called.
    const Instant deadline = deadline_after(net::now(), patience);
    while (link.publisher.counters().heartbeats_total < 5) {
        REQUIRE(link.publisher.send("t", ByteView{"body"}));
        REQUIRE(subscriber.receive(patience));
        REQUIRE(net::now() < deadline);
    }
    REQUIRE(link.publisher.send_heartbeat());
    REQUIRE(subscriber.receive(quiet).error().code == Errc::timeout);
    CHECK(subscriber.counters().heartbeats_total > 0);
    CHECK(subscriber.loss().lost == 0);
    CHECK(subscriber.loss().repeats == 0);
}
