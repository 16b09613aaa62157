// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: a connection as a client has it that need not keep to the protocol. http_get and
// http_post keep to it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <support/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace flotilla::test {

class HttpClient {
public:
    // Of this machine.
    explicit HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient() { ::close(socket_); }

    void say(const std::string& text) {
        (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    // The server has not hung up, and has said nothing.
    bool is_open() const {
        char byte = 0;
        return ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
    }
    // Everything until the server hangs up.
    std::string rest() {
        std::string all;
        std::array<char, 4096> bytes{};
        for (;;) {
            pollfd item{socket_, POLLIN, 0};
            if (::poll(&item, 1, 60'000) != 1)
                return all + " (no end)";
            const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
            if (count <= 0)
                return all;
            all.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

private:
    int socket_;
};

struct HttpReply {
    int code = 0; // 0: no answer
    std::string head{};
    std::string body{};
};

inline HttpReply http_ask(std::uint16_t port, const std::string& text) {
    HttpClient client(port);
    client.say(text);
    const std::string all = client.rest();
    const std::size_t end = all.find("\r\n\r\n");
    if (!all.starts_with("HTTP/1.1 ") || end == std::string::npos)
        return {0, all, {}};
    return {std::atoi(all.c_str() + 9), all.substr(0, end), all.substr(end + 4)};
}

// `headers` are whole lines, each with its "\r\n".
inline HttpReply http_get(std::uint16_t port, const std::string& path,
                          const std::string& headers = {}) {
    return http_ask(port, "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
}

inline HttpReply http_post(std::uint16_t port, const std::string& path, const std::string& json,
                           const std::string& headers = {}) {
    return http_ask(port, "POST " + path +
                              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
                              headers + "Content-Length: " + std::to_string(json.size()) +
                              "\r\n\r\n" + json);
}

} // namespace flotilla::test
