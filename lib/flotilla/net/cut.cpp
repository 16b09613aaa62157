// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/cut.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace flotilla::net {

void cut(int descriptor) noexcept {
    int is_listener = 0;
    socklen_t size = sizeof is_listener;
    if (descriptor < 0 ||
        ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &size) != 0 ||
        is_listener != 0)
        return;
    ::shutdown(descriptor, SHUT_RDWR);
}

std::string address_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    if (descriptor < 0 || ::getpeername(descriptor, address, &size) != 0)
        return {};
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const auto& inet = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &inet.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(ntohs(inet.sin_port));
    }
    if (address->sa_family == AF_INET6) {
        const auto& inet = reinterpret_cast<const sockaddr_in6&>(storage);
        const std::string port = ":" + std::to_string(ntohs(inet.sin6_port));
        if (IN6_IS_ADDR_V4MAPPED(&inet.sin6_addr)) { // a listener for both names IPv4 so
            ::inet_ntop(AF_INET, inet.sin6_addr.s6_addr + 12, text, sizeof text);
            return text + port;
        }
        ::inet_ntop(AF_INET6, &inet.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]" + port;
    }
    return {};
}

} // namespace flotilla::net
