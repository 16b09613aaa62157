// SPDX-License-Identifier: Apache-2.0
//
// WorkTaker: takes work from a WorkSource, or from a queue of a store, and says what became of it.
//
//     auto taker = WorkTaker::open(context, {.sources = {*net::Endpoint::parse("tcp://...")}});
//     while (auto work = taker->take(10s)) {
//         handle(work->body[0]);
//         taker->ack(*work);
//     }
//
// Promise: at least once. What is taken and not acknowledged within its lease, or held by a worker
// that dies, is delivered again, marked; so handling must be fit to be repeated. A message is in
// one WorkTaker's hands at a time, unless its lease ran out.
//
// Leases of everything held are renewed by process() and take(). A handler that runs for longer
// than a third of the lease calls process(0ns) now and then, or hands its work to another thread.
//
// One thread owns a WorkTaker at a time; stop_soon() alone may be called from any.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/pipeline/work_model.hpp>
#include <flotilla/taker/taker.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flotilla::pipeline {

using taker::TakerCounters;
using taker::TakerLimits;
using WorkTakerOptions = taker::TakerOptions;

// One message, to be acknowledged or refused. Its bytes may be a part of a larger received frame,
// which is kept while any part of it is.
struct Work {
    wire::Frames body{};
    WorkId id{};               // of the source that sent it
    std::uint32_t attempt = 1; // deliveries, this one included
    wire::leased::Redelivered redelivered = wire::leased::Redelivered::no;
    std::string key{};
    wire::leased::LeaseToken lease{};
};

class WorkTaker {
public:
    // Does not wait for a source. Errors: bad_option; insecure; bad_endpoint; stopped; too_many.
    static Result<WorkTaker> open(net::Context& context, WorkTakerOptions options);
    WorkTaker(WorkTaker&&) noexcept;
    WorkTaker& operator=(WorkTaker&&) noexcept;
    ~WorkTaker(); // stop()

    // The next message, waiting at most `wait`. Errors: would_block (zero wait), timeout, stopped.
    Result<Work> take(Duration wait);
    // Done, for good. Leaves at once when nothing else is held, else with the next call once
    // ack_wait is over; so call process(0ns) before work that takes long. Errors: lease_lost (it
    // will be, or was, delivered again).
    Status ack(const Work& work);
    // Not done: to be delivered again after `delay` (at most 1 h). Errors: lease_lost.
    Status nack(const Work& work, Duration delay = Duration::zero(), std::string_view reason = {});
    // Renews its lease now. Errors: lease_lost.
    Status touch(const Work& work);

    // What `handler` makes of each message, until stop_soon(): success acknowledges it, an error
    // refuses it with the error's text, for `retry_delay`, and so does what it throws. Errors:
    // stopped; transport.
    using Handler = std::function<Status(Work&)>;
    Status run(const Handler& handler, Duration retry_delay = 1s);
    // Safe from any thread and from signal handlers; run() ends after the message it is at.
    void stop_soon() noexcept;

    // Reads, renews leases, sends acknowledgements; waits at most `wait` for something to do.
    // Errors: stopped; transport.
    Status process(Duration wait);
    // Sends what is acknowledged and gives the rest back. After it, take() says stopped.
    void stop();

    // For a foreign event loop, see WorkSource. The descriptor stays the same.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;

    bool is_ready() const noexcept; // has a session with a source
    std::uint64_t held() const noexcept;
    TakerCounters counters() const;

private:
    struct Rest;
    explicit WorkTaker(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::pipeline
