// SPDX-License-Identifier: Apache-2.0
//
// A store that is killed at random moments under four producers and four consumers: what was
// confirmed is delivered, and what is delivered twice says so.
//
// FLOTILLA_STORE_KILL_ROUNDS is how often (default 5); FLOTILLA_TEST_SEED the moments.
#include <flotilla/base/random.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/consumer.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/wire/pack.hpp>

#include <process/store/store_program.hpp>
#include <support/seed.hpp>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

using namespace flotilla;
using namespace flotilla::test;

namespace {

constexpr std::uint32_t producers = 4;
constexpr std::uint32_t consumers = 4;
constexpr std::uint32_t numbers_max = 2'000'000; // a producer
constexpr std::size_t journal_heads_bytes = 8192;

std::uint64_t rounds() {
    const char* given = std::getenv("FLOTILLA_STORE_KILL_ROUNDS");
    return given ? std::stoull(given) : 5;
}

// What became of each message, by producer and number.
class Ledger {
public:
    Ledger() : confirmed_(places), delivered_(places), as_new_(places) {}

    void confirm(std::uint64_t place) { confirmed_[place] = 1; }
    // Threads of consumers may be given the same message: a counter each.
    void deliver(std::uint64_t place, bool is_new) {
        const std::lock_guard lock(mutex_);
        delivered_[place] = 1;
        if (is_new && as_new_[place]++ > 0)
            ++unmarked_;
        ++deliveries_;
    }
    struct Result {
        std::uint64_t confirmed = 0;
        std::uint64_t lost = 0;
        std::uint64_t unmarked = 0;
        std::uint64_t deliveries = 0;
    };
    Result result() const {
        Result all{0, 0, unmarked_, deliveries_};
        for (std::size_t i = 0; i < places; ++i) {
            all.confirmed += confirmed_[i];
            all.lost += confirmed_[i] && !delivered_[i] ? 1 : 0;
        }
        return all;
    }
    std::uint64_t deliveries() const {
        const std::lock_guard lock(mutex_);
        return deliveries_;
    }

private:
    static constexpr std::size_t places = std::size_t{producers} * numbers_max;
    mutable std::mutex mutex_;
    std::vector<std::uint8_t> confirmed_; // each producer writes its own
    std::vector<std::uint8_t> delivered_;
    std::vector<std::uint8_t> as_new_;
    std::uint64_t unmarked_ = 0;
    std::uint64_t deliveries_ = 0;
};

std::uint64_t place_of(std::uint32_t producer, std::uint64_t number) {
    return std::uint64_t{producer} * numbers_max + number;
}

// Puts until it is told to stop, then until everything is confirmed.
void produce(const net::Endpoint& at, std::uint32_t number, std::uint32_t window, Ledger& ledger,
             const std::atomic<bool>& stop, std::atomic<std::uint64_t>& failures) {
    net::Context context = *net::Context::open();
    queue::ProducerOptions options;
    options.stores = {at};
    options.window_messages = window;
    options.outbox_messages_max = 4 * window;
    options.answer_max = 1s;
    options.reconnect_max = 100ms;
    auto producer = queue::Producer::open(context, std::move(options));
    if (!producer) {
        ++failures;
        return;
    }
    producer->on_confirm = [&](const queue::Confirm& confirm) {
        if (confirm.outcome == queue::Confirm::Outcome::refused)
            ++failures;
        else
            ledger.confirm(place_of(number, confirm.ticket - 1));
    };
    std::string body(100, 'x');
    for (std::uint64_t next = 0; !stop && next < numbers_max;) {
        wire::store_u64(body.data(), place_of(number, next));
        const auto ticket = producer->put("storm", ByteView{body}, {}, 20ms);
        if (ticket)
            ++next;
        else if (ticket.error().code != Errc::timeout && ticket.error().code != Errc::would_block)
            ++failures;
        if (next % 64 == 0 && !producer->process(0ms))
            ++failures;
    }
    const auto left = producer->flush(60s);
    if (!left || *left != 0)
        ++failures;
}

void consume(const net::Endpoint& at, Ledger& ledger, const std::atomic<bool>& stop,
             std::atomic<std::uint64_t>& failures) {
    net::Context context = *net::Context::open();
    queue::ConsumerOptions options;
    options.stores = {at};
    options.queue = "storm";
    options.credit = 500;
    options.reconnect_max = 100ms;
    auto consumer = queue::Consumer::open(context, std::move(options));
    if (!consumer) {
        ++failures;
        return;
    }
    while (!stop) {
        auto message = consumer->take(50ms);
        if (!message)
            continue;
        ledger.deliver(wire::load_u64(message->body[0].view().data()),
                       message->redelivered == wire::leased::Redelivered::no);
        (void)consumer->ack(*message); // it may be lost: then it comes again
    }
    consumer->stop();
}

// Four producers with `window` messages under way each, four consumers.
void storm(std::uint32_t window, const ScratchFolder& scratch) {
    const std::uint64_t seed = test::seed(4);
    INFO("FLOTILLA_TEST_SEED=" << seed);
    Random random(seed);
    const net::Endpoint at = scratch.ipc("store");
    const auto start = [&] {
        return start_store({"--bind", at.text(), "--data", scratch.file("data"), "--auto-create",
                            "storm", "--write-ahead-bytes", "1MiB"});
    };
    Store store = start();
    Ledger ledger;
    std::atomic<bool> stop_producers{false};
    std::atomic<bool> stop_consumers{false};
    std::atomic<std::uint64_t> failures{0};
    std::vector<std::thread> putting;
    std::vector<std::thread> taking;
    for (std::uint32_t i = 0; i < producers; ++i)
        putting.emplace_back([&, i] { produce(at, i, window, ledger, stop_producers, failures); });
    for (std::uint32_t i = 0; i < consumers; ++i)
        taking.emplace_back([&] { consume(at, ledger, stop_consumers, failures); });

    const std::uint64_t kills = rounds();
    for (std::uint64_t round = 0; round < kills; ++round) {
        // A moment is a number of deliveries: as random on a slow machine as on a fast one.
        const std::uint64_t at_count = ledger.deliveries() + 50 + random.below(20'000);
        const Instant end = net::now() + patience;
        while (ledger.deliveries() < at_count && net::now() < end)
            std::this_thread::yield();
        kill(store);
        store = start();
    }
    stop_producers = true;
    for (std::thread& each : putting)
        each.join();
    net::Context context = *net::Context::open();
    RawPeer peer(context, at.text());
    const Instant end = net::now() + patience;
    std::string ready;
    do {
        const auto stat = peer.ask("stat", "queue=storm");
        const std::string text = stat.options + "\n" + stat.body;
        ready = has(text, "ready=0\n") && has(text, "leased=0\n") ? "drained" : text;
    } while (ready != "drained" && net::now() < end);
    stop_consumers = true;
    for (std::thread& each : taking)
        each.join();

    const Ledger::Result all = ledger.result();
    std::cout << kills << " kills, " << all.confirmed << " confirmed, " << all.deliveries
              << " deliveries\n";
    CHECK(ready == "drained");
    CHECK(failures == 0);
    CHECK(all.confirmed > 0);
    CHECK(all.lost == 0);
    CHECK(all.unmarked == 0);
}

bool has_turns(const std::string& journal) {
    std::ifstream in(journal, std::ios::binary);
    std::string bytes(journal_heads_bytes + 4, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return in.good() && bytes.substr(journal_heads_bytes) == "FLJ1";
}

} // namespace

TEST_CASE("store: killed at random moments, it loses nothing confirmed and repeats nothing "
          "in silence",
          "[process][store]") {
    const ScratchFolder scratch;
    storm(500, scratch);
}

TEST_CASE("store: killed at random moments with turns that go to its journal, it loses nothing",
          "[process][store]") {
    const ScratchFolder scratch;
    storm(10, scratch);
    CHECK(has_turns(scratch.file("data") + "/journal"));
}
