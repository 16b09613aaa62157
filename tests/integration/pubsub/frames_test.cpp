// SPDX-License-Identifier: Apache-2.0
// How many frames a message may have, and which of them are its body.
#include "link.hpp"

using namespace flotilla;
using namespace flotilla::pubsub;
using namespace flotilla::test;

TEST_CASE("publisher: what no subscriber would take is refused at send", "[integration][pubsub]") {
    const Metadata metadata = GENERATE(Metadata::off, Metadata::on);
    PublisherOptions options;
    options.metadata = metadata;
    Link link(std::move(options));
    SubscriberOptions asks;
    asks.metadata = metadata;
    auto subscriber = link.subscriber(asks);
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");

    const std::size_t most = wire::Frames::frames_max - (metadata == Metadata::on ? 2 : 1);
    wire::Frames body;
    for (std::size_t i = 0; i <= most; ++i)
        body.add(ByteView{"x"});
    const auto refused = link.publisher.send("t", body);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::too_many);
    CHECK(refused.error().detail.find(std::to_string(most)) != std::string::npos);
    CHECK(body.size() == most + 1);
    body.pop_back();
    REQUIRE(link.publisher.send("t", body));
    const auto received = subscriber.receive(patience);
    REQUIRE(received);
    CHECK(received->body.size() == most);
    // Only bodies count, on both sides.
    CHECK(link.publisher.counters().sent_bytes == most);
    CHECK(subscriber.counters().received_bytes == most);
    CHECK(subscriber.loss().lost == 0);
}
