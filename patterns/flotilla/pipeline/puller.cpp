// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/option_check.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/puller.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace flotilla::pipeline {
namespace {

constexpr std::uint32_t unread_plain_default = 1'000;
constexpr std::uint32_t unread_batches_default = 16;
// A call that does not wait looks at so many frames that turn out to be good for nothing.
constexpr int drops_max = 64;

Status check(const PullerOptions& options) {
    for (const Status& range :
         {check_within("the number of endpoints", options.attach.size(), 1, 64),
          check_within("batch_bytes_max", options.batch_bytes_max, 1U << 10, 16U << 20),
          check_within("unread_frames_max", options.unread_frames_max.value_or(1), 1, 1'000'000),
          check_within("message_bytes_max", options.message_bytes_max, 1, 1ULL << 40),
          check_within("message_frames_max", options.message_frames_max, 1,
                       wire::Frames::frames_max)})
        if (!range)
            return range;
    return {};
}

// The end of a wait with a limit; `never` also for a wait of zero, which ends by its own rule.
Instant deadline_of(Duration wait) {
    const bool limited = wait > Duration::zero() && wait != no_limit;
    return limited ? deadline_after(net::recent_now(), wait) : never;
}

} // namespace

struct Puller::Rest {
    Rest(PullerOptions given, net::Socket opened)
        : options(std::move(given)), socket(std::move(opened)) {}

    PullerOptions options;
    net::Socket socket;
    std::vector<net::Endpoint> endpoints;
    PullerCounters counters;
    wire::Expander expander;

    // What was received last: an opened batch, whose bytes are in `first` or `expander`, or one
    // message, which `shown` shows.
    wire::BatchReader batch;
    // A batch, or several frames: as soon as the next call comes their bytes go back, for in
    // process they are the Pusher's own, which its close() waits for.
    bool holds_last = false;
    net::Part first;
    std::vector<net::Part> others;
    std::vector<ByteView> views; // of `first` and `others`, when there are others
    ByteView item;               // a lone frame, or the message of the batch that was given last
    MessageView shown{nullptr, 0};

    Status next(Duration wait);
    Status fetch(Duration wait);
    Status fetch_on(net::More more, Duration wait, Instant deadline);
    Status open(const Result<net::Socket::Look>& received, Duration wait, Instant deadline);
    MessageView view() noexcept;
    [[gnu::noinline]] Result<MessageView> view_after(net::Socket::Look look, Duration wait);
    [[gnu::noinline]] Result<MessageView> view_waiting(Duration wait);
    [[gnu::noinline]] Result<MessageView> view_fetched(Duration wait);
    Status fetch_others();
    bool open_lone(ByteView bytes);
    bool is_plain(ByteView bytes) const noexcept { // a message as it is, and not too large
        return bytes.size() <= options.message_bytes_max &&
               !(options.unpack && wire::has_batch_magic(bytes));
    }
    bool open_batch();
    bool open_frames();
    void let_go() noexcept {
        first = net::Part{};
        others.clear();
        holds_last = false;
    }
    void gave(std::uint64_t messages, std::uint64_t bytes) noexcept {
        counters.messages_total += messages;
        counters.bytes_total += bytes;
    }
};

Result<Puller> Puller::open(net::Context& context, PullerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions profile = options.socket;
    profile.receive_messages_max = options.unread_frames_max.value_or(
        options.unpack ? unread_batches_default : unread_plain_default);
    // What is larger by itself costs its sender the connection.
    profile.message_bytes_max = profile.frame_bytes_max =
        std::max<std::uint64_t>(options.message_bytes_max + wire::batch_item_overhead_bytes,
                                options.batch_bytes_max) +
        wire::batch_header_bytes;
    auto socket = net::Socket::open(context, net::SocketType::pull, std::move(profile));
    if (!socket)
        return fail(socket.error());
    auto rest = std::make_unique<Rest>(std::move(options), std::move(*socket));
    for (const net::Attachment& each : rest->options.attach) {
        auto attached = rest->socket.attach(each);
        if (!attached)
            return fail(attached.error());
        rest->endpoints.push_back(std::move(*attached));
    }
    return Puller{std::move(rest)};
}

Puller::Puller(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Puller::Puller(Puller&&) noexcept = default;
Puller& Puller::operator=(Puller&&) noexcept = default;
Puller::~Puller() = default;

const std::vector<net::Endpoint>& Puller::endpoints() const noexcept {
    return rest_->endpoints;
}

// What comes behind `first` into `others`.
Status Puller::Rest::fetch_others() {
    others.clear();
    for (bool more = true; more;) {
        net::Part part;
        if (Status received = socket.receive(part, no_limit); !received) // they came together
            return received;
        more = part.more();
        if (others.size() < options.message_frames_max)
            others.push_back(std::move(part));
    }
    return {};
}

// Each: what was fetched is a message or a batch of them; otherwise it was counted and is to be
// dropped.

bool Puller::Rest::open_lone(ByteView bytes) {
    item = bytes;
    if (options.unpack && wire::has_batch_magic(item))
        return open_batch();
    if (!is_plain(bytes)) {
        ++counters.oversize_total;
        return false;
    }
    shown = {&item, 1};
    gave(1, item.size());
    return true;
}

bool Puller::Rest::open_batch() {
    const std::uint64_t lone_max = options.message_bytes_max + wire::batch_item_overhead_bytes;
    const std::uint64_t bytes_max = wire::says_one_message(item)
                                        ? std::max<std::uint64_t>(lone_max, options.batch_bytes_max)
                                        : options.batch_bytes_max;
    auto opened = wire::BatchReader::open(item, expander, bytes_max);
    ++(opened ? counters.batch_frames_total : counters.malformed_total);
    if (opened) {
        batch = *opened;
        holds_last = true;
        gave(batch.left(), batch.bytes_left()); // counters() takes off what is left of it
    }
    return opened.has_value();
}

bool Puller::Rest::open_frames() {
    views.clear();
    std::uint64_t bytes = first.size();
    views.push_back(first);
    for (const net::Part& part : others) {
        bytes += part.size();
        views.push_back(part);
    }
    if (bytes > options.message_bytes_max || views.size() > options.message_frames_max) {
        ++counters.oversize_total;
        return false;
    }
    shown = {views.data(), views.size()};
    holds_last = true;
    gave(1, bytes);
    return true;
}

// Fills `batch` or `shown`.
Status Puller::Rest::fetch(Duration wait) {
    const Instant deadline = deadline_of(wait);
    if (holds_last)
        let_go();
    return open(socket.receive_look(first, wait), wait, deadline);
}

// What the first frame in `first` turns out to be.
Status Puller::Rest::open(const Result<net::Socket::Look>& received, Duration wait,
                          Instant deadline) {
    if (!received) {
        let_go();
        return fail(received.error());
    }
    if (received->more() == net::More::no && open_lone(received->bytes()))
        return {};
    return fetch_on(received->more(), wait, deadline);
}

// After a first frame with others behind it, or one that was good for nothing.
Status Puller::Rest::fetch_on(net::More more, Duration wait, Instant deadline) {
    const bool limited = deadline != never;
    for (int drops = 0;;) {
        if (more == net::More::yes) {
            if (Status received = fetch_others(); !received)
                return received;
            if (open_frames())
                return {};
        }
        if (limited)
            wait = time_left(net::now(), deadline);
        if (wait <= Duration::zero() && (limited || ++drops >= drops_max))
            return fail(limited ? Errc::timeout : Errc::would_block);
        const auto received = socket.receive_look(first, wait);
        if (!received)
            return fail(received.error());
        more = received->more();
        if (more == net::More::no && open_lone(received->bytes()))
            return {};
    }
}

// After it, either `batch` has messages left or `shown` is the next message.
Status Puller::Rest::next(Duration wait) {
    return batch.left() > 0 ? Status{} : fetch(wait);
}

// What a flood takes stands alone here: with a hundred nanoseconds a message, the registers and the
// memory that the rest needs show.
Result<MessageView> Puller::receive_view(Duration wait) {
    Rest& rest = *rest_;
    if (rest.batch.left() > 0)
        return rest.view();
    if (rest.holds_last) [[unlikely]]
        return rest.view_fetched(wait);
    const net::Socket::Look look = rest.socket.look_at_once(rest.first, wait);
    if (!look) [[unlikely]]
        return rest.view_waiting(wait);
    if (look.more() == net::More::yes || !rest.is_plain(look.bytes())) [[unlikely]]
        return rest.view_after(look, wait);
    rest.item = look.bytes();
    rest.gave(1, rest.item.size());
    return MessageView{&rest.item, 1};
}

// What there is: after open().
MessageView Puller::Rest::view() noexcept {
    if (batch.left() == 0)
        return shown;
    item = batch.next();
    return {&item, 1};
}

Result<MessageView> Puller::Rest::view_after(net::Socket::Look look, Duration wait) {
    if (const Status opened = open(look, wait, never); !opened) // a look at once has no limit
        return fail(opened.error());
    return view();
}

Result<MessageView> Puller::Rest::view_waiting(Duration wait) {
    const Instant deadline = deadline_of(wait);
    if (const Status opened = open(socket.look_waiting(first, wait), wait, deadline); !opened)
        return fail(opened.error());
    return view();
}

Result<MessageView> Puller::Rest::view_fetched(Duration wait) {
    if (const Status fetched = fetch(wait); !fetched)
        return fail(fetched.error());
    return view();
}

Result<MessageBatch> Puller::receive_batch(Duration wait) {
    Rest& rest = *rest_;
    if (const Status next = rest.next(wait); !next)
        return fail(next.error());
    if (rest.batch.left() == 0)
        return MessageBatch{rest.shown};
    return MessageBatch{std::exchange(rest.batch, wire::BatchReader{})};
}

Result<wire::Frames> Puller::receive(Duration wait) {
    Rest& rest = *rest_;
    if (const Status next = rest.next(wait); !next)
        return fail(next.error());
    wire::Frames message;
    if (rest.batch.left() > 0) {
        message.add(rest.batch.next());
        return message;
    }
    const std::size_t frames = rest.shown.size();
    message.add(std::move(rest.first).to_blob());
    for (std::size_t i = 1; i < frames; ++i)
        message.add(std::move(rest.others[i - 1]).to_blob());
    return message;
}

int Puller::fd() const noexcept {
    return rest_->socket.fd();
}

bool Puller::readable() const noexcept {
    return rest_->batch.left() > 0 || rest_->socket.readable();
}

PullerCounters Puller::counters() const noexcept {
    PullerCounters counters = rest_->counters;
    counters.messages_total -= rest_->batch.left();
    counters.bytes_total -= rest_->batch.bytes_left();
    return counters;
}

} // namespace flotilla::pipeline
