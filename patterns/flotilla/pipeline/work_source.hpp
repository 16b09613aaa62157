// SPDX-License-Identifier: Apache-2.0
//
// WorkSource: gives work to workers, at least once, without a broker.
//
//     auto source = WorkSource::open(context, {});
//     source->bind(*net::Endpoint::parse("tcp://127.0.0.1:5555"));
//     for (...) source->submit(bytes, {.key = "", .wait = 10s});
//     const DrainReport report = *source->drain(60s);
//
// Promise: what submit() accepted is delivered until a worker acknowledges it. What a dead or
// silent worker held goes to another, marked as redelivered. It lives in this process's memory
// only: with the process it is gone (a store keeps it longer, and speaks the same protocol, FLQ1:
// docs/protocol/leased.md). Workers are WorkTakers, or any ZeroMQ socket that speaks it.
//
// The owner must call process() often, and before it sleeps: it reads acknowledgements, watches
// leases and sends what submit() gathered. Submitting, it happens by itself.
//
// One thread owns a WorkSource at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/pipeline/work_model.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace flotilla::pipeline {

struct WorkSourceOptions {
    SourceLimits limits{};
    // Small messages for workers that understand it share a frame of about this size. 1 KiB to 1
    // MiB. A lone message never waits for others.
    std::uint64_t pack_bytes = 64ULL << 10;
    // How packed frames are compressed for workers that can expand it.
    wire::Compression compress = wire::Compression::none;
    // What may wait for one worker that does not read; beyond it the worker's session ends, and its
    // work goes to others. 1 to 100,000 messages, 64 KiB to 1 GiB.
    std::uint32_t backlog_messages_max = 1'000;
    std::uint64_t backlog_bytes_max = 16ULL << 20;
    // Called by process() and submit() with each message that was delivered attempts_max times in
    // vain. Absent: counted and dropped. It must not call this source.
    std::function<void(Dead)> on_dead{};
    net::Security security{};
    std::string domain = "flotilla-work"; // CURVE: the ZAP domain
    Duration linger =
        1s; // 0 to 1 h; longest that closing waits, in the background, to tell workers
};

struct SubmitOptions {
    std::string_view key{}; // up to 255 bytes without a line feed; see Dispatch::by_key
    Duration wait{0};       // longest wait for room
};

struct DrainReport {
    SourceLevels left{}; // not acknowledged when the wait ended
    bool complete() const noexcept { return left.unfinished() == 0; }
};

// Beside what the machine counts.
struct WorkSourceCounters : SourceCounters {
    std::uint64_t backlogged_total = 0;      // sends that had to wait for a slow worker
    std::uint64_t answers_dropped_total = 0; // answers to strangers that do not read
    std::uint64_t packed_frames_total = 0;
};

class WorkSource {
public:
    // Errors: bad_option; insecure; stopped; too_many.
    static Result<WorkSource> open(net::Context& context, WorkSourceOptions options = {});
    WorkSource(WorkSource&&) noexcept;
    WorkSource& operator=(WorkSource&&) noexcept;
    ~WorkSource(); // tells the workers; what is unfinished is gone

    // Returns what workers connect to, wildcards resolved. Errors: address_in_use,
    // address_unavailable, insecure, bad_endpoint.
    Result<net::Endpoint> bind(const net::Endpoint& endpoint);

    // Accepts one message. On success a Frames is taken and empty, on error it is untouched.
    // Errors: would_block (no room, zero wait), timeout (no room within the wait), too_large,
    // too_many, bad_option (key), refused (draining), stopped.
    Result<WorkId> submit(wire::Frames& body, SubmitOptions options = {});
    Result<WorkId> submit(ByteView body, SubmitOptions options = {});

    // Waits at most `wait` for something to do, and does it; a bounded amount, so call it again.
    // Errors: stopped; transport.
    Status process(Duration wait);

    // Accepts no more, and waits at most `wait` until everything is acknowledged. May be called
    // again. Errors: stopped; transport.
    Result<DrainReport> drain(Duration wait);

    // For a foreign event loop: when this descriptor becomes readable, or wait_max() has passed,
    // call process(0ns), and again while has_input(); net::Socket::fd says why. After submit() the
    // same, before the loop sleeps.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;

    WorkSourceCounters counters() const;
    SourceLevels levels() const;

private:
    struct Rest;
    explicit WorkSource(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::pipeline
