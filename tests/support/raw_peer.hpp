// SPDX-License-Identifier: Apache-2.0
//
// RawTcpPeer: a TCP connection that is no ZeroMQ peer, or says what it likes. RawZmtpPeer: one that
// gets through the handshake (23/ZMTP 3.0, NULL), and then says what no library would.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/socket.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <support/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::test {

class RawTcpPeer {
public:
    explicit RawTcpPeer(const net::Endpoint& endpoint)
        : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    RawTcpPeer(RawTcpPeer&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    RawTcpPeer& operator=(RawTcpPeer&&) = delete;
    ~RawTcpPeer() { close(); }
    void close() {
        if (descriptor_ >= 0)
            ::close(std::exchange(descriptor_, -1));
    }

    // Waits until the other side took it. False: it has hung up.
    bool say(ByteView bytes) const {
        while (!bytes.empty()) {
            const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    // What fits now, taken off `bytes`. False: the other side has hung up, as far as it has told:
    // after a hang-up, the kernel may take a minute to say so to who waits for room.
    bool say_some(std::string& bytes) const {
        const auto sent =
            ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes.erase(0, static_cast<std::size_t>(sent));
        return sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK;
    }
    // Waits until the other side has said so much.
    std::string hear(std::size_t bytes) const {
        std::string text(bytes, '\0');
        REQUIRE(::recv(descriptor_, text.data(), bytes, MSG_WAITALL) ==
                static_cast<ssize_t>(bytes));
        return text;
    }
    // What came before is read, and lost.
    bool was_hung_up_on() const {
        char byte = 0;
        for (;;) {
            const auto got = ::recv(descriptor_, &byte, 1, MSG_DONTWAIT);
            if (got == 0)
                return true;
            if (got < 0)
                return errno != EAGAIN && errno != EWOULDBLOCK;
        }
    }

private:
    int descriptor_;
};

// The 64 bytes that a peer begins with.
inline std::string zmtp_greeting(std::string_view mechanism) {
    std::string bytes("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0", 12);
    bytes += mechanism;
    bytes.resize(64);
    return bytes;
}

// A READY of NULL with these properties.
inline std::string
zmtp_ready(const std::vector<std::pair<std::string_view, std::string_view>>& properties) {
    std::string body = "\x05READY";
    for (const auto& [name, value] : properties) {
        body += static_cast<char>(name.size());
        body.append(name).append(3, '\0');
        body += static_cast<char>(value.size());
        body += value;
    }
    return std::string(1, '\x04') + static_cast<char>(body.size()) + body;
}

// One frame, and whether another one of the same message follows.
inline std::string zmtp_frame(ByteView bytes, net::More more) {
    const bool is_long = bytes.size() > 255;
    std::string text(1, static_cast<char>((more == net::More::yes ? 1 : 0) | (is_long ? 2 : 0)));
    for (int shift = is_long ? 56 : 0; shift >= 0; shift -= 8)
        text += static_cast<char>((bytes.size() >> shift) & 0xff);
    return text.append(bytes);
}

class RawZmtpPeer {
public:
    // `type` is what it says it is: "DEALER".
    RawZmtpPeer(const net::Endpoint& endpoint, std::string_view type) : peer_(endpoint) {
        REQUIRE(peer_.say(zmtp_greeting("NULL") + zmtp_ready({{"Socket-Type", type}})));
        // libzmq takes what comes before its own READY for a part of the handshake.
        (void)peer_.hear(64);
        const std::string command = peer_.hear(2); // flags and length
        (void)peer_.hear(static_cast<unsigned char>(command[1]));
    }

    // As one, with flush().
    void frame(ByteView bytes, net::More more = net::More::no) {
        unsent_ += zmtp_frame(bytes, more);
    }
    bool flush() { return peer_.say(std::exchange(unsent_, {})); }
    // A frame of a message that never ends, or as much of it as goes now. False: hung up on.
    bool go_on(ByteView bytes) {
        if (unsent_.empty())
            frame(bytes, net::More::yes);
        return peer_.say_some(unsent_);
    }
    bool was_hung_up_on() const { return peer_.was_hung_up_on(); }

private:
    RawTcpPeer peer_;
    std::string unsent_{};
};

} // namespace flotilla::test
