// SPDX-License-Identifier: Apache-2.0
//
// Taker: the taking side of FLQ1's leased level on a socket: takes messages on lease from a source
// or a store, and says what became of them. What pipeline::WorkTaker and queue::Consumer are made
// of; programs use one of these.
//
// Waits only where a call has a `wait`. Leases of everything held are renewed by process() and
// take(). One thread owns a Taker at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/taker/taker_machine.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::taker {

struct TakerOptions {
    // 1 to 16. One is used at a time; when it does not answer or goes, the next.
    std::vector<net::Endpoint> sources{};
    TakerLimits limits{};
    std::uint64_t message_bytes_max = 64ULL << 20; // 64 KiB to 1 GiB; larger costs the connection
    net::Security security{};
    // Longest that closing waits, in the background, for acknowledgements; 0 to 1 h.
    Duration linger = 1s;
    // To be shown to people, once until a source takes us: every source refuses, or is something
    // else (wrong_peer). They are asked again after a pause all the same. Called by whatever is
    // called to take or to process; may not call back.
    std::function<void(const net::Endpoint& source, const wire::leased::ErrorReply& why)>
        on_refused{};
};

// One message, to be acknowledged or refused. Its bytes may be a part of a larger received frame,
// which is kept while any part of it is.
struct Taken {
    wire::Frames body{};
    std::uint64_t id = 0;
    std::uint32_t attempt = 1; // deliveries, this one included
    wire::leased::Redelivered redelivered = wire::leased::Redelivered::no;
    std::string key{};
    wire::leased::LeaseToken lease{};
};

// Errors: bad_option, unsupported.
Status check(const TakerOptions& options);

// What a wait says that brought nothing; `queue` may be empty, and `state` is a state_text().
std::string waited_text(const std::string& queue, const net::Endpoint& source,
                        const std::string& state, Duration wait);

class Taker {
public:
    // Does not wait for a source. Errors: bad_option; insecure; bad_endpoint; stopped; too_many.
    static Result<Taker> open(net::Context& context, TakerOptions options);
    Taker(Taker&&) noexcept;
    Taker& operator=(Taker&&) noexcept;
    ~Taker(); // stop()

    // The next message, waiting at most `wait`. Errors: would_block (zero wait); timeout, which
    // says who was waited for; stopped; transport.
    Result<Taken> take(Duration wait);
    // One that is here already: nothing is read, nothing is waited for.
    std::optional<Taken> next();
    // Errors of these: lease_lost (not held any more).
    Status ack(wire::leased::LeaseToken lease);
    Status nack(wire::leased::LeaseToken lease, Duration delay, std::string_view reason);
    Status touch(wire::leased::LeaseToken lease);

    // What was acknowledged leaves now.
    void flush_acks();

    // Reads, renews leases, sends acknowledgements; waits at most `wait` for something to do.
    // Errors: stopped; transport.
    Status process(Duration wait);
    // Sends what is acknowledged and gives the rest back. After it, take() says stopped.
    void stop();

    // For a foreign event loop. The descriptor stays the same.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;

    bool is_ready() const noexcept; // has a session
    bool is_stopped() const noexcept;
    std::uint64_t held() const noexcept;
    std::uint64_t epoch() const noexcept; // leases of another one are lost
    const TakerCounters& counters() const noexcept;
    const net::Endpoint& source() const noexcept; // the one at hand
    // Why nothing comes right now: empty, or "connecting to ...", or who refuses and why.
    std::string state_text() const;
    // Why the source opens no session, when it said so for good; it is asked again all the same.
    const std::optional<wire::leased::ErrorReply>& refusal() const noexcept;

private:
    struct Rest;
    explicit Taker(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::taker
