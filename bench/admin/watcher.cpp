// SPDX-License-Identifier: Apache-2.0
#include "admin/watcher.hpp"

#include "arena.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace flotilla::bench {
namespace {

void get(std::uint16_t port, const std::string& path) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0)
        give_up("cannot ask " + path);
    std::array<char, 65'536> bytes{};
    std::string head;
    for (ssize_t count = 1; count > 0;) {
        count = ::recv(socket, bytes.data(), bytes.size(), 0);
        if (head.empty() && count > 0)
            head.assign(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(socket);
    if (!head.starts_with("HTTP/1.1 200"))
        give_up(path + ": " + head.substr(0, head.find('\r')));
}

} // namespace

Watcher::Watcher(const std::string& address) {
    if (address.empty())
        return;
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    thread_ = std::thread([this, port] {
        using namespace std::chrono_literals;
        for (auto next = std::chrono::steady_clock::now(); !over_;) {
            for (const char* page : {"/metrics", "/api/status"})
                get(port, page);
            ++looks_;
            next += 1s;
            while (!over_ && std::chrono::steady_clock::now() < next)
                std::this_thread::sleep_for(20ms);
        }
    });
}

Watcher::~Watcher() {
    over_ = true;
    if (thread_.joinable())
        thread_.join();
}

} // namespace flotilla::bench
