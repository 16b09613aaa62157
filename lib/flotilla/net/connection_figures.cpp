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

// Of TCP, as far as the kernel knows it: an older one fills less.
struct TcpInfo {
    tcp_info info{};
    bool has_bytes = false;
};
std::optional<TcpInfo> tcp_info_of(int descriptor) {
    TcpInfo tcp;
    socklen_t size = sizeof tcp.info;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &tcp.info, &size) != 0)
        return std::nullopt;
    tcp.has_bytes =
        size >= offsetof(tcp_info, tcpi_bytes_received) + sizeof tcp.info.tcpi_bytes_received;
    return tcp;
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

std::optional<Traffic> traffic_of(int descriptor) {
    // What comes between the two questions counts as not read.
    const auto tcp = tcp_info_of(descriptor);
    if (!tcp || !tcp->has_bytes)
        return std::nullopt;
    const std::uint64_t received = tcp->info.tcpi_bytes_received;
    return Traffic{received - std::min(received, waiting(descriptor, SIOCINQ)),
                   tcp->info.tcpi_bytes_acked};
}

std::optional<ConnectionFigures> connection_figures(int descriptor, std::string_view peer) {
    if (peer.empty() || peer_text(descriptor) != peer)
        return std::nullopt;
    ConnectionFigures figures;
    figures.unread_bytes = waiting(descriptor, SIOCINQ);
    figures.unsent_bytes = waiting(descriptor, SIOCOUTQ);
    const auto tcp = tcp_info_of(descriptor);
    if (!tcp)
        return figures;
    if (tcp->has_bytes) {
        figures.received_bytes = tcp->info.tcpi_bytes_received;
        figures.sent_bytes = tcp->info.tcpi_bytes_acked;
    }
    figures.round_trip = std::chrono::microseconds{tcp->info.tcpi_rtt};
    return figures;
}

} // namespace flotilla::net
