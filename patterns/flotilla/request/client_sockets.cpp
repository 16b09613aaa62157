// SPDX-License-Identifier: Apache-2.0
#include "client_sockets.hpp"

#include <flotilla/request/codec.hpp>

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace flotilla::request {

namespace {

constexpr std::size_t link_turn_messages_max = 1000; // a link
constexpr std::size_t turn_signs_max = 64;
constexpr std::size_t unsent_more_max = 1000; // a link, beyond two for each call

} // namespace

Result<ClientSockets> ClientSockets::open(net::Context& context, const ClientOptions& options) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return fail(Errc::out_of_files, "no descriptor for a client's connections");
    return ClientSockets{context, options, epoll};
}

ClientSockets::ClientSockets(net::Context& context, const ClientOptions& options,
                             int epoll) noexcept
    : context_(&context), options_(options), epoll_(epoll) {}

ClientSockets::ClientSockets(ClientSockets&& other) noexcept
    : context_(other.context_), options_(std::move(other.options_)),
      epoll_(std::exchange(other.epoll_, -1)), links_(std::move(other.links_)),
      look_(std::move(other.look_)) {}

ClientSockets::~ClientSockets() {
    while (!links_.empty())
        close(links_.begin()->first);
    if (epoll_ >= 0)
        ::close(epoll_);
}

void ClientSockets::list(LinkId id, Link& link) {
    if (std::exchange(link.listed, true))
        return;
    look_.push_back(id);
}

void ClientSockets::hear(int wait_ms) {
    std::array<epoll_event, turn_signs_max> events{};
    // The caller looks again at whatever it waits for, so an interrupted wait needs no care.
    const int count = ::epoll_wait(epoll_, events.data(), turn_signs_max, wait_ms);
    for (int i = 0; i < count; ++i) {
        const LinkId id{events[static_cast<std::size_t>(i)].data.u64};
        if (const auto link = links_.find(id); link != links_.end())
            list(id, link->second);
    }
}

bool ClientSockets::watch(const net::Socket& socket, LinkId id) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id.value();
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.fd(), &event) == 0;
}

void ClientSockets::unwatch(const net::Socket& socket) noexcept {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket.fd(), nullptr);
}

Result<ClientSockets::Link> ClientSockets::make(const ClientOutputs::Open& link) {
    net::SocketOptions socket;
    socket.frame_bytes_max = options_.message_bytes_max;
    socket.message_bytes_max = options_.message_bytes_max + limits::envelope_bytes_max;
    socket.reconnect_min = options_.reconnect_min;
    socket.reconnect_max = options_.reconnect_max;
    socket.security = options_.security;
    auto dealer = net::Socket::open(*context_, net::SocketType::dealer, std::move(socket));
    if (!dealer)
        return fail(dealer.error());
    Link made{std::move(*dealer)};
    if (link.watched) {
        auto monitor = net::Monitor::open(made.dealer);
        if (!monitor)
            return fail(monitor.error());
        made.monitor.emplace(std::move(*monitor));
    }
    if (Status connected = made.dealer.connect(options_.brokers[link.broker]); !connected)
        return fail(connected.error());
    return made;
}

Status ClientSockets::open(const ClientOutputs::Open& link) {
    auto made = make(link);
    if (!made)
        return fail(made.error());
    Link& kept = links_.emplace(link.link, std::move(*made)).first->second;
    list(link.link, kept);
    if (watch(kept.dealer, link.link) &&
        (!kept.monitor || watch(kept.monitor->socket(), link.link)))
        return {};
    close(link.link);
    return fail(Errc::out_of_files, "no room to wait for another connection");
}

void ClientSockets::close(LinkId id) {
    const auto link = links_.find(id);
    if (link == links_.end())
        return;
    if (link->second.monitor)
        unwatch(link->second.monitor->socket());
    unwatch(link->second.dealer);
    links_.erase(link);
}

std::size_t ClientSockets::send(ClientOutputs::Send&& send) {
    const auto found = links_.find(send.link);
    if (found == links_.end())
        return 0;
    Link& link = found->second;
    list(send.link, link);
    std::size_t discarded = 0;
    while (send.discard_first && discarded < link_turn_messages_max &&
           link.dealer.receive(Duration::zero()))
        ++discarded;
    wire::Frames frames;
    write(std::move(send.message), frames);
    if (link.unsent.empty() && link.dealer.send(frames, Duration::zero()))
        return discarded;
    if (link.unsent.size() < 2 * std::size_t{options_.calls_max} + unsent_more_max)
        link.unsent.push_back(std::move(frames));
    return discarded;
}

bool ClientSockets::flush() {
    bool left = false;
    for (auto& [id, link] : links_) {
        if (link.unsent.empty())
            continue;
        list(id, link);
        while (!link.unsent.empty() && link.dealer.send(link.unsent.front(), Duration::zero()))
            link.unsent.pop_front();
        left = left || !link.unsent.empty();
    }
    return left;
}

Status ClientSockets::read(const OnEvent& heard, const OnMessage& message,
                           const OnMalformed& malformed) {
    hear(0);
    // CURVE: a socket that was refused connects again when it is looked at.
    const bool all = !std::holds_alternative<net::Plaintext>(options_.security);
    for (auto& [id, link] : links_) {
        if (all)
            list(id, link);
        while (link.monitor) {
            const auto event = link.monitor->next();
            if (!event)
                break;
            heard(id, *event);
        }
    }
    for (const LinkId id : std::exchange(look_, {}))
        if (const auto link = links_.find(id); link != links_.end())
            if (const Status done = read(id, link->second, message, malformed); !done)
                return done;
    return {};
}

Status ClientSockets::read(LinkId id, Link& link, const OnMessage& message,
                           const OnMalformed& malformed) {
    link.listed = false;
    for (std::size_t i = 0; i < link_turn_messages_max; ++i) {
        auto frames = link.dealer.receive(Duration::zero());
        if (frames)
            message(id, *frames);
        else if (frames.error().code == Errc::would_block)
            return {};
        else if (frames.error().code == Errc::too_large || frames.error().code == Errc::too_many)
            malformed();
        else
            return fail(frames.error());
    }
    list(id, link); // there is more
    return {};
}

void ClientSockets::wait(Duration wait) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    hear(static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000)));
}

bool ClientSockets::readable() const noexcept {
    epoll_event event{};
    return std::any_of(look_.begin(), look_.end(),
                       [this](LinkId id) {
                           const auto link = links_.find(id);
                           return link != links_.end() && link->second.dealer.readable();
                       }) ||
           ::epoll_wait(epoll_, &event, 1, 0) > 0;
}

} // namespace flotilla::request
