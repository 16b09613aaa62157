// SPDX-License-Identifier: Apache-2.0
//
// HttpServer: HTTP for administrators, over cpp-httplib, with bounds that hold against whoever can
// connect. Its threads are its own: a slow or hostile client costs the daemon's loop nothing.
//
// One request a connection. A request has request_time_max to arrive and an answer answer_time_max
// to be read, however slowly bytes trickle. Nobody is waited for meanwhile: a request that has
// arrived goes to one of threads_max threads. Of more than connections_max that are still arriving,
// wait for a thread, or leave, the one that does so longest is hung up on, and what it asked is
// forgotten; one whose request a thread has is not. Answers that wait to be read are 64 MiB at
// most, with the same consequence. Only GET, HEAD and POST of JSON are served; no ranges, uploads,
// compressed or chunked bodies.
#pragma once

#include "admin/http_address.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::admin {

struct HttpRequest {
    std::string method{}; // "GET", also for HEAD; "POST"
    std::string path{};   // decoded
    std::map<std::string, std::string, std::less<>> query{};
    std::string token{}; // of Authorization: Bearer
    std::string if_none_match{};
    std::string body{};
    std::string peer{}; // "127.0.0.1:41234"
};

struct HttpAnswer {
    std::uint16_t code = 200;
    std::string type = "application/json";
    std::string body{};
    std::vector<std::pair<std::string, std::string>> headers{};
};

class HttpServer {
public:
    static constexpr std::size_t threads_max = 4;
    static constexpr std::size_t connections_max = 64; // in each of these stages
    static constexpr int waiting_max = 1024; // to be accepted; the system may bound it (somaxconn)
    static constexpr std::size_t path_bytes_max = 1 << 10;
    static constexpr std::size_t head_bytes_max = 16 << 10;
    static constexpr std::size_t body_bytes_max = 64 << 10;
    static constexpr Duration request_time_max = 3s;
    static constexpr Duration answer_time_max = 10s;

    // Called on its threads, several at once.
    using Handler = std::function<HttpAnswer(const HttpRequest&)>;

    // Listens when it returns. `names` are Hosts besides addresses. Errors: address_in_use,
    // address_unavailable.
    static Result<HttpServer> open(const HttpAddress& address, std::vector<std::string> names,
                                   Handler handler);
    HttpServer(HttpServer&&) noexcept;
    HttpServer& operator=(HttpServer&&) noexcept;
    ~HttpServer(); // stop()

    // With the port that it got.
    const HttpAddress& address() const noexcept;
    // Waits until what is under way is answered, each within its time.
    void stop();

private:
    struct Rest;
    explicit HttpServer(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::admin
