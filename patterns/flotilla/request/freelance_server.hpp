// SPDX-License-Identifier: Apache-2.0
//
// FreelanceServer: answers FreelanceClients, and anybody else who speaks 10/FLP, without a broker.
//
//     auto server = FreelanceServer::open(context, {.bind = endpoint});
//     server->run([](wire::Frames& request) { return std::optional{std::move(request)}; });
//
// Its identity is its public endpoint: the text by which clients connect to it, letter by letter.
// PING is answered by PONG; a request of two frames or more by its first frame, untouched, and what
// the handler gives.
//
// The handler runs on the calling thread. While it does PINGs wait, and clients look elsewhere
// after a few of them; start several servers rather than slow handlers. It keeps nothing: a request
// that is in hand when it dies is asked of another server by the client.
//
// One thread owns a FreelanceServer at a time; stop_soon() may be called from any. `context` must
// outlive it.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::request {

struct FreelanceServerOptions {
    std::optional<net::Endpoint> bind{}; // needed
    // What clients connect to, up to 255 bytes. Absent: `bind`, which must then be no wildcard.
    std::optional<net::Endpoint> public_endpoint{};
    std::uint64_t message_bytes_max = 64ULL << 20; // of a request; larger costs the connection
    // What may wait for one client that does not read; beyond it what waits is dropped and counted.
    // 1 to 100,000 messages, 64 KiB to 1 GiB.
    std::uint32_t backlog_messages_max = 1'000;
    std::uint64_t backlog_bytes_max = 16ULL << 20;
    net::Security security{};
    std::string domain = "flotilla-freelance"; // CURVE: the ZAP domain
    Duration linger = 1s; // 0 to 1 h; longest that closing waits, in the background, for replies
};

struct FreelanceServerCounters {
    std::uint64_t requests_total = 0;
    std::uint64_t answered_total = 0;
    std::uint64_t declined_total = 0; // the handler gave nothing, or more than 1,000 frames
    std::uint64_t pings_total = 0;
    std::uint64_t dropped_total = 0; // replies whose client is gone or does not read
    std::uint64_t malformed_total = 0;
};

class FreelanceServer {
public:
    // Takes the request. Nothing: no reply is sent, and the client asks another server. What it
    // throws is caught and means the same.
    using Handler = std::function<std::optional<wire::Frames>(wire::Frames& request)>;

    // Errors: bad_option; bad_endpoint; insecure; address_in_use; address_unavailable; stopped.
    static Result<FreelanceServer> open(net::Context& context, FreelanceServerOptions options);
    FreelanceServer(FreelanceServer&&) noexcept;
    FreelanceServer& operator=(FreelanceServer&&) noexcept;
    ~FreelanceServer();

    // What clients connect to: its identity.
    const net::Endpoint& endpoint() const noexcept;

    // Waits at most `wait` for a message, and answers what is there; a bounded amount, so call it
    // again. Errors: stopped; transport.
    Status process(Duration wait, const Handler& handler);
    // Until stop_soon(); what has arrived by then is answered. Errors: stopped; transport.
    Status run(const Handler& handler);
    // Safe from any thread and from signal handlers.
    void stop_soon() noexcept;

    // For a foreign event loop: when this descriptor becomes readable, call process(0ns), and again
    // while has_input(); net::Socket::fd says why. With clients that do not read also every 10 ms.
    int fd() const noexcept;
    bool has_input() const noexcept;

    FreelanceServerCounters counters() const;

private:
    struct Rest;
    explicit FreelanceServer(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
