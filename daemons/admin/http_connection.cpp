// SPDX-License-Identifier: Apache-2.0
#include "admin/http_connection.hpp"

#include <flotilla/net/system.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace flotilla::admin {
namespace {

constexpr Duration farewell_max = 100ms;
constexpr std::size_t farewell_bytes_max = 256 << 10;

void name_end(const sockaddr_storage& address, std::string& ip, int& port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &address, sizeof in);
        ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
        port = ntohs(in.sin_port);
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &address, sizeof in);
        ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
        port = ntohs(in.sin6_port);
    }
    ip = text.data();
}

} // namespace

HttpConnection::HttpConnection(socket_t socket, std::function<void()> before_close)
    : socket_(socket), before_close_(std::move(before_close)),
      read_until_(deadline_after(net::now(), HttpServer::request_time_max)) {}

HttpConnection::~HttpConnection() {
    ::shutdown(socket_, SHUT_WR);
    const Instant until = deadline_after(net::now(), farewell_max);
    for (std::size_t read = 0; read < farewell_bytes_max && wait(POLLIN, until);) {
        const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (count <= 0)
            break;
        read += static_cast<std::size_t>(count);
    }
    before_close_();
    ::close(socket_);
}

bool HttpConnection::wait(short events, Instant until) const {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(time_left(net::now(), until));
        pollfd item{socket_, events, 0};
        const int ready = ::poll(&item, 1, static_cast<int>(left.count()));
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

bool HttpConnection::is_readable() const {
    return begin_ < end_ || wait(POLLIN, read_until_);
}

bool HttpConnection::is_writable() const {
    return wait(POLLOUT, deadline_after(net::now(), HttpServer::answer_time_max));
}

ssize_t HttpConnection::read(char* to, size_t size) {
    if (begin_ == end_) {
        if (may_read_ == 0 || !wait(POLLIN, read_until_))
            return -1;
        const ssize_t count =
            ::recv(socket_, buffer_.data(), std::min(buffer_.size(), may_read_), MSG_DONTWAIT);
        if (count <= 0)
            return count;
        begin_ = 0;
        end_ = static_cast<std::size_t>(count);
        may_read_ -= end_;
    }
    const std::size_t count = std::min(size, end_ - begin_);
    std::memcpy(to, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
}

ssize_t HttpConnection::write(const char* bytes, size_t size) {
    if (write_until_ == Instant{})
        write_until_ = deadline_after(net::now(), HttpServer::answer_time_max);
    std::size_t written = 0;
    while (written < size) {
        const ssize_t count =
            ::send(socket_, bytes + written, size - written, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0)
            written += static_cast<std::size_t>(count);
        else if (errno != EINTR && (errno != EAGAIN || !wait(POLLOUT, write_until_)))
            return -1;
    }
    return static_cast<ssize_t>(written);
}

void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        name_end(address, ip, port);
}

void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        name_end(address, ip, port);
}

} // namespace flotilla::admin
