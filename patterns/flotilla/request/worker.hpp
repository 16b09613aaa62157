// SPDX-License-Identifier: Apache-2.0
//
// Worker: answers the requests of one service, through one or more brokers.
//
//     auto worker = Worker::open(context, {.brokers = {...}, .service = "echo"});
//     worker->run([](Job& job) -> Outcome { return Answer{std::move(job.body)}; });
//
// Promise: a request is answered at most once by this worker; the broker gives it to another when
// this one dies, if the service allows that, so handling must then be fit to be repeated
// (IdempotencyCache answers repeats). A broker that is silent, gone or says so is left, and after a
// jittered, growing pause the worker registers anew on a new connection. stop_soon() takes nothing
// new and finishes what is held.
//
// A broker that does not read its answers: when 1,000 messages, or message_bytes_max, wait to be
// sent to it, no request of it is begun and pieces wait. When nothing leaves for heartbeat x
// liveness, or 22,000 wait all the same, it is left as if it were silent, and what waited is
// dropped: it gives those requests to others.
//
// The handler runs on the calling thread, or with `threads` beyond 1 on that many threads of the
// worker's own while run() serves the connections. In the first case heartbeats are sent only
// between handlers and by Job::partial(); brokers allow a busy worker to be silent for a while
// (busy_max). What a handler throws is caught and counts as a Failure.
//
// One thread owns a Worker at a time; stop_soon(), is_registered(), counters() and the functions of
// Job may be called from any, but with one thread partial() only from the handler's.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/request/worker_machine.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flotilla::request {

namespace detail {
class WorkerLine;
struct JobLink;
} // namespace detail

struct WorkerOptions {
    std::vector<net::Endpoint> brokers{}; // 1 to 16, each with a connection of its own, all at once
    std::string service{};                // 1 to 255 bytes, not mmi.*
    // What to speak. Absent: the broker is asked (mmi.flotilla); brokers of others are spoken to in
    // 0.2 or, when they leave that unanswered for a heartbeat, in 0.1.
    std::optional<Dialect> dialect{};
    std::uint32_t threads = 1; // that run the handler; 1 to 1,024
    // Requests held at once from each broker, those in the handler included; `threads` to 10,000.
    // Absent: `threads`. RFC dialects: the broker decides, and up to 10,000 are taken.
    std::optional<std::uint32_t> capacity{};
    // 10 ms to 1 h. The RFC dialects do not negotiate it: a broker that sends its own more rarely
    // than heartbeat x liveness seems silent.
    Duration heartbeat = 2500ms;
    std::uint32_t liveness = 3;     // a broker silent for so many heartbeats is left; 1 to 100
    Duration reconnect_min = 100ms; // 1 ms to 1 h: first pause; doubles, with jitter, up to
    Duration reconnect_max = 10s;   // this
    // Of a request's body, an answer's and a piece's; no more than the broker's own limit, beyond
    // which an answer costs the connection and what else is held. A larger request fails
    // (worker_failed); one beyond it by 64 KiB, which is not read, ends the conversation with the
    // broker, a larger frame the connection. From 64 KiB.
    std::uint64_t message_bytes_max = 64ULL << 20;
    net::Security security{};
    Duration linger = 1s; // 0 to 1 h; longest that closing waits, in the background, for replies
    // To be shown to people: what happens to connections, and whether a broker has taken us, which
    // its first heartbeat or request shows. Called by run(); may not call back.
    enum class Registration : std::uint8_t { begun, ended };
    std::function<void(const net::ConnectionEvent&)> on_connection{};
    std::function<void(const net::Endpoint& broker, Registration)> on_registration{};
    // A broker sent us away and said why (FLR1 can); wrong_peer: it is none. It is asked again
    // after a pause all the same.
    std::function<void(const net::Endpoint& broker, ErrorCode, const std::string& text)>
        on_refused{};
};

// One request, in a handler's hands.
class Job {
public:
    wire::Frames body{}; // job.body[0].view() is a std::string_view of its first frame's bytes
    std::string service{};
    std::string id{};          // the client's name of it; empty in the RFC dialects
    std::uint32_t attempt = 1; // beyond 1: somebody may have done it before; RFC dialects: 1
    std::optional<Duration> expires{}; // the client waited so long when it was given out

    // Sends a piece of the answer, and takes it:
    //   wire::Frames piece{"half"}; // or piece.add(bytes)
    //   if (!job.partial(piece)) return ...;
    // Mdp 0.1 has no pieces: they are put in front of the answer, up to limits::body_frames_max
    // frames. Waits while the broker does not read: as long as it is not given up. Errors, the
    // piece untouched: refused (nobody waits any more, or the handler has returned; a worker with
    // one thread is told on another than the handler's), too_many, too_large.
    Status partial(wire::Frames& piece);
    // Nobody waits any more: cancelled, or the broker is gone. The answer will be dropped. A worker
    // with one thread hears of it only in partial().
    bool is_cancelled() const noexcept;

private:
    friend class detail::WorkerLine;
    std::shared_ptr<detail::JobLink> link_{};
};

// What a handler makes of a request.
struct Answer {
    // None: one empty frame. More than limits::body_frames_max, or than message_bytes_max: a
    // Failure. (Frames themselves hold 1,024 and no more: look at size() before add().)
    wire::Frames body{};
};
// Not done, give it to another worker. RFC dialects cannot say it: treated as Failure.
struct Retry {
    std::string text{};
};
// Not done, and no worker will. RFC dialects cannot say it: what else is held is finished, then the
// worker leaves and registers anew, so that the broker knows that this one is not done.
struct Failure {
    std::string text{};
};
using Outcome = std::variant<Answer, Retry, Failure>;

class Worker {
public:
    using Handler = std::function<Outcome(Job&)>;

    // Does not wait for a broker. `context` must outlive it, and stay where it is. Errors:
    // bad_option; insecure; bad_endpoint; stopped; too_many.
    static Result<Worker> open(net::Context& context, WorkerOptions options);
    Worker(Worker&&) noexcept;
    Worker& operator=(Worker&&) noexcept;
    ~Worker();

    // Serves until stop_soon(); then what is held is finished, the brokers are told, and it
    // returns. With several threads the handler is called by them side by side. Once: a Worker that
    // has run is done. Errors: stopped (the context, or it has run before); out_of_files (no
    // threads).
    Status run(const Handler& handler);
    // Takes nothing new. Safe from any thread and from signal handlers, also before run().
    void stop_soon() noexcept;

    // With at least one broker, as far as that can be known: nothing answers a registration.
    bool is_registered() const noexcept;
    // As of the last time that run() had nothing to do, or had done a bounded amount of it.
    WorkerCounters counters() const;

private:
    struct Rest;
    explicit Worker(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
