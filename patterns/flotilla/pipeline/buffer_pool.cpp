// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/buffer_pool.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <utility>
#include <vector>

namespace flotilla::pipeline {

// What stands in front of lent bytes: a pool buffer's (its bytes follow) or a foreign body's.
struct alignas(64) BufferPool::Lent {
    // Stored last by the owner and loaded first by came_back(), which so sees all the rest; a
    // thread sanitizer, which cannot look through the transport, sees it too.
    std::atomic<State*> state{nullptr};
    Lent* next = nullptr; // in the list of buffers that came back
    std::uint32_t messages = 0;
    bool recalled = false; // the owner takes it back: the call is not the transport's
    bool is_buffer = true;
    Blob body{}; // a foreign body

    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
    static Lent* of(char* bytes) noexcept { return reinterpret_cast<Lent*>(bytes) - 1; }
};

struct BufferPool::State : Flow {
    State(std::size_t bytes, std::uint32_t buffers_max, int descriptor)
        : buffer_bytes(bytes), wake_fd(descriptor) {
        free.reserve(buffers_max);
        all.reserve(buffers_max);
    }

    // The owner's alone.
    const std::size_t buffer_bytes;
    const int wake_fd;
    std::vector<Lent*> free;
    std::vector<Lent*> all;
    std::uint64_t messages_given = 0;

    Lent* lent_last = nullptr;

    // Shared with the I/O threads.
    std::atomic<std::uint64_t> wake_at{0};
    std::atomic<bool> wake_asked{false};
    std::atomic<std::uint64_t> messages_left{0};
    std::atomic<Lent*> returned{nullptr};
    std::atomic<std::uint64_t> references{1}; // the owner's, and one each frame that is out

    void release() noexcept {
        if (references.fetch_sub(1, std::memory_order_acq_rel) > 1)
            return;
        for (Lent* lent : all) {
            lent->~Lent();
            ::operator delete (lent, std::align_val_t{alignof(Lent)});
        }
        ::close(wake_fd);
        delete this;
    }
};

Result<BufferPool> BufferPool::open(std::size_t buffer_bytes, std::uint32_t buffers_max) {
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0)
        return fail(Errc::out_of_files, "no descriptor for a Pusher's wake-up");
    return BufferPool{new State(buffer_bytes, buffers_max, descriptor)};
}

BufferPool::BufferPool(State* state) noexcept : state_(state), flow_(state) {}
BufferPool::BufferPool(BufferPool&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)), flow_(other.flow_) {}
BufferPool& BufferPool::operator=(BufferPool&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(flow_, other.flow_);
    return *this;
}
BufferPool::~BufferPool() {
    if (state_)
        state_->release();
}

std::size_t BufferPool::buffer_bytes() const noexcept {
    return state_->buffer_bytes;
}

char* BufferPool::take() {
    State& state = *state_;
    if (state.free.empty())
        for (Lent* lent = state.returned.exchange(nullptr, std::memory_order_acquire); lent;
             lent = lent->next)
            state.free.push_back(lent);
    if (!state.free.empty()) {
        char* const bytes = state.free.back()->bytes();
        state.free.pop_back();
        return bytes;
    }
    if (state.all.size() == state.all.capacity())
        return nullptr;
    void* const memory =
        ::operator new (sizeof(Lent) + state.buffer_bytes, std::align_val_t{alignof(Lent)});
    Lent* const lent = new (memory) Lent;
    state.all.push_back(lent);
    return lent->bytes();
}

void BufferPool::put_back(char* buffer) noexcept {
    state_->free.push_back(Lent::of(buffer)); // within what was reserved: no allocation
}

net::Part BufferPool::lend(char* buffer, std::size_t bytes, std::uint32_t messages) {
    return hand_out(*Lent::of(buffer), {buffer, bytes}, messages);
}

net::Part BufferPool::lend(Blob&& body) {
    auto* const lent = new Lent;
    lent->is_buffer = false;
    lent->body = std::move(body);
    return hand_out(*lent, lent->body.view(), 1);
}

net::Part BufferPool::hand_out(Lent& lent, ByteView bytes, std::uint32_t messages) {
    State& state = *state_;
    lent.messages = messages;
    lent.recalled = false;
    lent.state.store(&state, std::memory_order_release);
    state.lent_last = &lent;
    state.messages_given += messages;
    state.references.fetch_add(1, std::memory_order_relaxed);
    state.given.store(state.given.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
    return net::Part::adopt(const_cast<char*>(bytes.data()), bytes.size(), &came_back, &lent);
}

void BufferPool::recall(net::Part&& frame) noexcept {
    State& state = *state_;
    state.messages_given -= state.lent_last->messages;
    state.given.store(state.given.load(std::memory_order_relaxed) - 1, std::memory_order_seq_cst);
    state.lent_last->recalled = true;
    frame = net::Part{}; // closes it: came_back() runs here
}

// On an I/O thread, or on the owner's when a frame is recalled.
void BufferPool::came_back(void*, void* hint) {
    auto* const lent = static_cast<Lent*>(hint);
    State& state = *lent->state.load(std::memory_order_acquire);
    const bool recalled = lent->recalled;
    const std::uint32_t messages = lent->messages;
    if (!lent->is_buffer)
        delete lent;
    else if (!recalled) {
        lent->next = state.returned.load(std::memory_order_relaxed);
        while (!state.returned.compare_exchange_weak(lent->next, lent, std::memory_order_release,
                                                     std::memory_order_relaxed)) {
        }
    }
    if (!recalled) {
        state.messages_left.fetch_add(messages, std::memory_order_relaxed);
        // seq_cst here and in wake_below(): either the owner sees this frame back, or we see its
        // request.
        const std::uint64_t left = state.left.fetch_add(1, std::memory_order_seq_cst) + 1;
        if (state.wake_asked.load(std::memory_order_seq_cst) &&
            state.given.load(std::memory_order_seq_cst) - left <
                state.wake_at.load(std::memory_order_relaxed) &&
            state.wake_asked.exchange(false, std::memory_order_acq_rel)) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto written = ::write(state.wake_fd, &one, sizeof one);
        }
    }
    state.release();
}

std::uint64_t BufferPool::messages_out() const noexcept {
    return state_->messages_given - state_->messages_left.load(std::memory_order_relaxed);
}

void BufferPool::wake_below(std::uint64_t frames) noexcept {
    state_->wake_at.store(frames, std::memory_order_relaxed);
    state_->wake_asked.store(true, std::memory_order_seq_cst);
}

bool BufferPool::is_wake_asked() const noexcept {
    return state_->wake_asked.load(std::memory_order_relaxed);
}

int BufferPool::fd() const noexcept {
    return state_->wake_fd;
}

void BufferPool::clear_wake() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(state_->wake_fd, &count, sizeof count);
}

} // namespace flotilla::pipeline
