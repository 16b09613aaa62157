// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"
#include "producer_rest.hpp"

#include <flotilla/net/system.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace flotilla::queue {

namespace {

constexpr std::uint64_t read_ahead_bytes = 4ULL << 20;

} // namespace

Producer::Producer(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Producer::Producer(Producer&&) noexcept = default;
Producer& Producer::operator=(Producer&&) noexcept = default;
Producer::~Producer() = default;

Result<Producer> Producer::open(net::Context& context, ProducerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions socket;
    socket.security = options.security;
    socket.linger = options.linger;
    socket.heartbeat_interval = 5s; // the window bounds what lies before one
    auto dealer = net::Socket::open(context, net::SocketType::dealer, std::move(socket));
    if (!dealer)
        return fail(dealer.error());
    auto monitor = net::Monitor::open(*dealer);
    if (!monitor)
        return fail(monitor.error());
    auto outbox = Outbox::open({options.outbox_messages_max, options.outbox_bytes_max,
                                options.outbox_directory, options.window_bytes + read_ahead_bytes});
    if (!outbox)
        return fail(outbox.error());
    auto rest = std::make_unique<Rest>(std::move(options), std::move(*dealer), std::move(*monitor),
                                       std::move(*outbox));
    rest->restore();
    rest->turn({{}, {}}); // connects, so that a wrong endpoint is told of now
    if (!rest->alive)
        return fail(rest->alive.error());
    return Producer{std::move(rest)};
}

Result<std::uint64_t> Producer::put(std::string_view queue, ByteView body,
                                    const PutOptions& options, Duration wait) {
    const ByteView frames[] = {body};
    Result<std::uint64_t> ticket = rest_->put(queue, frames, options);
    if (ticket || ticket.error().code != Errc::would_block || wait == Duration::zero())
        return ticket;
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
        ticket = rest_->put(queue, frames, options);
        if (ticket || ticket.error().code != Errc::would_block)
            return ticket;
        if (left == Duration::zero())
            return fail(Errc::timeout, rest_->full_text(options));
    }
}

Result<std::uint64_t> Producer::put(std::string_view queue, wire::Frames& body,
                                    const PutOptions& options, Duration wait) {
    if (body.size() == 1)
        return put(queue, body[0].view(), options, wait);
    if (body.empty() || body.size() > leased::limits::body_frames_max)
        return fail(Errc::too_many, "a message has 1 to 1000 frames");
    std::array<ByteView, leased::limits::body_frames_max> views;
    for (std::size_t i = 0; i < body.size(); ++i)
        views[i] = body[i].view();
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        auto ticket = rest_->put(queue, {views.data(), body.size()}, options);
        if (ticket || ticket.error().code != Errc::would_block || wait == Duration::zero())
            return ticket;
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero())
            return fail(Errc::timeout, rest_->full_text(options));
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
    }
}

Status Producer::sync_outbox() {
    return rest_->outbox.sync();
}

Status Producer::process(Duration wait) {
    if (wait > Duration::zero()) {
        rest_->send_gathered();
        const Duration most = std::min(wait, rest_->wait_max());
        if (const Status ready = rest_->dealer.wait_readable(most);
            !ready && ready.error().code == Errc::stopped)
            return ready;
    }
    rest_->turn({on_confirm, on_acknowledged});
    return rest_->alive;
}

Result<std::uint64_t> Producer::flush(Duration wait) {
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
        if (unconfirmed() == 0 || left == Duration::zero())
            return unconfirmed();
    }
}

std::uint64_t Producer::unconfirmed() const noexcept {
    return rest_->machine.unsettled();
}

std::size_t Producer::unacknowledged() const noexcept {
    return rest_->watch.size();
}

bool Producer::is_connected() const noexcept {
    return rest_->machine.state() == ProducerMachine::State::ready;
}

std::string Producer::state_text() const {
    return rest_->state_text();
}
std::string Producer::outbox_cut() const {
    return rest_->outbox.cut();
}
bool Producer::has_only_strangers() const noexcept {
    return rest_->machine.has_only_strangers();
}

ProducerCounters Producer::counters() const {
    ProducerCounters counters = rest_->counters;
    counters.resent_total = rest_->machine.resent_total();
    counters.maybe_duplicate_total = rest_->machine.maybe_duplicate_total();
    counters.connects_total = rest_->machine.connects_total();
    counters.full_total = rest_->machine.full_total();
    return counters;
}

int Producer::fd() const noexcept {
    return rest_->dealer.fd();
}
bool Producer::has_input() const noexcept {
    return rest_->dealer.readable();
}
Duration Producer::wait_max() const noexcept {
    return rest_->wait_max();
}

} // namespace flotilla::queue
