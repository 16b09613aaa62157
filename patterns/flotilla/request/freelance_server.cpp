// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/option_check.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/request/freelance_server.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

namespace flotilla::request {

namespace {

constexpr std::size_t server_turn_messages_max = 256;
constexpr int last_turns_max = 4; // when stopped: what a socket's queue holds
constexpr std::size_t reply_frames_max = 1'000;
constexpr std::uint32_t slow_clients_max = 1'000;

Status check(const FreelanceServerOptions& options) {
    if (!options.bind)
        return bad_option("a freelance server needs an endpoint to bind");
    const net::Endpoint& known = options.public_endpoint.value_or(*options.bind);
    if (known.is_wildcard())
        return bad_option("clients cannot connect to a wildcard; set public_endpoint");
    if (known.text().size() > 255)
        return bad_option("the public endpoint is the server's identity and has at most 255 bytes");
    if (options.message_bytes_max < 64ULL << 10 || options.message_bytes_max > 1ULL << 30)
        return bad_option("message_bytes_max must be 64KiB to 1GiB");
    if (options.backlog_messages_max < 1 || options.backlog_messages_max > 100'000 ||
        options.backlog_bytes_max < 64ULL << 10 || options.backlog_bytes_max > 1ULL << 30)
        return bad_option("backlogs must be 1 to 100,000 messages and 64KiB to 1GiB");
    return {};
}

std::optional<wire::Frames> ask(const FreelanceServer::Handler& handler, wire::Frames& request) {
    try {
        auto reply = handler(request);
        if (reply && reply->size() <= reply_frames_max)
            return reply;
    } catch (...) {
    }
    return std::nullopt;
}

} // namespace

struct FreelanceServer::Rest {
    Rest(const FreelanceServerOptions& options, net::Socket socket)
        : endpoint(options.public_endpoint.value_or(*options.bind)), router(std::move(socket)),
          backlogs(options.backlog_messages_max, options.backlog_bytes_max, slow_clients_max,
                   options.backlog_bytes_max * 4) {
        backlogs.bound_to(*options.bind);
    }

    Status turn(const Handler& handler);
    void handle(wire::Frames& message, const Handler& handler);
    void send(wire::Frames message);

    net::Endpoint endpoint;
    net::Socket router;
    net::PeerBacklogs backlogs;
    net::Poller poller; // only to wait in run(), and to be woken there
    std::atomic<bool> stopping{false};
    FreelanceServerCounters counters{};
    Status alive{};
};

void FreelanceServer::Rest::send(wire::Frames message) {
    switch (backlogs.send(router, std::move(message))) {
    case net::PeerBacklogs::Sent::yes:
        return;
    case net::PeerBacklogs::Sent::stopped:
        alive = fail(Errc::stopped);
        return;
    default:
        ++counters.dropped_total;
    }
}

// Frame 0 is the client, frame 1 its control frame.
void FreelanceServer::Rest::handle(wire::Frames& message, const Handler& handler) {
    if (message.size() == 2 && message[1] == ByteView{"PING"}) {
        ++counters.pings_total;
        message[1] = Blob::copy("PONG");
        return send(std::move(message));
    }
    if (message.size() < 3) {
        ++counters.malformed_total;
        return;
    }
    ++counters.requests_total;
    wire::Frames request;
    for (std::size_t i = 2; i < message.size(); ++i)
        request.add(std::move(message[i]));
    auto body = ask(handler, request);
    if (!body) {
        ++counters.declined_total;
        return;
    }
    wire::Frames reply;
    reply.add(std::move(message[0]));
    reply.add(std::move(message[1]));
    for (std::size_t i = 0; i < body->size(); ++i)
        reply.add(std::move((*body)[i]));
    if (body->empty())
        reply.add(ByteView{});
    ++counters.answered_total;
    send(std::move(reply));
}

Status FreelanceServer::Rest::turn(const Handler& handler) {
    if (!backlogs.empty())
        backlogs.retry(router, [this](const std::string&) { ++counters.dropped_total; });
    for (std::size_t i = 0; i < server_turn_messages_max && alive; ++i) {
        auto message = router.receive(Duration::zero());
        if (message)
            handle(*message, handler);
        else if (message.error().code == Errc::would_block)
            break;
        else if (message.error().code == Errc::too_large || message.error().code == Errc::too_many)
            ++counters.malformed_total;
        else
            alive = fail(message.error());
    }
    return alive;
}

FreelanceServer::FreelanceServer(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
FreelanceServer::FreelanceServer(FreelanceServer&&) noexcept = default;
FreelanceServer& FreelanceServer::operator=(FreelanceServer&&) noexcept = default;
FreelanceServer::~FreelanceServer() = default;

Result<FreelanceServer> FreelanceServer::open(net::Context& context,
                                              FreelanceServerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions socket;
    socket.routing_id = options.public_endpoint.value_or(*options.bind).text();
    socket.frame_bytes_max = options.message_bytes_max;
    socket.message_bytes_max = options.message_bytes_max;
    socket.security = options.security;
    socket.domain = options.domain;
    socket.linger = options.linger;
    auto router = net::Socket::open(context, net::SocketType::router, std::move(socket));
    if (!router)
        return fail(router.error());
    if (const auto bound = router->bind(*options.bind); !bound)
        return fail(bound.error());
    return FreelanceServer{std::make_unique<Rest>(options, std::move(*router))};
}

const net::Endpoint& FreelanceServer::endpoint() const noexcept {
    return rest_->endpoint;
}

Status FreelanceServer::process(Duration wait, const Handler& handler) {
    if (!rest_->backlogs.empty())
        wait = std::min(wait, rest_->backlogs.retry_in());
    if (wait > Duration::zero()) {
        const Status ready = rest_->router.wait_readable(wait);
        if (!ready && ready.error().code == Errc::stopped)
            return ready;
    }
    return rest_->turn(handler);
}

Status FreelanceServer::run(const Handler& handler) {
    rest_->poller.on_readable(rest_->router, [] {}); // only to be woken
    Status served{};
    while (served && !rest_->stopping) {
        const bool slow = !rest_->backlogs.empty();
        served = rest_->poller.turn(slow ? rest_->backlogs.retry_in() : no_limit);
        if (served)
            served = rest_->turn(handler);
    }
    rest_->poller.forget(rest_->router);
    for (int i = 0; i < last_turns_max && served && rest_->router.readable(); ++i)
        served = rest_->turn(handler);
    rest_->stopping = false;
    return served;
}

void FreelanceServer::stop_soon() noexcept {
    rest_->stopping = true;
    rest_->poller.stop();
}

int FreelanceServer::fd() const noexcept {
    return rest_->router.fd();
}
bool FreelanceServer::has_input() const noexcept {
    return rest_->router.readable();
}
FreelanceServerCounters FreelanceServer::counters() const {
    return rest_->counters;
}

} // namespace flotilla::request
