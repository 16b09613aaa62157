// SPDX-License-Identifier: Apache-2.0
#include "given_listeners.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace flotilla::net::detail {
namespace {

auto refused(int descriptor, const std::string& why) {
    return fail(Errc::bad_option,
                "descriptor " + std::to_string(descriptor) + " is no listening socket: " + why);
}

std::string ip_text(int family, const void* address, std::uint16_t port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, address, text.data(), text.size());
    const std::string host = text.data();
    return "tcp://" + (family == AF_INET6 ? "[" + host + "]" : host) + ":" +
           std::to_string(ntohs(port));
}

// "tcp://127.0.0.1:5560", "ipc:///run/store"; empty for any other kind of socket.
std::string endpoint_text(const sockaddr_storage& name, socklen_t size) {
    if (name.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &name, sizeof in);
        return ip_text(AF_INET, &in.sin_addr, in.sin_port);
    }
    if (name.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &name, sizeof in);
        return ip_text(AF_INET6, &in.sin6_addr, in.sin6_port);
    }
    if (name.ss_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path))
        return {};
    sockaddr_un un{};
    std::memcpy(&un, &name, std::min<std::size_t>(size, sizeof un));
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    if (un.sun_path[0] == '\0') // the abstract namespace, where every byte counts
        return "ipc://@" + std::string(un.sun_path + 1, length - 1);
    return "ipc://" + std::string(un.sun_path, ::strnlen(un.sun_path, length));
}

bool is_any_host(std::string_view host) {
    return host == "*" || host == "0.0.0.0" || host == "::";
}

bool is_same_place(const Endpoint& asked, const Endpoint& given) {
    if (asked == given)
        return true;
    return asked.transport() == Transport::tcp && given.transport() == Transport::tcp &&
           asked.port() == given.port() && asked.port() != 0 &&
           (asked.host() == given.host() || (asked.host() == "*" && is_any_host(given.host())));
}

} // namespace

GivenListeners::~GivenListeners() {
    for (const Given& each : given_)
        ::close(each.descriptor);
}

Result<Endpoint> GivenListeners::give(int descriptor) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
        return refused(descriptor, std::strerror(errno));
    int type = 0;
    size = sizeof type;
    if (listens == 0 || ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        type != SOCK_STREAM)
        return refused(descriptor, "nobody can connect to it as a stream");
    sockaddr_storage name{};
    size = sizeof name;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0)
        return refused(descriptor, std::strerror(errno));
    auto endpoint = Endpoint::parse(endpoint_text(name, size));
    if (!endpoint)
        return refused(descriptor, "its address is none of ZeroMQ's");
    // Whoever made it may have left either out; libzmq needs the first, our children the second.
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    const std::lock_guard lock(mutex_);
    given_.push_back({descriptor, *endpoint});
    return endpoint;
}

int GivenListeners::take(const Endpoint& endpoint) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(given_.begin(), given_.end(), [&](const Given& each) {
        return is_same_place(endpoint, each.endpoint);
    });
    if (found == given_.end())
        return -1;
    const int descriptor = found->descriptor;
    given_.erase(found);
    return descriptor;
}

std::vector<Endpoint> GivenListeners::left() const {
    const std::lock_guard lock(mutex_);
    std::vector<Endpoint> all;
    for (const Given& each : given_)
        all.push_back(each.endpoint);
    return all;
}

} // namespace flotilla::net::detail
