// SPDX-License-Identifier: Apache-2.0
//
// Consumer: takes messages of one queue from a store, on lease, and says what became of each.
//
//     auto consumer = Consumer::open(context, {.stores = {...}, .queue = "orders"});
//     auto end = consumer->run([](Message& message) -> Status { return handle(message.body); });
//
// Promise: at least once. What is taken and not acknowledged within its lease is delivered again,
// marked; Inbox (inbox.hpp) makes a handler's effect happen once. It is the leased level of the
// queue protocol, as pipeline::WorkTaker speaks it: either can be pointed at a store.
//
// With `renew_in_background` a thread of its own moves the bytes and renews the leases of
// everything held, and a handler may take as long as it likes. Without, take(), run() and process()
// do: no other thread, less latency, and a handler that takes longer than a third of the lease
// calls process(0ns) now and then. One thread owns a Consumer at a time; stop_soon() alone may be
// called from any.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

struct ConsumerOptions {
    std::vector<net::Endpoint> stores{}; // 1 to 16, as ProducerOptions::stores
    std::string queue{};
    std::string consumer{}; // up to 255 bytes, for logs
    // Acknowledged messages do not count. 1 keeps a slow worker from hoarding.
    std::uint32_t credit = 1'000; // 1 to 1,000,000: messages held unacknowledged, in all
    wire::leased::Compressions compress{};
    Duration ack_wait = 2ms; // longest that an acknowledgement waits for company
    Duration answer_max = 2s;
    Duration reconnect_min = 50ms;
    Duration reconnect_max = 5s;
    // A thread of the Consumer's own moves its bytes and renews leases while a handler runs.
    bool renew_in_background = true;
    std::uint64_t message_bytes_max = 64ULL << 20;
    net::Security security{};
    Duration linger = 1s; // 0 to 1 h; longest that closing waits, in the background
};

struct Message {
    wire::Frames body{};
    MessageId id = 0;
    std::uint32_t attempt = 1;
    wire::leased::Redelivered redelivered = wire::leased::Redelivered::no;
    std::string key{};
    wire::leased::LeaseToken lease{};
};

struct ConsumerCounters {
    std::uint64_t delivered_total = 0;
    std::uint64_t redelivered_total = 0;
    std::uint64_t acked_total = 0;
    std::uint64_t nacked_total = 0;
    std::uint64_t lease_lost_total = 0;
    std::uint64_t connects_total = 0;
};

class Consumer {
public:
    // Does not wait for a store. `context` must outlive it, and stay where it is. Errors:
    // bad_option; insecure; stopped; too_many.
    static Result<Consumer> open(net::Context& context, ConsumerOptions options);
    Consumer(Consumer&&) noexcept;
    Consumer& operator=(Consumer&&) noexcept;
    ~Consumer(); // stop()

    // The next message, waiting at most `wait`. Errors: would_block (zero wait); timeout, which
    // says who was waited for; stopped; not_found (the store has no such queue), refused (the
    // store's text, or that somebody else is where it should be).
    Result<Message> take(Duration wait);
    // Errors of these: lease_lost (the store will deliver it, or has delivered it, again). With
    // renew_in_background that is often found out later, and counted.
    Status ack(const Message& message);
    Status nack(const Message& message, Duration delay = Duration::zero(),
                std::string_view reason = {}); // zero: the queue's retry delay
    Status touch(const Message& message);      // renews its lease now

    // What `handler` makes of each message, until stop_soon(): success acknowledges it, an error
    // refuses it with the error's text, for the queue's retry delay, and so does what it throws.
    // Errors: as take().
    using Handler = std::function<Status(Message&)>;
    Status run(const Handler& handler);
    void stop_soon() noexcept; // from any thread and from signal handlers

    Status process(Duration wait);
    // Sends what is acknowledged and gives the rest back. After it, take() says stopped.
    void stop();

    bool is_ready() const noexcept; // has a session with a store
    // Why nothing comes right now: empty, or "connecting to ...", or which store refuses and why.
    std::string state_text() const;
    std::uint64_t held() const noexcept;
    ConsumerCounters counters() const;
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;

private:
    struct Rest;
    explicit Consumer(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
