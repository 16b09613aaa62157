// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/batch_sender.hpp>

#include <algorithm>

namespace flotilla::pipeline {

BatchSender::BatchSender(net::Socket& socket, BufferPool& pool, const Batching& options,
                         std::uint64_t message_bytes_max)
    : socket_(socket), pool_(pool),
      gather_({.busy_frames = options.busy_frames, .stall_max = options.stall_max}),
      message_bytes_max_(std::min<std::uint64_t>(options.batch_bytes / 4, message_bytes_max)) {
    if (options.compression != wire::Compression::none)
        compressor_.emplace(options.compression);
}

void BatchSender::open_batch(char* buffer) {
    open_ = buffer;
    quiet_bytes_ = 0;
    writer_ = buffer ? wire::BatchWriter(buffer, pool_.buffer_bytes()) : wire::BatchWriter{};
}

Status BatchSender::flush() {
    if (writer_.count() == 0)
        return {};
    char* buffer = open_;
    std::size_t bytes = 0;
    if (compressor_) {
        // Compressing what cannot leave would be repeated for nothing.
        if (!packed_ && !(packed_ = pool_.take()))
            return fail(Errc::would_block);
        if (const Status writable = socket_.wait_writable(Duration::zero()); !writable)
            return writable;
        buffer = packed_;
        bytes = writer_.finish(*compressor_, packed_).size();
    } else {
        bytes = writer_.finish().size();
    }
    net::Part frame = pool_.lend(buffer, bytes, writer_.count());
    Status sent = socket_.send(frame, net::More::no, Duration::zero());
    if (!sent) {
        pool_.recall(std::move(frame));
        return sent;
    }
    ++frames_total_;
    messages_sent_ += writer_.count();
    bytes_sent_ += writer_.message_bytes();
    if (compressor_) {
        packed_ = nullptr;
        open_batch(open_);
    } else {
        open_batch(nullptr);
    }
    return {};
}

Status BatchSender::flush(Duration wait) {
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        Status flushed = flush();
        if (flushed || flushed.error().code != Errc::would_block || wait <= Duration::zero())
            return flushed;
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero())
            return fail(Errc::timeout);
        if (compressor_ && !packed_) {
            if (Status waited = wait_for_buffer(deadline); !waited)
                return waited;
        } else if (Status waited = socket_.wait_writable(left); !waited) {
            return waited;
        }
    }
}

Status BatchSender::make_room(Duration wait) {
    const Instant deadline =
        wait > Duration::zero() ? deadline_after(net::now(), wait) : Instant::min();
    if (Status flushed = flush(wait); !flushed)
        return flushed;
    while (!open_) {
        if (char* const buffer = pool_.take()) {
            open_batch(buffer);
        } else if (wait <= Duration::zero()) {
            return fail(Errc::would_block);
        } else if (Status waited = wait_for_buffer(deadline); !waited) {
            return waited;
        }
    }
    return {};
}

// Returns after a frame came back, or after a while: the caller looks again.
Status BatchSender::wait_for_buffer(Instant deadline) {
    const Gather::Transport before = pool_.transport();
    pool_.clear_wake();
    pool_.wake_below(BufferPool::any);
    const Duration left = time_left(net::now(), deadline);
    if (pool_.transport().left != before.left)
        return {};
    if (left == Duration::zero())
        return fail(Errc::timeout);
    wait_for_either(socket_.fd(), pool_.fd(), left);
    // Runs the transport's housekeeping, so that its descriptor falls silent.
    if (Status state = socket_.wait_writable(Duration::zero());
        !state && state.error().code == Errc::stopped)
        return state;
    return {};
}

Result<Sent> BatchSender::send(ByteView message, Duration wait, Wake* wake) {
    if (!writer_.fits(message.size()))
        if (const Status room = make_room(wait); !room)
            return fail(room.error());
    writer_.add(message);
    const Gather::Transport transport = pool_.transport();
    const bool leaves = gather_.has_room(transport) || !writer_.fits(message.size());
    if (leaves && flush())
        return Sent{0};
    return stay(message.size(), transport, wake);
}

Result<Sent> BatchSender::stay(std::size_t message_bytes, const Gather::Transport& transport,
                               Wake* wake) {
    if (writer_.count() == 1) {
        const Instant now = net::now();
        gather_.opened(now, transport, writer_.bytes());
        if (wake)
            wake->after(gather_.next_look() - now);
    } else if (gather_.looks_at_clock(writer_.bytes()) &&
               gather_.is_stalled(net::now(), transport) && flush()) {
        return Sent{0};
    }
    if (wake && !pool_.is_wake_asked())
        ask_wake(*wake);
    // Up to the next look at the clock, and as long as a message of this size fits behind it.
    const std::size_t one_more = message_bytes + wire::batch_item_overhead_bytes;
    quiet_bytes_ = wake ? 0 : std::min(gather_.next_look_bytes(), pool_.buffer_bytes() - one_more);
    return Sent{writer_.count()};
}

void BatchSender::ask_wake(Wake& wake) {
    pool_.wake_below(gather_.busy_at());
    // What came back before that is not announced: look once more, and let process() look if it is
    // so.
    if (gather_.has_room(pool_.transport()) && socket_.writable())
        wake.after(Duration::zero());
}

Status BatchSender::process(Wake* wake) {
    pool_.clear_wake();
    if (wake)
        wake->clear_time();
    if (writer_.count() > 0) {
        const Gather::Transport transport = pool_.transport();
        const Instant now = net::now();
        if (gather_.has_room(transport) || gather_.is_stalled(now, transport)) {
            if (Status flushed = flush(); flushed || flushed.error().code != Errc::would_block)
                return flushed;
        } else if (wake) {
            wake->after(gather_.next_look() - now);
        }
        if (wake)
            ask_wake(*wake);
    }
    // Runs the transport's housekeeping, so that its descriptor falls silent.
    if (Status state = socket_.wait_writable(Duration::zero());
        !state && state.error().code == Errc::stopped)
        return state;
    return {};
}

} // namespace flotilla::pipeline
