// SPDX-License-Identifier: Apache-2.0
//
// FreelanceClient: asks one of several equal servers, without a broker (10/FLP).
//
//     auto client = FreelanceClient::open(context, {.servers = {one, two, three}});
//     wire::Frames question{"2+2"};
//     auto reply = client->call(question, 2s); // reply->body, reply->server
//
// Promise: a call is answered once or ends at its deadline; servers that go down, hang or come back
// meanwhile are worked around. A call may be worked on more than once: by several servers at a time
// with first_answer, by the next one with sticky when the first does not answer. So requests must
// be fit to be repeated. Nobody balances load: use a Broker where work has to be spread or queued.
//
// Servers are FreelanceServers or anybody who follows 10/FLP: a ROUTER whose identity is the
// endpoint that is given here, letter by letter; PING is answered by PONG, a request by its first
// frame and the reply. A server that does not answer PINGs while it works seems down after ping x
// liveness; the call is then asked of the next one.
//
// One thread owns a FreelanceClient at a time. `context` must outlive it.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/request/freelance_machine.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::request {

struct FreelanceClientOptions {
    std::vector<net::Endpoint> servers{}; // 0 to 64; add_server() adds others
    FreelanceLimits limits{};
    std::uint64_t message_bytes_max = 64ULL << 20; // of a reply; larger costs the connection
    net::Security security{};                      // CURVE: all servers have one key
};

struct FreelanceAnswer {
    std::uint64_t call;
    Result<FreelanceReply> outcome; // error: timeout
};

class FreelanceClient {
public:
    // Does not wait for servers. Errors: bad_option; bad_endpoint; insecure; exists (a server
    // twice); too_many; stopped.
    static Result<FreelanceClient> open(net::Context& context, FreelanceClientOptions options);
    FreelanceClient(FreelanceClient&&) noexcept;
    FreelanceClient& operator=(FreelanceClient&&) noexcept;
    ~FreelanceClient();

    // Errors: bad_endpoint; insecure; exists; too_many.
    Status add_server(const net::Endpoint& server);
    // What it was asked is asked of others; its answer is not taken any more. Errors: not_found.
    Status remove_server(const net::Endpoint& server);

    // Asks and waits; answers of begun calls that come meanwhile are kept for take(). `request` is
    // taken, except on too_many and too_large. Errors: timeout; bad_option (no frame, or a deadline
    // beyond 24 h); too_many; too_large; stopped.
    Result<FreelanceReply> call(wire::Frames& request, Duration deadline);

    // Many calls at once: begin some, process(), take what is finished, in any order. Answers that
    // are not taken count against calls_max. Errors as of call(), but timeout.
    Result<std::uint64_t> begin(wire::Frames& request, Duration deadline);
    std::optional<FreelanceAnswer> take();
    // Its answer will not be given to take(). Errors: not_found (it is finished).
    Status cancel(std::uint64_t call);
    // Waits at most `wait` for something to do, and does it. Errors: stopped; transport.
    Status process(Duration wait);

    // For a foreign event loop: when this descriptor becomes readable, or wait_max() has passed,
    // call process(0ns), and again while has_input(); net::Socket::fd says why.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const;

    std::size_t servers_up() const noexcept;
    std::size_t under_way() const noexcept;
    FreelanceCounters counters() const;

private:
    struct Rest;
    explicit FreelanceClient(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
