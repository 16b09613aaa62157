// SPDX-License-Identifier: Apache-2.0
//
// ProducerThread: a Producer on a thread of its own, for programs without a loop. Any thread may
// put; what crosses to the producer's thread is values under a mutex, and a byte that wakes it.
//
//     auto producer = ProducerThread::open(context, {.stores = {...}});
//     std::future<Confirm> later = producer->put("orders", wire::Frames{"one"});
//     if (later.get().outcome != Confirm::Outcome::refused) ...
//
// The promise is that of Producer, from when its thread has the message: with an outbox on disk the
// return of put() alone promises nothing.
//
// Every member may be used by every thread, except moving and destruction.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/wire/frames.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>

namespace flotilla::queue {

class ProducerThread {
public:
    using OnConfirm = std::function<void(const Confirm&)>;

    // Does not wait for a store. `context` must outlive it, and stay where it is. Errors: as
    // Producer::open; out_of_files.
    static Result<ProducerThread> open(net::Context& context, ProducerOptions options);
    ProducerThread(ProducerThread&&) noexcept;
    ProducerThread& operator=(ProducerThread&&) noexcept;
    // Waits for the thread, and so for a callback that runs. What has no confirm is refused with
    // `stopped`, and of what is not acknowledged nothing is known; an outbox on disk keeps it all
    // the same.
    ~ProducerThread();

    // Never waits, and always takes the body. What Producer::put refuses is a refused Confirm with
    // ticket 0; would_block when the outbox is full.
    std::future<Confirm> put(std::string_view queue, wire::Frames body,
                             const PutOptions& options = {});
    // The same, told to `on_confirm` (which may be none) on the producer's thread, which has to be
    // let go soon; it may put. A refusal may be told on the calling thread, before this returns.
    void put(std::string_view queue, wire::Frames body, const PutOptions& options,
             OnConfirm on_confirm);

    // What becomes of it in the queue, within options.acknowledged_max, which must be more than 0.
    // A put that is refused, by the store or by Producer::put, is so here too.
    std::future<Acknowledgement> put_acknowledged(std::string_view queue, wire::Frames body,
                                                  const PutOptions& options);
    using OnAcknowledged = std::function<void(const Acknowledgement&)>;
    void put_acknowledged(std::string_view queue, wire::Frames body, const PutOptions& options,
                          OnAcknowledged on_acknowledged);

    // Until everything put before is settled, at most `wait`. How many messages are not.
    std::uint64_t flush(Duration wait);

    // As of the end of the thread's last turn.
    std::uint64_t unconfirmed() const; // what waits for the thread included
    bool is_connected() const;
    std::string state_text() const;
    std::string outbox_cut() const; // as Producer's
    ProducerCounters counters() const;

private:
    void place(std::string_view queue, wire::Frames body, const PutOptions& options,
               OnConfirm on_confirm, OnAcknowledged on_acknowledged);
    struct Rest;
    explicit ProducerThread(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
