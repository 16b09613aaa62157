// SPDX-License-Identifier: Apache-2.0
//
// HttpExchange: a request that is here and the answer to it, as cpp-httplib's Stream. In memory:
// HttpWire moves the bytes, and the library waits for nobody.
#pragma once

#include "admin/http_wire.hpp"

#include <httplib.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace flotilla::admin {

class HttpExchange final : public httplib::Stream {
public:
    explicit HttpExchange(HttpWire::Request request) : request_(std::move(request)) {}

    const std::string& peer() const noexcept { return request_.peer; }
    int port() const noexcept { return request_.port; }
    std::string take_answer() { return std::move(answer_); }

    bool is_readable() const override { return read_ < request_.bytes.size(); }
    bool is_writable() const override { return true; }
    ssize_t read(char* to, size_t size) override {
        const std::size_t count = std::min(size, request_.bytes.size() - read_);
        std::memcpy(to, request_.bytes.data() + read_, count);
        read_ += count;
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* bytes, size_t size) override {
        answer_.append(bytes, size);
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& ip, int& port) const override {
        ip = request_.peer;
        port = request_.port;
    }
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return INVALID_SOCKET; }

private:
    HttpWire::Request request_;
    std::size_t read_ = 0;
    std::string answer_{};
};

} // namespace flotilla::admin
