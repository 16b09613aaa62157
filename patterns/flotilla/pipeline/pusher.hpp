// SPDX-License-Identifier: Apache-2.0
//
// Pusher: gives each message to exactly one connected consumer, in turn among those with room.
//
// At most once: a message that was handed to a consumer which then dies is lost. Work that must
// survive that goes through WorkSource. Consumers are Pullers or plain PULL sockets.
//
// Plain mode: a message is its frames, as any PUSH socket sends them.
//
// Batching mode: small messages of one frame are packed into batch frames (docs/protocol/batch.md)
// of up to 64 KiB, for Pullers that unpack. A lone message leaves at once, on the calling thread;
// only while the transport is busy do messages gather. There is no hidden thread, so the tail of a
// burst leaves with the next send(), with flush(), with process() when fd() says so, or with the
// destructor. Messages of several frames, and large ones, go as they are, in order.
//
// Memory, at most: plain, unsent_messages_max messages for each consumer. Batching:
// buffers_max * batch_bytes (1.25 MiB), whatever the number of consumers, and unsent_frames_max
// messages for each consumer among those that go as they are. libzmq adds the kernel's socket
// buffers. What does not fit is refused at send(), never dropped.
//
// One thread owns a Pusher at a time. Nothing is thrown except std::bad_alloc.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::pipeline {

// What is pushed to has to unpack: Pullers, or a store's pull door, that are told to.
struct Batching {
    std::uint32_t batch_bytes = 64U << 10; // of a frame; 1 KiB to 1 MiB
    // Buffers in all: being filled, waiting in libzmq, and being written. 3 to 1024.
    std::uint32_t buffers_max = 20;
    std::uint32_t unsent_frames_max = 16; // for each consumer; 1 to 1,000
    // Messages gather while this many frames have not left the process. 1 to 1,000.
    std::uint32_t busy_frames = 2;
    // Frames that do not move for so long while messages gather no longer count as busy: one
    // stopped consumer does not delay the others' messages. 100us to 1s.
    Duration stall_max = 1ms;
    // Every Puller must be able to expand it. Costs the sender's thread the compression.
    wire::Compression compression = wire::Compression::none;
};

struct PusherOptions {
    std::vector<net::Attachment> attach{}; // where to bind or connect; 1 to 64
    std::optional<Batching> batching{};    // absent: plain mode
    // Plain mode: for each consumer; 1 to 1,000,000.
    std::uint32_t unsent_messages_max = 1'000;
    // All frames together; larger is too_large. Batching: of a message of one frame that begins
    // with the magic bytes of a batch, and so has to travel in one, 16 MiB.
    std::uint64_t message_bytes_max = 64ULL << 20;
    // Plain mode: count exactly which messages have not left, for close() and counters(). Costs an
    // allocation a message. In batching mode it is always exact.
    bool count_unsent = false;
    // After destruction libzmq goes on sending what it was given for so long in the background;
    // the context's destructor waits for that. Up to 1h. close() is the way to know what became of
    // it.
    Duration linger = 1s;
    // Connections, security, kernel buffers. Its queue lengths and linger are those from above.
    net::SocketOptions socket{};
};

// What became of an accepted message.
struct Sent {
    // 0: it was handed to the transport. Otherwise it waits in the open batch, and so many
    // messages with it.
    std::uint32_t gathered = 0;
    bool left() const noexcept { return gathered == 0; }
};

// Accepted messages that have not left this process.
struct Unsent {
    std::uint64_t gathered = 0; // in the open batch
    // With libzmq. Absent: unknown (plain mode without count_unsent; ipc peers that did not read).
    std::optional<std::uint64_t> with_transport{0};
    bool none() const noexcept { return gathered == 0 && with_transport == 0U; }
};

struct PusherCounters {
    std::uint64_t messages_total = 0; // accepted by send()
    std::uint64_t bytes_total = 0;    // of those
    std::uint64_t batch_frames_total = 0;
    std::uint64_t refused_total = 0; // send() that ended with would_block or timeout
    std::uint64_t too_large_total = 0;
    Unsent unsent{}; // now
};

class Pusher {
public:
    // Errors: bad_option (which, and its range), bad_endpoint, insecure, address_in_use,
    // address_unavailable, unsupported (compression), out_of_files, stopped.
    static Result<Pusher> open(net::Context& context, PusherOptions options);
    Pusher(Pusher&&) noexcept;
    Pusher& operator=(Pusher&&) noexcept;
    // Hands gathered messages on if that needs no wait, then lingers (see PusherOptions::linger).
    ~Pusher();

    // Where it is attached, in the order of the options, wildcards resolved.
    const std::vector<net::Endpoint>& endpoints() const noexcept;

    // Waits at most `wait` for room; zero never waits. On success the message was taken; on error
    // it is untouched, so the caller can try again.
    // Errors: would_block (zero wait), timeout, too_large, malformed (no frames), stopped.
    Result<Sent> send(ByteView message, Duration wait);
    Result<Sent> send(wire::Frames& message, Duration wait);

    // Hands what is gathered to the transport, waiting at most `wait` for room, and says what has
    // not left yet.
    [[nodiscard]] Unsent flush(Duration wait);

    // For foreign event loops: a descriptor that becomes readable when process() may have work: a
    // gathered batch can leave, or a send that was refused may now pass. Do not read it. Stays the
    // same for the life of the Pusher. Errors: out_of_files.
    Result<int> fd();
    // Never waits; hands on what can go. Errors: stopped.
    Status process();

    PusherCounters counters() const;

    // Flushes, waits until everything has left the process, at most `wait` in all, and closes. What
    // it reports is dropped. A message that left is with the kernel or the consumer: only a
    // consumer's own word (WorkSource) says more. Over ipc it also waits until the consumers have
    // read it from the kernel, because closing earlier can lose it: there, do not rely on linger.
    // Afterwards only destruction and assignment are allowed.
    [[nodiscard]] Unsent close(Duration wait);

private:
    struct Rest;
    explicit Pusher(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::pipeline
