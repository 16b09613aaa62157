// SPDX-License-Identifier: Apache-2.0
#include "freelance_links.hpp"

#include <flotilla/base/check.hpp>

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace flotilla::request {
namespace {

constexpr std::size_t freelance_turn_messages_max = 256; // of each link

} // namespace

Result<FreelanceLinks> FreelanceLinks::open(net::Context& context, net::SocketOptions options) {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0)
        return fail(Errc::out_of_files,
                    std::string("cannot watch servers: ") + std::strerror(errno));
    return FreelanceLinks{context, std::move(options), descriptor};
}

FreelanceLinks::FreelanceLinks(net::Context& context, net::SocketOptions options, int descriptor)
    : context_(&context), options_(std::move(options)), descriptor_(descriptor) {}

FreelanceLinks::FreelanceLinks(FreelanceLinks&& other) noexcept
    : context_(other.context_), options_(std::move(other.options_)),
      descriptor_(std::exchange(other.descriptor_, -1)), poller_(std::move(other.poller_)),
      links_(std::move(other.links_)) {}

FreelanceLinks::~FreelanceLinks() {
    for (std::size_t link = 0; link < links_.size(); ++link)
        remove(link);
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

Status FreelanceLinks::add(std::size_t link, const net::Endpoint& server) {
    auto dealer = net::Socket::open(*context_, net::SocketType::dealer, options_);
    if (!dealer)
        return fail(dealer.error());
    auto monitor = net::Monitor::open(*dealer);
    if (!monitor)
        return fail(monitor.error());
    if (Status connected = dealer->connect(server); !connected)
        return connected;
    if (link >= links_.size())
        links_.resize(link + 1);
    FLOTILLA_CHECK(!links_[link], "two links had one number");
    links_[link] = std::make_unique<Link>(Link{std::move(*dealer), std::move(*monitor)});
    watch(links_[link]->dealer);
    watch(links_[link]->monitor.socket());
    return {};
}

// Its place in the descriptor ends when it closes.
void FreelanceLinks::watch(net::Socket& socket) {
    poller_.on_readable(socket, [] {}); // what there is to do is done after the wait
    epoll_event event{};
    event.events = EPOLLIN;
    (void)::epoll_ctl(descriptor_, EPOLL_CTL_ADD, socket.fd(), &event);
}

void FreelanceLinks::remove(std::size_t link) {
    if (link >= links_.size() || !links_[link])
        return;
    poller_.forget(links_[link]->dealer);
    poller_.forget(links_[link]->monitor.socket());
    links_[link].reset();
}

Status FreelanceLinks::send(std::size_t link, wire::Frames& message) {
    return links_[link]->dealer.send(message, Duration::zero());
}

Status FreelanceLinks::receive(const std::function<void(std::size_t, Result<wire::Frames>)>& each) {
    for (std::size_t link = 0; link < links_.size(); ++link) {
        for (std::size_t i = 0; links_[link] && i < freelance_turn_messages_max; ++i) {
            auto message = links_[link]->dealer.receive(Duration::zero());
            const Errc code = message ? Errc::would_block : message.error().code;
            if (!message && code == Errc::would_block)
                break;
            if (!message && code != Errc::too_large && code != Errc::too_many)
                return fail(message.error());
            each(link, std::move(message));
        }
    }
    return {};
}

void FreelanceLinks::hear(
    const std::function<void(std::size_t, const net::ConnectionEvent&)>& each) {
    for (std::size_t link = 0; link < links_.size(); ++link)
        while (links_[link]) {
            const auto event = links_[link]->monitor.next();
            if (!event)
                break;
            each(link, *event);
        }
}

Status FreelanceLinks::wait(Duration most) {
    return poller_.turn(most);
}

bool FreelanceLinks::readable() const noexcept {
    return std::any_of(links_.begin(), links_.end(), [](const auto& link) {
        return link && (link->dealer.readable() || link->monitor.socket().readable());
    });
}

} // namespace flotilla::request
