// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/work_taker.hpp>
#include <flotilla/queue/consumer.hpp>
#include <flotilla/queue/inbox.hpp>
#include <flotilla/queue/producer.hpp>

#include <poll.h>
#include <support/live_store.hpp>
#include <support/patience.hpp>

#include <algorithm>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::queue::test::LiveStore;

namespace {

using flotilla::test::patience;

Consumer open(LiveStore& store, bool in_background, std::uint32_t credit = 100) {
    ConsumerOptions options;
    options.stores = {store.endpoint};
    options.queue = "orders";
    options.credit = credit;
    options.renew_in_background = in_background;
    auto opened = Consumer::open(store.context, options);
    if (!opened)
        FAIL(to_string(opened.error()));
    return std::move(*opened);
}

void fill(LiveStore& store, int messages) {
    auto producer = Producer::open(store.context, {.stores = {store.endpoint}});
    REQUIRE(producer);
    for (int i = 1; i <= messages; ++i)
        REQUIRE(producer->put("orders", std::to_string(i)));
    REQUIRE(*producer->flush(patience) == 0);
    CHECK(producer->counters().stored_total == static_cast<std::uint64_t>(messages));
}

} // namespace

TEST_CASE("consumer: it takes in order and what it acknowledges is done", "[integration][queue]") {
    for (const bool in_background : {false, true}) {
        INFO(in_background);
        LiveStore store;
        Consumer consumer = open(store, in_background);
        CHECK(consumer.take(0ns).error().code == Errc::would_block);
        fill(store, 5000);
        for (int i = 1; i <= 5000; ++i) {
            const auto message = consumer.take(patience);
            REQUIRE(message);
            REQUIRE(message->body[0].view() == std::to_string(i));
            REQUIRE(message->id == static_cast<MessageId>(i));
            CHECK(message->attempt == 1);
            REQUIRE(consumer.ack(*message));
        }
        CHECK(consumer.take(5ms).error().code == Errc::timeout);
        CHECK(store.until(
            [](const QueueStat& stat) { return stat.counters.finished_total == 5000; }));
        CHECK(consumer.held() == 0);
        CHECK(consumer.is_ready());
        CHECK(consumer.counters().delivered_total == 5000);
    }
}

TEST_CASE("consumer: what it refuses comes again, marked", "[integration][queue]") {
    for (const bool in_background : {false, true}) {
        LiveStore store;
        Consumer consumer = open(store, in_background);
        fill(store, 1);
        const auto first = consumer.take(patience);
        REQUIRE(first);
        REQUIRE(consumer.nack(*first, 0ns, "not today"));
        const auto second = consumer.take(patience);
        REQUIRE(second);
        CHECK(second->attempt == 2);
        CHECK(second->redelivered == wire::leased::Redelivered::yes);
        CHECK(consumer.ack(*second));
        CHECK(store.until([](const QueueStat& stat) { return stat.counters.finished_total == 1; }));
    }
}

TEST_CASE("consumer: leases are renewed while a handler runs", "[integration][queue]") {
    QueueProperties properties;
    properties.lease = 1s; // renewed at a third: a busy machine may be late by most of it
    LiveStore store(properties);
    Consumer consumer = open(store, true);
    fill(store, 2);
    int handled = 0;
    const Status ran = consumer.run([&](Message&) -> Status {
        // More than a lease long, without a word to the consumer; the other message waits as long.
        const Instant deadline = deadline_after(net::now(), 1'300ms);
        while (net::now() < deadline)
            std::this_thread::yield();
        if (++handled == 2)
            consumer.stop_soon();
        return {};
    });
    CHECK(ran);
    CHECK(handled == 2);
    CHECK(store.until([](const QueueStat& stat) { return stat.counters.finished_total == 2; }));
    CHECK(store.stat().counters.redelivered_total == 0);
}

TEST_CASE("consumer: a stop gives back what it holds", "[integration][queue]") {
    for (const bool in_background : {false, true}) {
        LiveStore store;
        fill(store, 10);
        {
            Consumer consumer = open(store, in_background);
            const auto message = consumer.take(patience);
            REQUIRE(message);
            REQUIRE(consumer.ack(*message));
            consumer.stop();
            CHECK(consumer.take(0ns).error().code == Errc::stopped);
        }
        Consumer next = open(store, in_background);
        for (int i = 0; i < 9; ++i) {
            const auto message = next.take(patience);
            REQUIRE(message);
            REQUIRE(next.ack(*message));
        }
        CHECK(
            store.until([](const QueueStat& stat) { return stat.counters.finished_total == 10; }));
    }
}

TEST_CASE("consumer: a queue that does not exist is told", "[integration][queue]") {
    for (const bool in_background : {false, true}) {
        LiveStore store({}, "other");
        Consumer consumer = open(store, in_background);
        const auto message = consumer.take(patience);
        REQUIRE_FALSE(message);
        CHECK(message.error().code == Errc::not_found);
        CHECK(message.error().detail.find("no_queue") == 0);
    }
}

TEST_CASE("consumer: a wait that brings nothing says who was waited for", "[integration][queue]") {
    for (const bool in_background : {false, true}) {
        INFO(in_background);
        LiveStore store;
        fill(store, 1);
        Consumer consumer = open(store, in_background);
        REQUIRE(consumer.take(patience));
        const auto waited = consumer.take(5ms);
        REQUIRE_FALSE(waited);
        CHECK(waited.error().code == Errc::timeout);
        CHECK(waited.error().detail ==
              "no message of queue 'orders' from " + store.endpoint.text() + " within 5ms");
        CHECK(consumer.state_text().empty());

        ConsumerOptions nowhere;
        nowhere.stores = {*net::Endpoint::parse("tcp://127.0.0.1:1")};
        nowhere.queue = "orders";
        nowhere.renew_in_background = in_background;
        auto lost = Consumer::open(store.context, nowhere);
        REQUIRE(lost);
        const auto in_vain = lost->take(5ms);
        REQUIRE_FALSE(in_vain);
        CHECK(in_vain.error().detail == "no message within 5ms: connecting to tcp://127.0.0.1:1");
        CHECK(lost->state_text() == "connecting to tcp://127.0.0.1:1");
    }
}

TEST_CASE("consumer: its descriptor tells a foreign loop", "[integration][queue]") {
    for (const bool in_background : {false, true}) {
        LiveStore store;
        Consumer consumer = open(store, in_background);
        fill(store, 1);
        for (;;) {
            if (const auto message = consumer.take(0ns)) {
                CHECK(message->body[0].view() == "1");
                break;
            }
            if (consumer.has_input())
                continue;
            pollfd descriptor{consumer.fd(), POLLIN, 0};
            const Duration wait = std::min<Duration>(consumer.wait_max(), patience);
            ::poll(&descriptor, 1,
                   static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
        }
    }
}

TEST_CASE("consumer: an inbox makes a repeat without effect", "[integration][queue]") {
    LiveStore store;
    fill(store, 20);
    Inbox inbox = *Inbox::open();
    int effects = 0;
    for (const bool in_background : {false, true}) {
        Consumer consumer = open(store, in_background);
        for (int i = 0; i < 20; ++i) {
            const auto message = consumer.take(patience);
            REQUIRE(message);
            REQUIRE(inbox.once(message_key("orders", message->id), [&]() -> Status {
                ++effects;
                return {};
            }));
        }
        // Done, and gone before it could say so.
    }
    CHECK(effects == 20);
    CHECK(inbox.repeats_total() == 20);
}

TEST_CASE("a work taker pointed at a store works unchanged", "[integration][queue]") {
    LiveStore store;
    fill(store, 300);
    pipeline::WorkTakerOptions options;
    options.sources = {store.endpoint};
    options.limits.queue = "orders";
    auto taker = pipeline::WorkTaker::open(store.context, options);
    REQUIRE(taker);
    for (std::uint64_t i = 1; i <= 300; ++i) {
        const auto work = taker->take(patience);
        REQUIRE(work);
        CHECK(work->id.value() == i);
        REQUIRE(taker->ack(*work));
    }
    (void)taker->process(0ns);
    CHECK(taker->take(5ms).error().detail.find(store.endpoint.text()) != std::string::npos);
    taker->stop();
    CHECK(store.until([](const QueueStat& stat) { return stat.counters.finished_total == 300; }));
}

TEST_CASE("consumer: options out of range are refused", "[integration][queue]") {
    net::Context context = *net::Context::open();
    ConsumerOptions options;
    options.stores = {*net::Endpoint::parse("tcp://127.0.0.1:1")};
    CHECK(Consumer::open(context, options).error().code == Errc::bad_option); // no queue
    options.queue = "q";
    options.credit = 0;
    CHECK(Consumer::open(context, options).error().code == Errc::bad_option);
    options.credit = 1;
    options.stores.clear();
    CHECK(Consumer::open(context, options).error().code == Errc::bad_option);
    options.stores = {*net::Endpoint::parse("tcp://192.0.2.1:1")};
    for (const bool in_background : {false, true}) {
        options.renew_in_background = in_background;
        CHECK(Consumer::open(context, options).error().code == Errc::insecure);
    }
}
