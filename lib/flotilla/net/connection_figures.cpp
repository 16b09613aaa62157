// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/cut.hpp>

#include <linux/sockios.h>
#include <linux/tcp.h> // the C library's tcp_info lacks the bytes
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace flotilla::net {
namespace {

std::uint64_t waiting(int descriptor, unsigned long question) {
    int bytes = 0;
    return ::ioctl(descriptor, question, &bytes) == 0
               ? static_cast<std::uint64_t>(std::max(bytes, 0))
               : 0;
}

} // namespace

std::string peer_text(int descriptor) {
    if (std::string address = address_of(descriptor); !address.empty())
        return address;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (descriptor < 0 || ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        peer.pid <= 0)
        return {};
    return "process " + std::to_string(peer.pid);
}

std::optional<ConnectionFigures> connection_figures(int descriptor, std::string_view peer) {
    if (peer.empty() || peer_text(descriptor) != peer)
        return std::nullopt;
    ConnectionFigures figures;
    figures.unread_bytes = waiting(descriptor, SIOCINQ);
    figures.unsent_bytes = waiting(descriptor, SIOCOUTQ);
    tcp_info tcp{};
    socklen_t size = sizeof tcp;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &tcp, &size) != 0)
        return figures;
    // An older kernel fills less.
    if (size >= offsetof(tcp_info, tcpi_bytes_received) + sizeof tcp.tcpi_bytes_received) {
        figures.received_bytes = tcp.tcpi_bytes_received;
        figures.sent_bytes = tcp.tcpi_bytes_acked;
    }
    figures.round_trip = std::chrono::microseconds{tcp.tcpi_rtt};
    return figures;
}

} // namespace flotilla::net
