// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/ipc_tail.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <cli/bench/ends.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace flotilla::cli::bench {
namespace {

using net::SocketType;

constexpr int burst_max = 1'000;
// A full XPUB does not say when it has room again; this is how often it is tried.
constexpr Duration full_pause = 50us;

class PlainSender : public SendEnd {
public:
    static Result<std::unique_ptr<SendEnd>> open(net::Context& context, EndOptions options) {
        net::SocketOptions socket_options = options.socket;
        SocketType type = SocketType::push;
        if (options.pattern == Pattern::pubsub) {
            type = SocketType::xpub;
            socket_options.refuse_when_full = !options.lossy;
        } else if (options.pattern == Pattern::request) {
            type = SocketType::dealer;
        }
        socket_options.linger = 10s;
        auto socket = net::Socket::open(context, type, socket_options);
        if (!socket)
            return fail(socket.error());
        auto end = std::make_unique<PlainSender>(std::move(*socket));
        // Where it connects it can write before anybody is there.
        const bool connects = options.attachment.how == net::Attach::connect;
        if (connects && options.attachment.endpoint.transport() != net::Transport::inproc) {
            auto monitor = net::Monitor::open(end->socket_);
            if (!monitor)
                return fail(monitor.error());
            end->monitor_.emplace(std::move(*monitor));
        }
        auto attached = end->socket_.attach(options.attachment);
        if (!attached)
            return fail(attached.error());
        end->tail_.add({*attached, options.attachment.how});
        return std::unique_ptr<SendEnd>(std::move(end));
    }
    explicit PlainSender(net::Socket socket) : socket_(std::move(socket)) {}

    Status wait_peer(Duration wait) override {
        if (socket_.type() != SocketType::xpub) {
            const Status met = monitor_ ? meet(wait) : socket_.wait_writable(wait);
            monitor_.reset();
            return met;
        }
        auto subscription = socket_.receive(wait);
        return subscription ? Status{} : fail(subscription.error());
    }

    Status send(ByteView message, Duration wait) override {
        if (socket_.type() == SocketType::dealer)
            if (net::Part empty; !socket_.send(empty, net::More::yes, wait))
                return fail(Errc::timeout, "no room for a request");
        if (socket_.type() != SocketType::xpub)
            return socket_.send(message, wait);
        const Instant deadline = deadline_after(net::now(), wait);
        while (true) {
            Status sent = socket_.send(message, Duration::zero());
            if (sent || sent.error().code != Errc::would_block)
                return sent;
            if (net::now() >= deadline)
                return fail(Errc::timeout, "the subscriber has no room");
            (void)socket_.wait_readable(full_pause);
        }
    }

    // libzmq sends the rest when the socket is closed, its linger bounds that; but not over ipc
    // what the receiver has not read by then.
    Status finish(Duration wait) override {
        return tail_.wait_read(deadline_after(net::now(), wait))
                   ? Status{}
                   : fail(Errc::timeout, "the receiver has not read everything");
    }

    Status receive(const std::function<void(ByteView)>& reply, Duration wait) override {
        for (int i = 0; i < burst_max; ++i) {
            auto message = socket_.receive(i == 0 ? wait : Duration::zero());
            if (!message && i > 0 && message.error().code == Errc::would_block)
                return {};
            if (!message)
                return fail(message.error());
            reply(message->back());
        }
        return {};
    }

private:
    Status meet(Duration wait) {
        const Instant deadline = deadline_after(net::now(), wait);
        while (true) {
            while (const auto event = monitor_->next())
                if (event->kind == net::ConnectionEvent::Kind::handshake_succeeded)
                    return {};
            const Duration left = time_left(net::now(), deadline);
            if (left == Duration::zero())
                return fail(Errc::timeout);
            (void)monitor_->socket().wait_readable(left);
        }
    }

    net::Socket socket_;
    std::optional<net::Monitor> monitor_; // until somebody was met
    net::IpcTail tail_;
};

class BatchSender : public SendEnd {
public:
    BatchSender(net::Context& context, EndOptions options, pipeline::Pusher pusher)
        : context_(context), options_(std::move(options)), pusher_(std::move(pusher)) {}
    Status wait_peer(Duration wait) override {
        if (options_.attachment.how == net::Attach::bind)
            return {}; // its send waits
        auto scout = PlainSender::open(context_, options_);
        return scout ? (*scout)->wait_peer(wait) : fail(scout.error());
    }
    Status send(ByteView message, Duration wait) override {
        auto sent = pusher_.send(message, wait);
        return sent ? Status{} : fail(sent.error());
    }
    Status finish(Duration wait) override {
        return pusher_.close(wait).none() ? Status{}
                                          : fail(Errc::timeout, "not all messages have left");
    }

private:
    net::Context& context_;
    EndOptions options_;
    pipeline::Pusher pusher_;
};

class PlainReceiver : public ReceiveEnd {
public:
    PlainReceiver(net::Socket socket, net::Endpoint at)
        : socket_(std::move(socket)), at_(std::move(at)) {}
    net::Endpoint endpoint() const override { return at_; }

    Status receive(const std::function<void(ByteView)>& message, Duration wait) override {
        for (int i = 0; i < burst_max; ++i) {
            const Duration patience = i == 0 ? wait : Duration::zero();
            if (Status got = socket_.receive(part_, patience); !got)
                return i > 0 && got.error().code == Errc::would_block ? Status{} : got;
            message(part_);
            if (socket_.type() == SocketType::rep)
                if (Status sent = socket_.send(part_, net::More::no, wait); !sent)
                    return sent;
        }
        return {};
    }

private:
    net::Socket socket_;
    net::Endpoint at_;
    net::Part part_;
};

class BatchReceiver : public ReceiveEnd {
public:
    explicit BatchReceiver(pipeline::Puller puller) : puller_(std::move(puller)) {}
    net::Endpoint endpoint() const override { return puller_.endpoints().front(); }
    Status receive(const std::function<void(ByteView)>& message, Duration wait) override {
        auto batch = puller_.receive_batch(wait);
        if (!batch)
            return fail(batch.error());
        while (batch->left() > 0)
            message(batch->next().body());
        return {};
    }

private:
    pipeline::Puller puller_;
};

} // namespace

Status SendEnd::receive(const std::function<void(ByteView)>&, Duration) {
    return fail(Errc::unsupported, "this pattern has no replies");
}

Result<std::unique_ptr<SendEnd>> open_send_end(net::Context& context, EndOptions options) {
    if (!options.batch)
        return PlainSender::open(context, std::move(options));
    pipeline::PusherOptions pusher_options;
    pusher_options.attach = {options.attachment};
    pusher_options.batching.emplace();
    pusher_options.socket = options.socket;
    auto pusher = pipeline::Pusher::open(context, std::move(pusher_options));
    if (!pusher)
        return fail(pusher.error());
    return std::unique_ptr<SendEnd>(
        new BatchSender(context, std::move(options), std::move(*pusher)));
}

Result<std::unique_ptr<ReceiveEnd>> open_receive_end(net::Context& context, EndOptions options) {
    if (options.batch) {
        pipeline::PullerOptions puller_options;
        puller_options.attach = {options.attachment};
        puller_options.unpack = true;
        puller_options.socket = options.socket;
        auto puller = pipeline::Puller::open(context, std::move(puller_options));
        if (!puller)
            return fail(puller.error());
        return std::unique_ptr<ReceiveEnd>(new BatchReceiver(std::move(*puller)));
    }
    const SocketType type = options.pattern == Pattern::pipeline ? SocketType::pull
                            : options.pattern == Pattern::pubsub ? SocketType::sub
                                                                 : SocketType::rep;
    net::SocketOptions socket_options = options.socket;
    socket_options.linger = 5s; // the last reply is still on its way when everything was received
    auto socket = net::Socket::open(context, type, socket_options);
    if (!socket)
        return fail(socket.error());
    if (type == SocketType::sub)
        if (Status subscribed = socket->subscribe(""); !subscribed)
            return fail(subscribed.error());
    auto at = socket->attach(options.attachment);
    if (!at)
        return fail(at.error());
    return std::unique_ptr<ReceiveEnd>(new PlainReceiver(std::move(*socket), std::move(*at)));
}

} // namespace flotilla::cli::bench
