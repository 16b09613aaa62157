// SPDX-License-Identifier: Apache-2.0
//
// HttpConnection: one accepted connection as cpp-httplib's Stream, in which bytes and time are
// bounded over the whole request and not, as in the library's own, from one byte to the next.
#pragma once

#include "admin/http_server.hpp"

#include <flotilla/base/time.hpp>

#include <httplib.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>

namespace flotilla::admin {

class HttpConnection final : public httplib::Stream {
public:
    // Takes the socket; the destructor closes it, politely: what the peer still sends is read for a
    // moment, so that the answer is not lost with a reset.
    // `before_close` is called while the descriptor is still ours.
    HttpConnection(socket_t socket, std::function<void()> before_close);
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    ~HttpConnection() override;

    bool is_readable() const override;
    bool is_writable() const override;
    ssize_t read(char* to, size_t size) override;
    ssize_t write(const char* bytes, size_t size) override;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    socket_t socket() const override { return socket_; }

private:
    bool wait(short events, Instant until) const;

    socket_t socket_;
    std::function<void()> before_close_;
    Instant read_until_;
    Instant write_until_{}; // set by the first write
    std::size_t may_read_ = HttpServer::head_bytes_max + HttpServer::body_bytes_max;
    std::array<char, 4096> buffer_{};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace flotilla::admin
