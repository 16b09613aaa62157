// SPDX-License-Identifier: Apache-2.0
#include "scripted_store.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/queue/producer_thread.hpp>

#include <support/patience.hpp>

#include <atomic>
#include <set>
#include <thread>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::queue::test::ScriptedStore;

namespace {

using flotilla::test::patience;

} // namespace

TEST_CASE("producer thread: many threads put, each gets its confirm", "[integration][queue]") {
    net::Context context = *net::Context::open();
    ScriptedStore store(context);
    auto opened = ProducerThread::open(context, {.stores = {store.endpoint()}});
    REQUIRE(opened);
    ProducerThread producer = std::move(*opened);
    std::atomic<int> stored{0};
    std::atomic<int> running{4};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            std::vector<std::future<Confirm>> confirms;
            for (int i = 0; i < 250; ++i)
                confirms.push_back(producer.put("q" + std::to_string(t),
                                                wire::Frames{ByteView{std::to_string(i)}}));
            for (auto& confirm : confirms)
                stored += confirm.get().outcome == Confirm::Outcome::stored ? 1 : 0;
            --running;
        });
    const Instant deadline = deadline_after(net::now(), patience);
    while (running > 0 && net::now() < deadline)
        store.serve(1ms);
    for (std::thread& thread : threads)
        thread.join();
    CHECK(stored == 1000);
    CHECK(producer.flush(patience) == 0);
    for (int t = 0; t < 4; ++t) {
        const auto& queue = store.queues["q" + std::to_string(t)];
        REQUIRE(queue.size() == 250);
        for (std::size_t i = 0; i < 250; ++i)
            REQUIRE(queue[i].body == std::to_string(i));
    }
    CHECK(producer.counters().stored_total == 1000);
}

TEST_CASE("producer thread: what is refused at once is told as a confirm", "[integration][queue]") {
    net::Context context = *net::Context::open();
    ProducerOptions options{.stores = {*net::Endpoint::parse("tcp://127.0.0.1:1")}};
    options.outbox_messages_max = 1;
    auto producer = ProducerThread::open(context, options);
    REQUIRE(producer);
    CHECK(producer->put("two words", wire::Frames{"x"}).get().error.code == Errc::bad_option);
    auto kept = producer->put("q", wire::Frames{"x"});
    CHECK(producer->put("q", wire::Frames{"y"}).get().error.code == Errc::would_block);
    CHECK(producer->flush(1ms) == 1);
    producer = ProducerThread::open(context, options); // the first one goes
    const Confirm confirm = kept.get();
    CHECK(confirm.outcome == Confirm::Outcome::refused);
    CHECK(confirm.error.code == Errc::stopped);
    CHECK(confirm.ticket == 1);
}
