// SPDX-License-Identifier: Apache-2.0
// A TCP connection that is no ZeroMQ peer, or says what it likes.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/net/endpoint.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <support/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>

namespace flotilla::relay {

class RawClient {
public:
    explicit RawClient(const net::Endpoint& endpoint) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { ::close(socket_); }

    // The peer may hang up meanwhile.
    void write(ByteView bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    int descriptor() const noexcept { return socket_; }

private:
    int socket_;
};

} // namespace flotilla::relay
