// SPDX-License-Identifier: Apache-2.0
// Puts that are told of what became of them, on a real store.
#include <flotilla/queue/consumer.hpp>
#include <flotilla/queue/producer_thread.hpp>

#include <support/live_store.hpp>
#include <support/patience.hpp>

#include <optional>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::queue::test::LiveStore;
using Outcome = Acknowledgement::Outcome;

namespace {

using flotilla::test::patience;

ProducerThread open(LiveStore& store) {
    ProducerOptions options;
    options.stores = {store.endpoint};
    auto producer = ProducerThread::open(store.context, options);
    if (!producer)
        FAIL(to_string(producer.error()));
    return std::move(*producer);
}

Consumer open_consumer(LiveStore& store) {
    ConsumerOptions options;
    options.stores = {store.endpoint};
    options.queue = "orders";
    auto consumer = Consumer::open(store.context, options);
    if (!consumer)
        FAIL(to_string(consumer.error()));
    return std::move(*consumer);
}

PutOptions within(Duration most) {
    PutOptions options;
    options.acknowledged_max = most;
    return options;
}

Acknowledgement of(std::future<Acknowledgement>& later) {
    REQUIRE(later.wait_for(patience) == std::future_status::ready);
    return later.get();
}

} // namespace

TEST_CASE("producer: a put is told when a consumer has acknowledged it", "[integration][queue]") {
    LiveStore store;
    ProducerThread producer = open(store);
    auto first = producer.put_acknowledged("orders", wire::Frames{"one"}, within(1h));
    auto plain = producer.put("orders", wire::Frames{"two"});
    auto third = producer.put_acknowledged("orders", wire::Frames{"three"}, within(1h));
    CHECK(plain.get().outcome == Confirm::Outcome::stored); // does not wait for the first
    Consumer consumer = open_consumer(store);
    for (const char* body : {"one", "two", "three"}) {
        const auto message = consumer.take(patience);
        REQUIRE(message);
        CHECK(message->body[0] == ByteView{body});
        REQUIRE(consumer.ack(*message));
    }
    REQUIRE(consumer.process(0ms));
    CHECK(of(first).outcome == Outcome::acknowledged);
    CHECK(of(third).outcome == Outcome::acknowledged);
}

TEST_CASE("producer: a put that expires, or runs out of attempts, is told to be dead",
          "[integration][queue]") {
    QueueProperties properties;
    properties.attempts_max = 1;
    LiveStore store(properties);
    ProducerThread producer = open(store);
    auto refused = producer.put_acknowledged("orders", wire::Frames{"one"}, within(1h));
    Consumer consumer = open_consumer(store);
    const auto message = consumer.take(patience);
    REQUIRE(message);
    REQUIRE(consumer.nack(*message));
    CHECK(of(refused).outcome == Outcome::dead);
    consumer.stop();
    PutOptions brief = within(1h);
    brief.ttl = 1ms;
    auto expired = producer.put_acknowledged("orders", wire::Frames{"two"}, brief);
    CHECK(of(expired).outcome == Outcome::dead);
}

TEST_CASE("producer: nobody acknowledges, the store goes, or the producer does",
          "[integration][queue]") {
    std::optional<LiveStore> store;
    store.emplace();
    std::optional<ProducerThread> producer{open(*store)};
    auto late = producer->put_acknowledged("orders", wire::Frames{"one"}, within(50ms));
    const Acknowledgement timed_out = of(late);
    CHECK(timed_out.outcome == Outcome::unknown);
    CHECK(timed_out.error.code == Errc::timeout);
    auto never_put = producer->put_acknowledged("no such queue", wire::Frames{"x"}, within(1h));
    CHECK(of(never_put).outcome == Outcome::refused);
    auto unsaid = producer->put_acknowledged("orders", wire::Frames{"x"}, {});
    CHECK(of(unsaid).error.code == Errc::bad_option);
    auto elsewhere = producer->put_acknowledged("nowhere", wire::Frames{"x"}, within(1h));
    CHECK(of(elsewhere).outcome == Outcome::refused); // by the store
    auto pending = producer->put_acknowledged("orders", wire::Frames{"two"}, within(1h));
    CHECK(producer->flush(patience) == 0);
    producer.reset();
    const Acknowledgement stopped = of(pending);
    CHECK(stopped.outcome == Outcome::unknown);
    CHECK(stopped.error.code == Errc::stopped);
}

TEST_CASE("producer: a store that goes can tell no more, which is said at once",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    std::optional<LiveStore> store;
    store.emplace();
    ProducerOptions options;
    options.stores = {store->endpoint};
    auto producer = ProducerThread::open(context, options);
    REQUIRE(producer);
    auto pending = producer->put_acknowledged("orders", wire::Frames{"one"}, within(1h));
    CHECK(producer->flush(patience) == 0);
    store.reset();
    const Acknowledgement gone = of(pending);
    CHECK(gone.outcome == Outcome::unknown);
    CHECK(gone.error.code == Errc::peer_gone);
}

TEST_CASE("producer: puts that wait are bounded, and room comes back", "[integration][queue]") {
    LiveStore store;
    ProducerOptions options;
    options.stores = {store.endpoint};
    options.acknowledged_waits_max = 2;
    auto producer = Producer::open(store.context, options);
    REQUIRE(producer);
    std::size_t told = 0;
    producer->on_acknowledged = [&](const Acknowledgement&) { ++told; };
    const PutOptions waits = within(1h);
    REQUIRE(producer->put("orders", "one", waits));
    REQUIRE(producer->put("orders", "two", waits));
    CHECK(producer->put("orders", "three", waits).error().code == Errc::would_block);
    const auto full = producer->put("orders", "three", waits, 5ms);
    REQUIRE_FALSE(full);
    CHECK(full.error().code == Errc::timeout);
    CHECK(full.error().detail == "2 puts wait for their acknowledgement");
    CHECK(producer->put("orders", "three")); // one that does not wait
    CHECK(producer->unacknowledged() == 2);
    REQUIRE(producer->flush(patience) == 0); // nobody else drives it while we consume
    Consumer consumer = open_consumer(store);
    const auto message = consumer.take(patience);
    REQUIRE(message);
    REQUIRE(consumer.ack(*message));
    CHECK(producer->put("orders", "four", waits, patience));
    CHECK(told == 1);
}

TEST_CASE("producer: what a store has no room to watch is stored, and that is said at once",
          "[integration][queue]") {
    StoreLimits limits;
    limits.acked_waits_max = 4; // 1 for one connection
    LiveStore store({}, "orders", limits);
    ProducerThread producer = open(store);
    auto first = producer.put_acknowledged("orders", wire::Frames{"one"}, within(1h));
    auto second = producer.put_acknowledged("orders", wire::Frames{"two"}, within(1h));
    const Acknowledgement unwatched = of(second);
    CHECK(unwatched.outcome == Outcome::unknown);
    CHECK(unwatched.error.code == Errc::too_many);
    Consumer consumer = open_consumer(store);
    for (const char* body : {"one", "two"}) { // both are there
        const auto message = consumer.take(patience);
        REQUIRE(message);
        CHECK(message->body[0] == ByteView{body});
        REQUIRE(consumer.ack(*message));
    }
    REQUIRE(consumer.process(0ms));
    CHECK(of(first).outcome == Outcome::acknowledged);
}
