// SPDX-License-Identifier: Apache-2.0
//
// Puller: takes messages from Pushers or plain PUSH sockets, fairly from each.
//
// Only a Puller that is told to unpack looks into messages: a single frame that is a batch
// (docs/protocol/batch.md) gives its messages one by one, anything else is given as it is. A frame
// that claims to be a batch and is not well-formed is dropped as a whole and counted.
//
// Cancellation loses nothing: a message is either returned or still here. Unread messages are lost
// when the Puller is destroyed: at most unread_frames_max frames for each producer, those in the
// kernel's buffers, and what is left of an opened batch.
//
// One thread owns a Puller at a time. Nothing is thrown except std::bad_alloc.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/wire/batch.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::pipeline {

struct PullerOptions {
    std::vector<net::Attachment> attach{}; // where to bind or connect; 1 to 64
    bool unpack = false;                   // open batch frames
    // Unpacking: a batch that expands to more is malformed. 1 KiB to 16 MiB.
    std::uint32_t batch_bytes_max = 1U << 20;
    // Frames read ahead for each producer, 1 to 1,000,000. Absent: 1000, or 16 when unpacking (a
    // batch frame is worth hundreds of messages).
    std::optional<std::uint32_t> unread_frames_max{};
    // A larger message, or one of more frames, is dropped and counted; a single frame that is
    // larger costs its sender the connection. 1 byte to 1 TiB; 1 to 1024 frames.
    std::uint64_t message_bytes_max = 64ULL << 20;
    std::uint32_t message_frames_max = wire::Frames::frames_max;
    // Connections, security, kernel buffers. Its queue and message limits are those from above.
    net::SocketOptions socket{};
};

// A message, looked at: its frames, until the next call of the Puller that gave it.
class MessageView {
public:
    MessageView(const ByteView* frames, std::size_t size) noexcept : frames_(frames), size_(size) {}
    ByteView body() const noexcept { return frames_[0]; } // the first frame; there always is one
    std::size_t size() const noexcept { return size_; }   // frames
    ByteView operator[](std::size_t i) const noexcept { return frames_[i]; }
    const ByteView* begin() const noexcept { return frames_; }
    const ByteView* end() const noexcept { return frames_ + size_; }

private:
    const ByteView* frames_;
    std::size_t size_;
};

// One or more messages, in order. Move it only before the first next().
class MessageBatch {
public:
    explicit MessageBatch(MessageView alone) noexcept : alone_(alone), is_alone_(true) {}
    explicit MessageBatch(wire::BatchReader reader) noexcept : reader_(reader) {}

    std::uint32_t left() const noexcept { return is_alone_ ? 1 : reader_.left(); }
    // left() must not be 0. The view is good until the next call, its bytes as long as the batch.
    MessageView next() {
        if (is_alone_) [[unlikely]] {
            is_alone_ = false;
            return alone_;
        }
        body_ = reader_.next();
        return {&body_, 1};
    }

private:
    wire::BatchReader reader_{};
    ByteView body_{};
    MessageView alone_{nullptr, 0};
    bool is_alone_ = false;
};

struct PullerCounters {
    std::uint64_t messages_total = 0;     // given to the caller
    std::uint64_t bytes_total = 0;        // of those
    std::uint64_t batch_frames_total = 0; // opened
    std::uint64_t malformed_total = 0;    // batch frames dropped
    std::uint64_t oversize_total = 0;     // messages dropped
};

class Puller {
public:
    // Errors: bad_option (which, and its range), bad_endpoint, insecure, address_in_use,
    // address_unavailable, stopped.
    static Result<Puller> open(net::Context& context, PullerOptions options);
    Puller(Puller&&) noexcept;
    Puller& operator=(Puller&&) noexcept;
    ~Puller();

    // Where it is attached, in the order of the options, wildcards resolved.
    const std::vector<net::Endpoint>& endpoints() const noexcept;

    // The next message, waiting for it at most `wait`; zero never waits.
    // Errors: would_block (zero wait), timeout, stopped.
    Result<wire::Frames> receive(Duration wait);
    // The same without a copy or an allocation: the view is good until the next call, also one that
    // returns an error.
    Result<MessageView> receive_view(Duration wait);
    // The fastest way to read a flood: all messages of the batch frame that is at hand, or the next
    // message if it came alone. Good until the next call.
    Result<MessageBatch> receive_batch(Duration wait);

    // For foreign event loops: the transport's edge-triggered descriptor. When it becomes readable,
    // and after every receive, go on until receive(0) says would_block. Do not read it.
    int fd() const noexcept;
    // A receive would not wait.
    bool readable() const noexcept;

    PullerCounters counters() const noexcept;

private:
    struct Rest;
    explicit Puller(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::pipeline
