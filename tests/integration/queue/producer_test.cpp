// SPDX-License-Identifier: Apache-2.0
#include "scripted_store.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/queue/producer.hpp>

#include <support/patience.hpp>

#include <set>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::queue::test::ScriptedStore;

namespace {

using flotilla::test::patience;

Producer open(net::Context& context, ProducerOptions options) {
    auto producer = Producer::open(context, std::move(options));
    if (!producer)
        FAIL(to_string(producer.error()));
    return std::move(*producer);
}

// Both sides take turns until `done`.
template <class Done>
void run(Producer& producer, std::vector<ScriptedStore*> stores, Done&& done) {
    const Instant deadline = deadline_after(net::now(), patience);
    while (!done()) {
        REQUIRE(net::now() < deadline);
        REQUIRE(producer.process(1ms));
        for (ScriptedStore* store : stores)
            store->serve();
    }
}

} // namespace

TEST_CASE("producer: what is confirmed is in the queue, in order", "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore store(context);
    Producer producer = open(context, {.stores = {store.endpoint()}});
    std::vector<std::uint64_t> tickets;
    std::vector<MessageId> ids;
    producer.on_confirm = [&](const Confirm& confirm) {
        CHECK(confirm.outcome == Confirm::Outcome::stored);
        tickets.push_back(confirm.ticket);
        ids.push_back(confirm.id);
    };
    PutOptions keyed;
    keyed.key = "k";
    CHECK(*producer.put("orders", "one", keyed) == 1);
    for (int i = 2; i <= 5000; ++i)
        REQUIRE(producer.put("orders", std::to_string(i)));
    CHECK(producer.unconfirmed() == 5000);
    run(producer, {&store}, [&] { return producer.unconfirmed() == 0; });
    REQUIRE(store.queues["orders"].size() == 5000);
    CHECK(store.queues["orders"][0].key == "k");
    for (std::size_t i = 1; i < 5000; ++i)
        REQUIRE(store.queues["orders"][i].body == std::to_string(i + 1));
    REQUIRE(tickets.size() == 5000);
    for (std::uint64_t i = 0; i < 5000; ++i)
        REQUIRE((tickets[i] == i + 1 && ids[i] == i + 1));
    CHECK(store.puts < 200); // most of them together
    CHECK(producer.counters().resent_total == 0);
    CHECK(producer.flush(0ns) == 0);
}

TEST_CASE("producer: queues have sequences of their own, and tickets in common",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore store(context);
    Producer producer = open(context, {.stores = {store.endpoint()}});
    std::set<std::uint64_t> tickets;
    producer.on_confirm = [&](const Confirm& confirm) { tickets.insert(confirm.ticket); };
    for (int i = 0; i < 300; ++i)
        REQUIRE(producer.put("q" + std::to_string(i % 3), std::to_string(i)));
    run(producer, {&store}, [&] { return producer.unconfirmed() == 0; });
    for (const char* queue : {"q0", "q1", "q2"})
        CHECK(store.queues[queue].size() == 100);
    CHECK(tickets.size() == 300);
    CHECK(*tickets.rbegin() == 300);
}

TEST_CASE("producer: a store that comes back gets the rest, and nothing twice",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    std::optional<ScriptedStore> store(std::in_place, context);
    const net::Endpoint endpoint = store->endpoint();
    Producer producer = open(context, {.stores = {endpoint}, .answer_max = 200ms});
    for (int i = 0; i < 100; ++i)
        REQUIRE(producer.put("q", std::to_string(i)));
    run(producer, {&*store}, [&] { return store->queues["q"].size() >= 100; });
    // It has stored these, but the answers are lost with it.
    for (int i = 100; i < 200; ++i)
        REQUIRE(producer.put("q", std::to_string(i)));
    auto queues = store->queues;
    auto sequences = store->sequences;
    store.reset();
    store.emplace(context, endpoint);
    store->queues = std::move(queues);
    store->sequences = std::move(sequences);
    run(producer, {&*store}, [&] { return producer.unconfirmed() == 0; });
    REQUIRE(store->queues["q"].size() == 200);
    for (std::size_t i = 0; i < 200; ++i)
        CHECK(store->queues["q"][i].body == std::to_string(i));
    CHECK(producer.counters().maybe_duplicate_total == 0);
}

TEST_CASE("producer: another store takes over, and is told what may be a repeat",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore left(context);
    ScriptedStore right(context);
    Producer producer = open(
        context,
        {.stores = {left.endpoint(), right.endpoint()}, .answer_max = 200ms, .reconnect_min = 5ms});
    REQUIRE(producer.put("q", "one"));
    run(producer, {&left, &right}, [&] { return producer.unconfirmed() == 0; });
    left.is_silent = true;
    REQUIRE(producer.put("q", "two"));
    run(producer, {&left, &right}, [&] { return producer.unconfirmed() == 0; });
    REQUIRE(right.queues["q"].size() == 1);
    CHECK(right.queues["q"][0].body == "two");
    CHECK(right.queues["q"][0].maybe_duplicate);
    REQUIRE(producer.put("q", "three"));
    run(producer, {&right}, [&] { return producer.unconfirmed() == 0; });
    CHECK_FALSE(right.queues["q"].back().maybe_duplicate);
}

TEST_CASE("producer: a full queue holds the outbox back until there is room",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore store(context);
    Producer producer = open(context, {.stores = {store.endpoint()}, .outbox_messages_max = 10});
    store.refuse_puts = leased::ErrorCode::full;
    for (int i = 0; i < 10; ++i)
        REQUIRE(producer.put("q", std::to_string(i)));
    CHECK(producer.put("q", "11th").error().code == Errc::would_block);
    run(producer, {&store}, [&] { return producer.counters().full_total > 2; });
    CHECK(producer.put("q", "11th", {}, 5ms).error().code == Errc::timeout);
    CHECK(*producer.flush(0ns) == 10);
    CHECK(producer.state_text() == "full: as the test says");
    store.refuse_puts.reset();
    run(producer, {&store}, [&] { return producer.unconfirmed() == 0; });
    CHECK(store.queues["q"].size() == 10);
    CHECK(producer.state_text().empty());
}

TEST_CASE("producer: where somebody else answers, what was put is kept until a store does",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore store(context);
    ProducerOptions options{.stores = {store.endpoint()}};
    options.reconnect_min = options.reconnect_max = 5ms;
    Producer producer = open(context, std::move(options));
    store.refuse_puts = leased::ErrorCode::wrong_peer; // a broker took the store's place under way
    for (int i = 0; i < 10; ++i)
        REQUIRE(producer.put("q", std::to_string(i)));
    run(producer, {&store}, [&] { return producer.has_only_strangers(); });
    CHECK(producer.state_text() == store.endpoint().text() + ": as the test says");
    CHECK(producer.unconfirmed() == 10);
    store.refuse_puts.reset();
    run(producer, {&store}, [&] { return producer.unconfirmed() == 0; });
    CHECK(store.queues["q"].size() == 10);
    CHECK(producer.counters().refused_total == 0);
    CHECK_FALSE(producer.has_only_strangers());
    CHECK(producer.state_text().empty());
}

TEST_CASE("producer: a final refusal is confirmed as one", "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore store(context);
    Producer producer = open(context, {.stores = {store.endpoint()}});
    std::vector<Confirm> told;
    producer.on_confirm = [&](const Confirm& confirm) { told.push_back(confirm); };
    store.refuse_puts = leased::ErrorCode::no_queue;
    REQUIRE(producer.put("missing", "one"));
    run(producer, {&store}, [&] { return producer.unconfirmed() == 0; });
    REQUIRE(told.size() == 1);
    CHECK(told[0].outcome == Confirm::Outcome::refused);
    CHECK(told[0].error.code == Errc::not_found);
    store.refuse_puts.reset();
    REQUIRE(producer.put("missing", "two"));
    run(producer, {&store}, [&] { return producer.unconfirmed() == 0; });
    CHECK(store.queues["missing"].size() == 1);
}

TEST_CASE("producer: what it may not put it does not take", "[integration][queue]") {
    net::Context context = *net::Context::open();
    Producer producer = open(context, {.stores = {*net::Endpoint::parse("tcp://127.0.0.1:1")}});
    CHECK(producer.put("", "x").error().code == Errc::bad_option);
    CHECK(producer.put("two words", "x").error().code == Errc::bad_option);
    PutOptions options;
    options.priority = 8;
    CHECK(producer.put("q", "x", options).error().code == Errc::bad_option);
    const std::string key(256, 'k');
    options = {};
    options.key = key;
    CHECK(producer.put("q", "x", options).error().code == Errc::too_large);
    options.key = "two\nlines";
    CHECK(producer.put("q", "x", options).error().code == Errc::bad_option);
    CHECK(producer.put("q", std::string(17 << 20, 'x')).error().code == Errc::too_large);
    wire::Frames none;
    CHECK(producer.put("q", none).error().code == Errc::too_many);
    CHECK(producer.unconfirmed() == 0);
    CHECK_FALSE(producer.is_connected());
    CHECK(producer.state_text() == "connecting to tcp://127.0.0.1:1");
    CHECK(Producer::open(context, {}).error().code == Errc::bad_option);
}

TEST_CASE("producer: an outbox on disk outlives its producer and the store's absence",
          "[integration][queue]") {
    net::Context context = *net::Context::open();
    const flotilla::test::ScratchFolder folder;
    std::optional<ScriptedStore> store(std::in_place, context);
    const net::Endpoint endpoint = store->endpoint();
    ProducerOptions options{.stores = {endpoint}};
    options.outbox_directory = folder.path() / "outbox";
    {
        Producer producer = open(context, options);
        for (int i = 0; i < 100; ++i)
            REQUIRE(producer.put("q", std::to_string(i)));
        run(producer, {&*store}, [&] { return producer.unconfirmed() == 0; });
        for (int i = 100; i < 250; ++i)
            REQUIRE(producer.put("q", std::to_string(i)));
    }
    Producer producer = open(context, options);
    CHECK(producer.unconfirmed() == 150);
    CHECK(*producer.put("q", "250") == 151);
    std::uint64_t confirms = 0;
    producer.on_confirm = [&](const Confirm& confirm) { CHECK(confirm.ticket == ++confirms); };
    run(producer, {&*store}, [&] { return producer.unconfirmed() == 0; });
    CHECK(confirms == 151);
    REQUIRE(store->queues["q"].size() == 251);
    for (std::size_t i = 0; i < 251; ++i)
        CHECK(store->queues["q"][i].body == std::to_string(i));
}
