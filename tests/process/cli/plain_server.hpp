// SPDX-License-Identifier: Apache-2.0
// A server that is not ZeroMQ: listens on a port of the system's choice and gives every connection
// the same answer once it has sent something.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace flotilla::test {

class PlainServer {
public:
    enum class Listens { yes, no }; // no: the port is taken, but connections are refused
    PlainServer(Listens listens, std::string answer) : answer_(std::move(answer)) {
        descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("cannot bind");
        port_ = ntohs(address.sin_port);
        if (listens == Listens::yes && ::listen(descriptor_, 8) != 0)
            throw std::runtime_error("cannot listen");
        // Without an answer nobody accepts: the kernel completes the connection all the same.
        if (!answer_.empty())
            thread_ = std::thread([this] { serve(); });
    }
    PlainServer(const PlainServer&) = delete;
    PlainServer& operator=(const PlainServer&) = delete;
    ~PlainServer() {
        stop_ = true;
        if (thread_.joinable())
            thread_.join();
        ::close(descriptor_);
    }
    std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

private:
    void serve() {
        while (!stop_) {
            pollfd polled{descriptor_, POLLIN, 0};
            if (::poll(&polled, 1, 20) <= 0)
                continue;
            const int peer = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
            char ignored[4096];
            if (::recv(peer, ignored, sizeof ignored, 0) > 0)
                (void)::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
            ::close(peer);
        }
    }

    std::string answer_;
    int descriptor_ = -1;
    int port_ = 0;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

} // namespace flotilla::test
