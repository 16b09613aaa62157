// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/doctor/plain_connection.hpp>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace flotilla::cli::doctor {
namespace {

constexpr std::size_t addresses_max = 8;
// Nobody's first words are longer; a peer that floods us is not listened to.
constexpr std::size_t received_bytes_max = 65'536;

int wait_ms(Instant deadline) {
    const Duration left = time_left(net::now(), deadline);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(left, 1h));
    return static_cast<int>(ms.count());
}

bool wait_for(int descriptor, short events, Instant deadline) {
    pollfd polled{descriptor, events, 0};
    while (true) {
        const int ready = ::poll(&polled, 1, wait_ms(deadline));
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

Reached outcome_of(int number) {
    switch (number) {
    case 0:
        return Reached::connected;
    case ECONNREFUSED:
        return Reached::refused;
    case ENOENT:
        return Reached::no_socket_file;
    case EACCES:
    case EPERM:
        return Reached::no_permission;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
        return Reached::unreachable;
    case ETIMEDOUT:
        return Reached::timed_out;
    default:
        return Reached::failed;
    }
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    std::string text;
};

// One address: connects, and keeps the connection if it is the first.
void try_address(const Address& address, Instant deadline, Connecting& into) {
    PlainConnection connection(
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int number = 0;
    if (connection.descriptor() < 0) {
        number = errno;
    } else if (::connect(connection.descriptor(),
                         reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
        number = errno;
        // EAGAIN: an ipc listener whose queue is full; it may accept again.
        if (number == EINPROGRESS || number == EINTR) {
            socklen_t size = sizeof number;
            if (!wait_for(connection.descriptor(), POLLOUT, deadline))
                number = ETIMEDOUT;
            else if (::getsockopt(connection.descriptor(), SOL_SOCKET, SO_ERROR, &number, &size))
                number = errno;
        }
    }
    into.attempts.push_back(
        {address.text, outcome_of(number), number == 0 ? "" : std::strerror(number)});
    if (number == 0 && !into.connection)
        into.connection = std::move(connection);
}

std::string numeric(const addrinfo& info) {
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    ::getnameinfo(info.ai_addr, info.ai_addrlen, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV);
    const bool ipv6 = info.ai_family == AF_INET6;
    return (ipv6 ? "[" : "") + std::string(host) + (ipv6 ? "]:" : ":") + port;
}

struct Lookup {
    std::vector<Address> addresses;
    std::string failure;
};

std::vector<Address> addresses_of(const addrinfo* found) {
    std::vector<Address> all;
    for (; found && all.size() < addresses_max; found = found->ai_next) {
        Address address;
        address.size = found->ai_addrlen;
        std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
        address.text = numeric(*found);
        all.push_back(std::move(address));
    }
    return all;
}

// A look-up on a thread of its own, since a resolver may take its time. One that outlives our
// patience is left to itself, so it shares what it writes to.
struct Resolving {
    std::mutex mutex{};
    std::condition_variable done{};
    std::optional<Lookup> lookup{};
};

Lookup look_up(std::string host, std::uint16_t port, Instant deadline) {
    const auto resolving = std::make_shared<Resolving>();
    const auto resolve = [resolving, host = std::move(host), port = std::to_string(port)] {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        const int number = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
        Lookup lookup;
        if (number == 0) {
            lookup.addresses = addresses_of(found);
            ::freeaddrinfo(found);
        } else {
            lookup.failure = ::gai_strerror(number);
        }
        const std::lock_guard lock(resolving->mutex);
        resolving->lookup = std::move(lookup);
        resolving->done.notify_one();
    };
    try {
        std::thread(resolve).detach();
    } catch (const std::system_error& error) {
        return {{}, std::string("cannot start a thread: ") + error.what()};
    }
    std::unique_lock lock(resolving->mutex);
    if (!resolving->done.wait_for(lock, time_left(net::now(), deadline),
                                  [&] { return resolving->lookup.has_value(); }))
        return {{}, "the resolver does not answer"};
    return std::move(*resolving->lookup);
}

void connect_tcp(const net::Endpoint& endpoint, Instant deadline, Connecting& into) {
    const Lookup found = look_up(std::string(endpoint.host()), endpoint.port(), deadline);
    if (found.addresses.empty())
        into.attempts.push_back({std::string(endpoint.host()), Reached::unresolved, found.failure});
    for (const Address& address : found.addresses)
        try_address(address, deadline, into);
}

void connect_ipc(const net::Endpoint& endpoint, Instant deadline, Connecting& into) {
    Address address;
    auto* name = reinterpret_cast<sockaddr_un*>(&address.storage);
    name->sun_family = AF_UNIX;
    const std::string_view path = endpoint.address();
    address.text = std::string(path);
    std::memcpy(name->sun_path, path.data(), std::min(path.size(), sizeof name->sun_path - 1));
    const bool abstract = !path.empty() && path.front() == '@';
    if (abstract)
        name->sun_path[0] = '\0'; // "@name" lies outside the file system
    const std::size_t size = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0U : 1U);
    address.size = static_cast<socklen_t>(size);
    struct stat status {};
    if (!abstract && ::stat(address.text.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
        into.attempts.push_back({address.text, Reached::not_a_socket, "not a socket"});
        return;
    }
    try_address(address, deadline, into);
}

} // namespace

PlainConnection::PlainConnection(PlainConnection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}

PlainConnection& PlainConnection::operator=(PlainConnection&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(received_, other.received_);
    return *this;
}

PlainConnection::~PlainConnection() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

bool PlainConnection::send(ByteView bytes, Instant deadline) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EAGAIN && errno != EINTR)
            return false;
        else if (!wait_for(descriptor_, POLLOUT, deadline))
            return false;
    }
    return true;
}

PlainConnection::Got PlainConnection::receive(Instant deadline) {
    if (received_.size() >= received_bytes_max)
        return Got::end;
    while (wait_for(descriptor_, POLLIN, deadline)) {
        char bytes[4096];
        const ssize_t got = ::recv(descriptor_, bytes, sizeof bytes, 0);
        if (got > 0) {
            received_.append(bytes, static_cast<std::size_t>(got));
            return Got::bytes;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return Got::end;
    }
    return Got::nothing;
}

Connecting connect_plainly(const net::Endpoint& endpoint, Instant deadline) {
    Connecting result;
    if (endpoint.transport() == net::Transport::ipc)
        connect_ipc(endpoint, deadline, result);
    else
        connect_tcp(endpoint, deadline, result);
    return result;
}

} // namespace flotilla::cli::doctor
