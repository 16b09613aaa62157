// SPDX-License-Identifier: Apache-2.0
#include "admin/http_server.hpp"

#include "admin/http_exchange.hpp"
#include "admin/http_wire.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace flotilla::admin {
namespace {

constexpr Duration last_answers_max = 500ms; // of answers on their way, at the end

// Of the accepting thread: what it is given only hands the socket on.
class AtOnce final : public httplib::TaskQueue {
    // Nothing up to cpp-httplib 0.14, then whether there was room.
    using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));

public:
    Enqueued enqueue(std::function<void()> hand_on) override {
        hand_on();
        return Enqueued(true);
    }
    void shutdown() override {}
};

HttpAnswer http_refusal(std::uint16_t code, const std::string& error, const std::string& why) {
    return {code, "application/json", R"({"error":")" + error + R"(","why":")" + why + "\"}", {}};
}

void give(HttpAnswer&& answer, httplib::Response& to) {
    to.status = answer.code;
    for (auto& [name, value] : answer.headers)
        to.set_header(name, value);
    if (!answer.body.empty())
        to.set_content(answer.body, answer.type);
}

std::string bearer(const httplib::Request& request) {
    constexpr std::string_view scheme = "Bearer ";
    const std::string value = request.get_header_value("Authorization");
    return value.starts_with(scheme) ? value.substr(scheme.size()) : std::string{};
}

bool is_json(const httplib::Request& request) {
    return request.get_header_value("Content-Type").starts_with("application/json");
}

class Server final : public httplib::Server {
public:
    Server(std::vector<std::string> names, HttpServer::Handler handler)
        : names_(std::move(names)), handler_(std::move(handler)) {
        new_task_queue = [] { return new AtOnce; };
        set_payload_max_length(HttpServer::body_bytes_max);
        // Without the library's SO_REUSEPORT, with which two daemons would share a port unawares.
        set_socket_options([](socket_t socket) {
            const int yes = 1;
            (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        });
        set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& to) {
            return before_body(request, to);
        });
        Post(".*", [this](const httplib::Request& request, httplib::Response& to) {
            give(handler_(plain(request)), to);
        });
    }

    ~Server() override { end(Duration::zero()); }
    bool is_open() const noexcept { return wire_.is_open(); }
    // The library's own listen() lets 5 connections wait to be accepted; the next comes a second
    // later. Said again, it only sets their number.
    bool let_wait(int connections) const noexcept {
        return ::listen(svr_sock_.load(), connections) == 0;
    }

    // Once nobody accepts any more: answers that are under way get `grace` to leave.
    void end(Duration grace) {
        if (std::exchange(has_ended_, true))
            return;
        wire_.stop(grace);
        threads_.shutdown();
    }

private:
    // Everything but the bodies of POST is settled here, before the library reads one.
    HandlerResponse before_body(const httplib::Request& request, httplib::Response& to) {
        if (auto refused = unfit(request)) {
            give(std::move(*refused), to);
            return HandlerResponse::Handled;
        }
        if (request.method == "POST")
            return HandlerResponse::Unhandled;
        give(handler_(plain(request)), to);
        return HandlerResponse::Handled;
    }

    std::optional<HttpAnswer> unfit(const httplib::Request& request) const {
        if (request.path.size() > HttpServer::path_bytes_max)
            return http_refusal(414, "too_large", "the path has more than 1024 bytes");
        const std::size_t hosts = request.get_header_value_count("Host");
        if (hosts > 1 || (hosts == 0 && request.version == "HTTP/1.1"))
            return http_refusal(400, "malformed", "a request has one header Host, and no more");
        if (hosts == 1 && !is_our_host(request.get_header_value("Host"), names_))
            return http_refusal(403, "not_allowed",
                                "this name is none of ours; admin_hosts may list it");
        if (request.method == "GET" || request.method == "HEAD")
            return std::nullopt;
        if (request.method != "POST")
            return http_refusal(405, "unsupported", "only GET, HEAD and POST are served");
        if (request.has_header("Transfer-Encoding"))
            return http_refusal(411, "unsupported",
                                "the length of a body is said by Content-Length");
        if (request.get_header_value_count("Content-Length") > 1)
            return http_refusal(400, "malformed", "a request has one header Content-Length");
        if (!is_json(request) || request.has_header("Content-Encoding"))
            return http_refusal(415, "unsupported", "the body is plain JSON (application/json)");
        return std::nullopt;
    }

    static HttpRequest plain(const httplib::Request& request) {
        HttpRequest plain;
        plain.method = request.method == "HEAD" ? "GET" : request.method;
        plain.path = request.path;
        for (const auto& [name, value] : request.params)
            plain.query.emplace(name, value);
        plain.token = bearer(request);
        plain.if_none_match = request.get_header_value("If-None-Match");
        plain.body = request.body;
        plain.peer = request.remote_addr + ":" + std::to_string(request.remote_port);
        return plain;
    }

    bool process_and_close_socket(socket_t socket) override {
        wire_.enter(socket);
        return true;
    }

    // Since cpp-httplib 0.16 it is told the addresses; before, it asks the stream for them.
    template <class Exchange>
    void process(Exchange& exchange, bool& is_closed,
                 const std::function<void(httplib::Request&)>& set_up) {
        if constexpr (requires { this->process_request(exchange, true, is_closed, set_up); })
            (void)this->process_request(exchange, true, is_closed, set_up);
        else
            (void)this->process_request(exchange, exchange.peer(), exchange.port(), std::string{},
                                        0, true, is_closed, set_up);
    }

    // On a thread of threads_.
    void serve(HttpWire::Request&& request) {
        const std::uint64_t number = request.number;
        HttpExchange exchange(std::move(request));
        bool is_closed = false;
        try {
            process(exchange, is_closed, [](httplib::Request& asked) {
                // Many ranges of one answer, or a slow compressor, would be work that others order.
                asked.ranges.clear();
                asked.headers.erase("Accept-Encoding");
            });
            wire_.answer(number, exchange.take_answer());
        } catch (const std::exception&) {
            wire_.answer(number, {}); // no memory for it: this connection ends, and no other
        }
    }

    std::vector<std::string> names_;
    HttpServer::Handler handler_;
    bool has_ended_ = false;
    httplib::ThreadPool threads_{HttpServer::threads_max};
    HttpWire wire_{[this] {
        threads_.enqueue([this] {
            if (auto request = wire_.take())
                serve(std::move(*request));
        });
    }};
};

} // namespace

struct HttpServer::Rest {
    Rest(std::vector<std::string> names, Handler handler)
        : server(std::move(names), std::move(handler)) {}
    Server server;
    HttpAddress address{};
    std::atomic<bool> has_ended{false};
    std::thread listener{};
};

HttpServer::HttpServer(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&& other) noexcept {
    stop();
    rest_ = std::move(other.rest_);
    return *this;
}
HttpServer::~HttpServer() {
    stop();
}

Result<HttpServer> HttpServer::open(const HttpAddress& address, std::vector<std::string> names,
                                    Handler handler) {
    auto rest = std::make_unique<Rest>(std::move(names), std::move(handler));
    rest->address = address;
    if (!rest->server.is_open())
        return fail(Errc::out_of_files, address.text() + ": no descriptor is left");
    errno = 0;
    if (address.port != 0) {
        if (!rest->server.bind_to_port(address.host, address.port))
            return fail(errno == EADDRINUSE ? Errc::address_in_use : Errc::address_unavailable,
                        address.text() + ": " + std::strerror(errno));
    } else {
        const int port = rest->server.bind_to_any_port(address.host);
        if (port <= 0)
            return fail(Errc::address_unavailable, address.text() + ": " + std::strerror(errno));
        rest->address.port = static_cast<std::uint16_t>(port);
    }
    if (!rest->server.let_wait(waiting_max))
        return fail(Errc::address_unavailable, address.text() + ": " + std::strerror(errno));
    rest->listener = std::thread([&own = *rest] {
        (void)own.server.listen_after_bind();
        own.has_ended = true;
    });
    // stop() before the library has marked itself as running would be lost.
    while (!rest->server.is_running() && !rest->has_ended)
        std::this_thread::yield();
    return HttpServer{std::move(rest)};
}

const HttpAddress& HttpServer::address() const noexcept {
    return rest_->address;
}

void HttpServer::stop() {
    if (!rest_ || !rest_->listener.joinable())
        return;
    rest_->server.stop();
    rest_->listener.join();
    rest_->server.end(last_answers_max);
}

} // namespace flotilla::admin
