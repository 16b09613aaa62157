// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/option_check.hpp>
#include <flotilla/net/ipc_tail.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/batch_sender.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <poll.h>

#include <algorithm>
#include <string>
#include <utility>

namespace flotilla::pipeline {
namespace {

constexpr std::size_t batch_lookalike_bytes_max =
    wire::batch_region_bytes_max - wire::batch_item_overhead_bytes;

Status check(const Batching& batching) {
    for (const Status& range :
         {check_within("batch_bytes", batching.batch_bytes, 1U << 10, 1U << 20),
          check_within("buffers_max", batching.buffers_max, 3, 1024),
          check_within("unsent_frames_max", batching.unsent_frames_max, 1, 1'000),
          check_within("busy_frames", batching.busy_frames, 1, 1'000),
          check_within("stall_max", batching.stall_max, 100us, 1s)})
        if (!range)
            return range;
    if (!wire::is_available(batching.compression))
        return fail(Errc::unsupported, "this build lacks " +
                                           std::string(wire::name(batching.compression)) +
                                           " compression");
    return {};
}

Status check(const PusherOptions& options) {
    for (const Status& range :
         {check_within("the number of endpoints", options.attach.size(), 1, 64),
          check_within("unsent_messages_max", options.unsent_messages_max, 1, 1'000'000),
          check_within("message_bytes_max", options.message_bytes_max, 1, 1ULL << 40)})
        if (!range)
            return range;
    return options.batching ? check(*options.batching) : Status{};
}

} // namespace

struct Pusher::Rest {
    Rest(PusherOptions given, net::Socket opened)
        : options(std::move(given)), socket(std::move(opened)) {}

    PusherOptions options;
    std::optional<net::Socket> socket; // absent once closed
    std::optional<BufferPool> pool;    // when messages are counted
    std::optional<BatchSender> batches;
    std::optional<Wake> wake; // from the first fd() on, with a pool
    std::vector<net::Endpoint> endpoints;
    net::IpcTail tail{};
    PusherCounters counters;
    // Messages of so many bytes and more take the longer way; 0: all. Plain mode without counting
    // is the short way: nothing to ask but the size.
    std::uint64_t short_way_bytes_end = 0;

    Wake* wake_or_none() noexcept { return wake ? &*wake : nullptr; }
    [[gnu::noinline]] Result<Sent> send(ByteView message, Duration wait);
    [[gnu::noinline]] Result<Sent> send_plain(ByteView message, Duration wait);
    [[gnu::noinline]] Result<Sent> send_waiting(ByteView message, Duration wait);
    Result<Sent> refused(Error error);
    Result<Sent> too_large(std::uint64_t bytes, std::uint64_t limit, const char* which = "");
    void accepted(std::uint64_t bytes) noexcept {
        ++counters.messages_total;
        counters.bytes_total += bytes;
    }
    Result<Sent> send_as_it_is(wire::Frames& message, Duration wait);
    Status send_frames(wire::Frames& message, Duration wait);
    Unsent unsent() const;
    bool is_in_process() const noexcept; // all its peers are
    void wait_until_left(Instant deadline);
};

Result<Pusher> Pusher::open(net::Context& context, PusherOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions profile = options.socket;
    profile.send_messages_max =
        options.batching ? options.batching->unsent_frames_max : options.unsent_messages_max;
    profile.linger = options.linger;
    auto socket = net::Socket::open(context, net::SocketType::push, std::move(profile));
    if (!socket)
        return fail(socket.error());
    auto rest = std::make_unique<Rest>(std::move(options), std::move(*socket));
    if (rest->options.batching || rest->options.count_unsent) {
        const Batching batching = rest->options.batching.value_or(Batching{});
        auto pool = BufferPool::open(batching.batch_bytes, batching.buffers_max);
        if (!pool)
            return fail(pool.error());
        rest->pool.emplace(std::move(*pool));
        if (rest->options.batching)
            rest->batches.emplace(*rest->socket, *rest->pool, batching,
                                  rest->options.message_bytes_max);
    }
    if (!rest->pool)
        rest->short_way_bytes_end = rest->options.message_bytes_max + 1;
    for (const net::Attachment& each : rest->options.attach) {
        auto attached = rest->socket->attach(each);
        if (!attached)
            return fail(attached.error());
        rest->tail.add({*attached, each.how});
        rest->endpoints.push_back(std::move(*attached));
    }
    return Pusher{std::move(rest)};
}

Pusher::Pusher(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Pusher::Pusher(Pusher&&) noexcept = default;
Pusher& Pusher::operator=(Pusher&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

Pusher::~Pusher() {
    if (rest_ && rest_->socket && rest_->batches)
        (void)rest_->batches->flush();
}

const std::vector<net::Endpoint>& Pusher::endpoints() const noexcept {
    return rest_->endpoints;
}

Result<Sent> Pusher::Rest::refused(Error error) {
    if (error.code == Errc::would_block || error.code == Errc::timeout)
        ++counters.refused_total;
    return fail(std::move(error));
}

Result<Sent> Pusher::Rest::too_large(std::uint64_t bytes, std::uint64_t limit, const char* which) {
    ++counters.too_large_total;
    return fail(Errc::too_large, "a message of " + std::to_string(bytes) + " bytes" + which +
                                     "; the limit is " + std::to_string(limit));
}

// What a flood takes stands alone here: at ten nanoseconds a message, saving registers for the rest
// shows.
Result<Sent> Pusher::send(ByteView message, Duration wait) {
    Rest& rest = *rest_;
    if (rest.batches && rest.batches->append(message)) [[likely]]
        return Sent{rest.batches->gathered()};
    if (message.size() < rest.short_way_bytes_end) [[likely]]
        return rest.send_plain(message, wait);
    return rest.send(message, wait);
}

Result<Sent> Pusher::Rest::send_plain(ByteView message, Duration wait) {
    if (socket->send_at_once(message, wait) < 0) [[unlikely]]
        return send_waiting(message, wait);
    accepted(message.size());
    return Sent{};
}

Result<Sent> Pusher::Rest::send_waiting(ByteView message, Duration wait) {
    if (const Status sent = socket->send(message, wait); !sent)
        return refused(sent.error());
    accepted(message.size());
    return Sent{};
}

Result<Sent> Pusher::Rest::send(ByteView message, Duration wait) {
    if (batches && message.size() <= batches->message_bytes_max()) {
        Result<Sent> sent = batches->send(message, wait, wake_or_none());
        if (!sent)
            return refused(sent.error());
        return sent;
    }
    FLOTILLA_CHECK(socket, "a closed Pusher was used");
    if (message.size() > options.message_bytes_max)
        return too_large(message.size(), options.message_bytes_max);
    wire::Frames frames{message};
    return send_as_it_is(frames, wait);
}

Result<Sent> Pusher::send(wire::Frames& message, Duration wait) {
    Rest& rest = *rest_;
    FLOTILLA_CHECK(rest.socket, "a closed Pusher was used");
    if (message.empty())
        return fail(Errc::malformed, "a message has at least one frame, be it empty");
    if (rest.batches && message.size() == 1 &&
        message[0].size() <= rest.batches->message_bytes_max()) {
        Result<Sent> sent = send(message[0].view(), wait);
        if (sent)
            message.clear();
        return sent;
    }
    const std::uint64_t bytes = message.bytes();
    if (bytes > rest.options.message_bytes_max)
        return rest.too_large(bytes, rest.options.message_bytes_max);
    return rest.send_as_it_is(message, wait);
}

Result<Sent> Pusher::Rest::send_as_it_is(wire::Frames& message, Duration wait) {
    const std::uint64_t bytes = message.bytes();
    // Flushing may use the wait up: what then does not go at once is late all the same.
    const auto ended = [is_limited = wait > Duration::zero()](Error error) {
        if (is_limited && error.code == Errc::would_block)
            error.code = Errc::timeout;
        return error;
    };
    if (batches) {
        const Instant began = net::now();
        if (const Status flushed = batches->flush(wait); !flushed) // the order is kept
            return refused(flushed.error());
        if (wait > Duration::zero() && wait != no_limit)
            wait = time_left(net::now(), deadline_after(began, wait));
        if (message.size() == 1 && wire::has_batch_magic(message[0])) {
            // A Puller would take it for a batch: so it becomes one.
            if (bytes > batch_lookalike_bytes_max)
                return too_large(bytes, batch_lookalike_bytes_max,
                                 " that begins as a batch frame does");
            std::string memory(wire::batch_header_bytes + wire::batch_item_overhead_bytes + bytes,
                               '\0');
            wire::BatchWriter writer(memory.data(), memory.size());
            writer.add(message[0]);
            wire::Frames wrapped{writer.finish()};
            if (const Status sent = send_frames(wrapped, wait); !sent)
                return refused(ended(sent.error()));
            message.clear();
            accepted(bytes);
            return Sent{};
        }
    }
    if (const Status sent = send_frames(message, wait); !sent)
        return refused(ended(sent.error()));
    accepted(bytes);
    return Sent{};
}

// The last frame is lent and so counted: it leaves when the whole message has left.
Status Pusher::Rest::send_frames(wire::Frames& message, Duration wait) {
    if (!pool)
        return socket->send(message, wait);
    const std::size_t last = message.size() - 1;
    for (std::size_t i = 0; i < last; ++i) {
        net::Part part = net::Part::from(message[i].share());
        if (Status sent = socket->send(part, net::More::yes, i == 0 ? wait : no_limit); !sent)
            return sent;
    }
    net::Part part = pool->lend(message[last].share());
    if (Status sent = socket->send(part, net::More::no, last == 0 ? wait : no_limit); !sent) {
        pool->recall(std::move(part));
        return sent;
    }
    message.clear();
    return {};
}

Unsent Pusher::Rest::unsent() const {
    Unsent unsent;
    unsent.gathered = batches ? batches->gathered() : 0;
    unsent.with_transport =
        pool ? std::optional<std::uint64_t>{pool->messages_out()} : std::nullopt;
    return unsent;
}

Unsent Pusher::flush(Duration wait) {
    FLOTILLA_CHECK(rest_->socket, "a closed Pusher was used");
    if (rest_->batches)
        (void)rest_->batches->flush(wait); // what that ended with shows in what is unsent
    return rest_->unsent();
}

Result<int> Pusher::fd() {
    Rest& rest = *rest_;
    FLOTILLA_CHECK(rest.socket, "a closed Pusher was used");
    if (!rest.pool)
        return rest.socket->fd();
    if (!rest.wake) {
        auto wake = Wake::open({rest.socket->fd(), rest.pool->fd()});
        if (!wake)
            return fail(wake.error());
        rest.wake.emplace(std::move(*wake));
        rest.wake->after(Duration::zero()); // what is gathered already is process()'s to see
    }
    return rest.wake->fd();
}

Status Pusher::process() {
    FLOTILLA_CHECK(rest_->socket, "a closed Pusher was used");
    if (rest_->batches)
        return rest_->batches->process(rest_->wake_or_none());
    if (rest_->pool)
        rest_->pool->clear_wake();
    if (rest_->wake)
        rest_->wake->clear_time();
    const Status writable = rest_->socket->wait_writable(Duration::zero());
    return !writable && writable.error().code == Errc::stopped ? writable : Status{};
}

PusherCounters Pusher::counters() const {
    PusherCounters counters = rest_->counters;
    if (rest_->batches) {
        counters.batch_frames_total = rest_->batches->frames_total();
        counters.messages_total += rest_->batches->messages_total();
        counters.bytes_total += rest_->batches->bytes_total();
    }
    counters.unsent = rest_->unsent();
    return counters;
}

bool Pusher::Rest::is_in_process() const noexcept {
    return std::all_of(endpoints.begin(), endpoints.end(), [](const net::Endpoint& each) {
        return each.transport() == net::Transport::inproc;
    });
}

void Pusher::Rest::wait_until_left(Instant deadline) {
    while (pool->messages_out() > 0) {
        pool->clear_wake();
        pool->wake_below(BufferPool::any);
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero() || pool->messages_out() == 0)
            return;
        wait_for_either(socket->fd(), pool->fd(), left);
        if (const Status state = socket->wait_writable(Duration::zero());
            !state && state.error().code == Errc::stopped)
            return;
    }
}

Unsent Pusher::close(Duration wait) {
    Rest& rest = *rest_;
    const Instant deadline = deadline_after(net::now(), wait);
    Unsent unsent = flush(wait);
    if (rest.pool)
        rest.wait_until_left(deadline);
    const bool read = rest.tail.wait_read(deadline);
    unsent = rest.unsent();
    rest.counters = counters();
    rest.batches.reset(); // what it still gathers is dropped, as reported
    if (unsent.with_transport > 0U) {
        (void)rest.socket->set_linger(Duration::zero());
    } else if (unsent.with_transport == 0U && rest.is_in_process()) {
        // All was read. To wait for the socket's end is to wait for the peer's next call.
    } else if (rest.socket->close(time_left(net::now(), deadline)) && read) {
        unsent.with_transport = 0;
    } else if (!read) {
        unsent.with_transport.reset(); // it left, but nobody can say how much of it was read
    }
    rest.socket.reset();
    rest.short_way_bytes_end = 0;
    return unsent;
}

} // namespace flotilla::pipeline
