// SPDX-License-Identifier: Apache-2.0
//
// Relay: passes the messages of one side on to the other, so that peers on both sides need to know
// only it. A class and not only a daemon: a service can carry its own
// (docs/decisions/0003-relay-is-a-library-class.md).
//
// What it promises: order from each sender to each receiver; nothing copied; nothing dropped in
// silence that the relay itself could have passed: what it refuses it counts. What it does not: a
// relay that dies loses what it holds (docs/patterns/relay.md has the table).
//
//     auto relay = Relay::open(context, options);
//     auto served = relay->run();                 // or: relay->attach(poller) beside other work
//
// One thread owns a Relay at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/relay/plan.hpp>
#include <flotilla/relay/pump.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flotilla::relay {

// All totals are since open().
struct Counters {
    Traffic in{};  // frontend to backend
    Traffic out{}; // backend to frontend; a forwarder's are subscriptions and cancellations

    // What a drain could not hand on, of what the relay itself held.
    std::uint64_t not_drained_total() const noexcept {
        return in.dropped(Drop::not_drained) + out.dropped(Drop::not_drained);
    }

    std::uint64_t backlog_messages = 0; // queue: replies kept for clients that do not read
    std::uint64_t backlog_bytes = 0;
    std::uint64_t captured_total = 0;    // published on the capture endpoint; taps may lose some
    std::uint64_t last_value_topics = 0; // remembered now
    std::uint64_t last_value_bytes = 0;  // of them, about
    std::uint64_t last_values_sent_total = 0;      // to subscribers that came later
    std::uint64_t last_values_forgotten_total = 0; // for want of room
    OperationCounts not_allowed{};                 // refused by a rule, subscriptions among it
    std::uint64_t subscriptions = 0;         // of subscribers and taps, now; refused ones are not
    std::uint64_t subscriptions_bytes = 0;   // that they take, about; refused ones do, too
    std::uint64_t subscribers_cut_total = 0; // for asking for too much
    Pump::State state = Pump::State::running;
};
struct NamedCount {
    std::string name; // "in_messages", "out_dropped_unroutable", ...
    std::uint64_t value;
};
// For logs and reports: every counter, but only those reasons to drop that occurred.
std::vector<NamedCount> list(const Counters& counters);

class Relay {
public:
    // Messages moved at most before other work of the loop gets its turn.
    static constexpr std::size_t burst_messages_max = 1'000;
    static constexpr std::size_t burst_subscriptions_max = 100; // each costs some messages' time

    // Opens and attaches every socket. `context` must outlive the relay.
    // Errors: those of Plan::make, net::Socket::open and attach, with the relay and the side named.
    static Result<Relay> open(net::Context& context, RelayOptions options);
    Relay(Relay&&) noexcept;
    Relay& operator=(Relay&&) noexcept;
    // Does not wait; unsent messages are flushed in the background only after drain().
    ~Relay();

    const RelayOptions& options() const noexcept;
    // Where it is attached, ports resolved, in the order of the options.
    const std::vector<net::Endpoint>& endpoints(Side side) const noexcept;
    const std::vector<net::Endpoint>& capture_endpoints() const noexcept;

    // Serves whenever the poller turns, until it is destroyed or drained. The poller must outlive
    // the relay, which may be moved meanwhile. Once.
    void attach(net::Poller& poller);
    // Serves with a loop of its own until the context shuts down. Errors: stopped, then.
    Status run();

    // Who may do what from the next message on. Connections of those who lost the right to what
    // they are given (subscriptions, replies, requests, captures) are cut; they connect again, and
    // are judged anew. Peers that never speak, PULL at a streamer's backend, are judged at their
    // handshake only. A forwarder must have been opened with permissions.
    void set_permissions(std::shared_ptr<const Permissions> permissions);

    // Stops reading messages (subscriptions still pass), so that a queue or streamer pushes back
    // and a forwarder's queues fill. resume() goes on where it stopped.
    void pause();
    void resume();
    // Reads on until the frontend is empty, then reads it no more and waits for the replies to
    // requests it passed, for at most half of `wait`; then closes its sockets, which flush for what
    // is left of it while the context lives (destroying the context waits for that). `drained` is
    // called in a later turn of the loop, once. From the loop's thread; a second drain is ignored.
    // (The frontend stays bound meanwhile: libzmq's unbind would cut off its clients.)
    void drain(Duration wait, std::function<void()> drained);

    Counters counters() const;

private:
    struct Rest;
    explicit Relay(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::relay
