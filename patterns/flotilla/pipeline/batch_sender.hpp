// SPDX-License-Identifier: Apache-2.0
//
// BatchSender: the batching half of a Pusher: the open batch, its buffers, and when it leaves.
//
// Private to the component. Never waits except in make_room(). A message that was appended is
// accepted: it leaves with this batch or is reported as gathered.
#pragma once

#include <flotilla/net/socket.hpp>
#include <flotilla/pipeline/buffer_pool.hpp>
#include <flotilla/pipeline/gather.hpp>
#include <flotilla/pipeline/pusher.hpp>
#include <flotilla/pipeline/wake.hpp>
#include <flotilla/wire/batch.hpp>

#include <optional>

namespace flotilla::pipeline {

class BatchSender {
public:
    // `pool` has buffers of options.batch_bytes. Both references must outlive it.
    BatchSender(net::Socket& socket, BufferPool& pool, const Batching& options,
                std::uint64_t message_bytes_max);

    // Messages above this go as they are: copying them would cost more than a frame.
    std::size_t message_bytes_max() const noexcept { return message_bytes_max_; }

    // The short way of send(), inlined into its one caller: in a flood nearly every message is
    // short and needs nothing but to be appended. False: nothing was done, there is more to decide.
    [[gnu::always_inline]] bool append(ByteView message) noexcept {
        return message.size() <= message_bytes_max_ &&
               pool_.transport().outstanding() >= gather_.busy_at() &&
               writer_.add_short(message, quiet_bytes_);
    }
    // Appends, and sends the batch if it should leave now. `wake`: where to ask for a call of
    // process() when it stays. On error nothing was appended.
    Result<Sent> send(ByteView message, Duration wait, Wake* wake);

    // Sends the open batch without waiting. Errors: would_block (it stays), stopped.
    Status flush();
    // The same, waiting for room.
    Status flush(Duration wait);
    // Sends it if it should leave by now, or asks again for a wake-up.
    Status process(Wake* wake);

    std::uint32_t gathered() const noexcept { return writer_.count(); }
    // Of all that was appended; derived, so that the hot path counts nothing twice.
    std::uint64_t messages_total() const noexcept { return messages_sent_ + writer_.count(); }
    std::uint64_t bytes_total() const noexcept { return bytes_sent_ + writer_.message_bytes(); }
    std::uint64_t frames_total() const noexcept { return frames_total_; }

private:
    Result<Sent> stay(std::size_t message_bytes, const Gather::Transport& transport, Wake* wake);
    void ask_wake(Wake& wake);
    Status make_room(Duration wait);
    Status wait_for_buffer(Instant deadline);
    void open_batch(char* buffer);

    net::Socket& socket_;
    BufferPool& pool_;
    Gather gather_;
    wire::BatchWriter writer_{};
    // Up to this size of the batch nothing has to be decided while the transport is busy; 0:
    // always.
    std::size_t quiet_bytes_ = 0;
    char* open_ = nullptr;   // the buffer of the open batch
    char* packed_ = nullptr; // with compression: where the next frame will be packed
    std::size_t message_bytes_max_;
    std::optional<wire::Compressor> compressor_{};
    std::uint64_t frames_total_ = 0;
    std::uint64_t messages_sent_ = 0;
    std::uint64_t bytes_sent_ = 0;
};

} // namespace flotilla::pipeline
