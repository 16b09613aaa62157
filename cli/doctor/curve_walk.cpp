// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/doctor/command_frame.hpp>
#include <cli/doctor/curve_walk.hpp>
#include <cli/doctor/plain_connection.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace flotilla::cli::doctor {
namespace {

// What one direction of the pipe has shown.
class Watcher {
public:
    void see(ByteView bytes) {
        if (done_)
            return;
        seen_ += bytes;
        while (seen_.size() > at_ && !done_) {
            const CommandOutcome outcome = decode_command(ByteView(seen_).substr(at_));
            if (std::holds_alternative<NeedsMore>(outcome))
                return;
            const auto* command = std::get_if<CommandFrame>(&outcome);
            done_ = command == nullptr || command->name == "READY" || command->name == "ERROR";
            if (!command)
                return;
            last_ = command->name;
            if (command->name == "ERROR")
                reason_ = decode_reason(command->data);
            at_ += command->bytes;
        }
    }
    const std::string& last_command() const noexcept { return last_; }
    const std::string& reason() const noexcept { return reason_; }

private:
    std::string seen_;
    std::size_t at_ = greeting_bytes;
    bool done_ = false; // the handshake is over in this direction
    std::string last_;
    std::string reason_;
};

// A listening socket for the one connection of our own client; outside the file system.
class Door {
public:
    static Result<Door> open() {
        Door door(PlainConnection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        // An empty name: the kernel chooses one.
        socklen_t size = sizeof(sa_family_t);
        const int descriptor = door.listener_.descriptor();
        if (descriptor < 0 ||
            ::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), size) != 0 ||
            ::listen(descriptor, 1) != 0)
            return fail(Errc::io, std::string("no local socket: ") + std::strerror(errno));
        size = sizeof name;
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size);
        const std::size_t length = size - offsetof(sockaddr_un, sun_path) - 1;
        auto endpoint = net::Endpoint::parse("ipc://@" + std::string(name.sun_path + 1, length));
        if (!endpoint)
            return fail(endpoint.error());
        door.endpoint_.push_back(std::move(*endpoint));
        return door;
    }
    const net::Endpoint& endpoint() const noexcept { return endpoint_.front(); }
    int descriptor() const noexcept { return listener_.descriptor(); }
    PlainConnection accept() const {
        return PlainConnection(::accept4(descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    }

private:
    explicit Door(PlainConnection listener) noexcept : listener_(std::move(listener)) {}
    PlainConnection listener_;
    std::vector<net::Endpoint> endpoint_; // one, once it is known
};

bool wait_readable(int descriptor, Instant deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<Duration>(time_left(net::now(), deadline), 1h));
    pollfd polled{descriptor, POLLIN, 0};
    return ::poll(&polled, 1, static_cast<int>(left.count())) > 0;
}

// Moves what has come on one side to the other, without the first `known` bytes, which are there
// already. False: that side has ended.
class Pipe {
public:
    Pipe(PlainConnection& from, PlainConnection& to, std::size_t known)
        : from_(from), to_(to), known_(known) {}
    bool move_bytes(Watcher& watcher, Instant deadline) {
        char bytes[8192];
        const ssize_t got = ::recv(from_.descriptor(), bytes, sizeof bytes, 0);
        if (got <= 0)
            return false;
        ByteView view(bytes, static_cast<std::size_t>(got));
        watcher.see(view);
        const std::size_t skipped = std::min(known_, view.size());
        known_ -= skipped;
        view.remove_prefix(skipped);
        return view.empty() || to_.send(view, deadline);
    }

private:
    PlainConnection& from_;
    PlainConnection& to_;
    std::size_t known_;
};

CurveWalk::End judge(const Watcher& server, bool closed) {
    if (server.last_command() == "READY")
        return CurveWalk::End::succeeded;
    if (server.last_command() == "ERROR")
        return CurveWalk::End::denied;
    if (server.last_command() == "HELLO")
        return CurveWalk::End::peer_is_client;
    if (!closed)
        return CurveWalk::End::unanswered;
    return server.last_command() == "WELCOME" ? CurveWalk::End::closed_after_initiate
                                              : CurveWalk::End::closed_after_hello;
}

// The pipe between our client and the peer, until the handshake has an end.
CurveWalk watch(PlainConnection client, PlainConnection server, std::size_t sent_before,
                Instant deadline) {
    Watcher from_client;
    Watcher from_server;
    Pipe to_server(client, server, sent_before);
    Pipe to_client(server, client, 0);
    from_server.see(server.received());
    bool closed = !server.received().empty() && !client.send(server.received(), deadline);
    while (!closed && judge(from_server, false) == CurveWalk::End::unanswered) {
        std::array<pollfd, 2> polled{pollfd{client.descriptor(), POLLIN, 0},
                                     pollfd{server.descriptor(), POLLIN, 0}};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            std::min<Duration>(time_left(net::now(), deadline), 1h));
        if (::poll(polled.data(), polled.size(), static_cast<int>(left.count())) <= 0)
            break;
        // Our own client never ends first, unless the peer's greeting repels it.
        if (polled[0].revents != 0 && !to_server.move_bytes(from_client, deadline))
            closed = true;
        if (polled[1].revents != 0 && !to_client.move_bytes(from_server, deadline))
            closed = true;
    }
    CurveWalk walk;
    walk.end = judge(from_server, closed);
    walk.status = from_server.reason();
    return walk;
}

Result<CurveWalk> walk_as(net::Context& context, const net::Endpoint& peer,
                          const net::CurveClient& client, net::SocketType type, Instant deadline,
                          std::optional<PlainConnection> begun) {
    auto door = Door::open();
    if (!door)
        return fail(door.error());
    net::SocketOptions options;
    options.security = client;
    auto socket = net::Socket::open(context, type, options);
    if (!socket)
        return fail(socket.error());
    if (auto connected = socket->connect(door->endpoint()); !connected)
        return fail(connected.error());
    CurveWalk nothing;
    nothing.end = CurveWalk::End::unanswered;
    if (!wait_readable(door->descriptor(), deadline))
        return nothing;
    if (begun)
        return watch(door->accept(), std::move(*begun), greeting_opening_bytes, deadline);
    Connecting onward = connect_plainly(peer, deadline);
    if (!onward.connection)
        return nothing;
    return watch(door->accept(), std::move(*onward.connection), 0, deadline);
}

} // namespace

Result<CurveWalk> walk_curve(net::Context& context, const net::Endpoint& peer,
                             const net::CurveClient& client,
                             const std::vector<net::SocketType>& types, Instant deadline,
                             std::optional<PlainConnection> begun) {
    CurveWalk last;
    std::vector<net::SocketType> tried;
    for (const net::SocketType type : types) {
        const Instant began = net::now();
        auto walk =
            walk_as(context, peer, client, type, deadline, std::exchange(begun, std::nullopt));
        if (!walk)
            return fail(walk.error());
        last = std::move(*walk);
        last.took = net::now() - began;
        tried.push_back(type);
        if (last.end == CurveWalk::End::succeeded)
            last.joined_as = type;
        if (last.end != CurveWalk::End::closed_after_initiate)
            break;
    }
    last.tried = std::move(tried);
    return last;
}

} // namespace flotilla::cli::doctor
