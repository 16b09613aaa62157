// SPDX-License-Identifier: Apache-2.0
//
// BufferPool: a fixed number of buffers that are lent to the transport, and the count of what the
// transport has not let go yet.
//
// 1. At most `buffers_max` buffers exist: buffers_max * buffer_bytes is all the memory there is.
// 2. The transport gives bytes back on its I/O thread, when they have left the process. What runs
//    there touches atomics and an eventfd, never a socket and never a lock.
// 3. Whatever is lent keeps the pool's memory alive: it outlives this object, the socket and the
//    context as long as it must.
//
// One thread owns a BufferPool.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/pipeline/gather.hpp>

#include <atomic>
#include <cstdint>

namespace flotilla::pipeline {

class BufferPool {
public:
    // Errors: out_of_files (no descriptor for the wake-up).
    static Result<BufferPool> open(std::size_t buffer_bytes, std::uint32_t buffers_max);
    BufferPool(BufferPool&& other) noexcept;
    BufferPool& operator=(BufferPool&& other) noexcept;
    ~BufferPool();

    std::size_t buffer_bytes() const noexcept;
    // buffer_bytes() of memory; nullptr while all buffers are out.
    char* take();
    void put_back(char* buffer) noexcept;

    // Lends the first `bytes` of a buffer, which hold so many messages, for one frame.
    net::Part lend(char* buffer, std::size_t bytes, std::uint32_t messages);
    // Lends bytes that are no buffer of the pool, as one message.
    net::Part lend(Blob&& body);
    // What was lent last could not be sent: it is as if it had never been lent, and a buffer is the
    // caller's again, its bytes as they were.
    void recall(net::Part&& frame) noexcept;

    // Frames lent, and how many of them came back. On the hot path.
    Gather::Transport transport() const noexcept {
        return {flow_->given.load(std::memory_order_relaxed),
                flow_->left.load(std::memory_order_seq_cst)};
    }
    // Messages in the frames that are still out.
    std::uint64_t messages_out() const noexcept;

    // Asks for one wake-up: fd() becomes readable when a frame comes back and leaves fewer than
    // `frames` out. Look at transport() again afterwards: what came back before makes no wake-up.
    void wake_below(std::uint64_t frames) noexcept;
    static constexpr std::uint64_t any = UINT64_MAX; // wake_below: at every frame
    bool is_wake_asked() const noexcept;
    int fd() const noexcept;
    void clear_wake() noexcept;

private:
    // Shared with the I/O threads: a line each for what the owner and what they write.
    struct Flow {
        alignas(64) std::atomic<std::uint64_t> given{0};
        alignas(64) std::atomic<std::uint64_t> left{0};
    };
    struct State;
    struct Lent;
    explicit BufferPool(State* state) noexcept;
    static void came_back(void* data, void* hint);
    net::Part hand_out(Lent& lent, ByteView bytes, std::uint32_t messages);

    State* state_;
    const Flow* flow_; // in *state_
};

} // namespace flotilla::pipeline
