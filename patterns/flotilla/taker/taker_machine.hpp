// SPDX-License-Identifier: Apache-2.0
//
// TakerMachine: decides what a worker of leased work says to its source, and when it looks for
// another. It is told what arrived, what was done and what time it is; no I/O, no clock.
//
//     closed ─back-off over─► greeting ─ok─► ready ─stop─► stopped
//       ▲                        │             │
//       └── no answer, busy ─────┴─ silence, bye, draining
//
// Invariants
//  1. It holds what was delivered to it and neither acknowledged nor refused, of one epoch. Another
//     epoch means that the source forgot: so does the worker.
//  2. A lease number is accepted once; a repeat is dropped and counted.
//  3. Held leases are touched every third of a lease, whatever the handler does meanwhile, as long
//     as tick() is called.
//  4. An acknowledgement waits at most ack_wait, and not at all when nothing else is held.
//
// After a lost connection it says hello with its old session and names what it holds, so that this
// stays with it, and what was on its way returns.
// One thread at a time.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/taker/lease_set.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::taker {

struct TakerLimits {
    std::string worker{};       // up to 255 bytes: a name for logs and for hashing by key
    std::string queue{};        // up to 255 bytes; "": a WorkSource's, or a store's default
    std::uint32_t weight = 1;   // 1 to 1000: share of a weighted source
    std::uint32_t credit = 256; // 1 to 1,000,000: messages held unacknowledged, in all
    // Compressed deliveries are accepted; worth it on slow networks.
    wire::leased::Compressions compress{};
    Duration ack_wait = 2ms;  // 0 to 1 s: longest that an acknowledgement waits for company
    Duration answer_max = 2s; // 10 ms to 1 h: a source that does not answer for so long is left
    Duration reconnect_min = 50ms; // 1 ms to 1 h: first pause; doubles, with jitter, up to
    Duration reconnect_max = 5s;   // this
};

struct TakerCounters {
    std::uint64_t delivered_total = 0;
    std::uint64_t redelivered_total = 0; // of these: said to be, or maybe, repeats
    std::uint64_t acked_total = 0;       // acknowledgements sent
    std::uint64_t nacked_total = 0;
    std::uint64_t lease_lost_total = 0; // done, but the source had given them up
    std::uint64_t duplicate_total = 0;  // doubled by the network, dropped
    std::uint64_t stale_total = 0; // held when the source forgot its leases, or too late to count
    std::uint64_t malformed_total = 0;
    std::uint64_t refused_total = 0; // error answers of the source
    std::uint64_t connects_total = 0;
    std::uint64_t sessions_total = 0; // greeted, resumed ones included
};

struct TakerOutputs {
    struct Send {
        wire::leased::Envelope envelope{};
        wire::leased::Command command{};
    };
    // Before the sends: leave the connection, if any, and open one to this source.
    std::optional<std::size_t> connect{};
    std::vector<Send> sends{};
    void clear() {
        connect.reset();
        sends.clear();
    }
};

class TakerMachine {
public:
    enum class State : std::uint8_t { closed, greeting, ready, stopped };

    // The limits must have been checked. `sources` of them are tried in turn.
    TakerMachine(TakerLimits limits, std::size_t sources, std::uint64_t seed);

    // Anything but a delivery.
    void receive(const wire::leased::Event& event, Instant now, TakerOutputs& out);
    // A delivery, alone or as one of many. False: it is a repeat or from a forgotten epoch, and is
    // not to be handed out.
    bool deliver(wire::leased::LeaseToken lease, wire::leased::Redelivered redelivered,
                 Instant now);
    void receive_malformed() noexcept { ++counters_.malformed_total; }
    // A hint, which may come late: the transport has a connection. If it is not the first since
    // `connect`, the source must be told who is back before it gives up on what is held here.
    void connection_made(Instant now, TakerOutputs& out);

    // Errors: lease_lost (not held any more; the source will deliver it again or has forgotten it).
    Status ack(wire::leased::LeaseToken lease, Instant now, TakerOutputs& out);
    Status nack(wire::leased::LeaseToken lease, Duration delay, std::string_view reason,
                Instant now, TakerOutputs& out);
    Status touch(wire::leased::LeaseToken lease, Instant now, TakerOutputs& out);
    // Nothing is left to hand out: acknowledgements leave now.
    void idle(Instant now, TakerOutputs& out);
    void tick(Instant now, TakerOutputs& out);
    // Acknowledgements leave, then what is held goes back to the source.
    void stop(Instant now, TakerOutputs& out);

    bool holds(wire::leased::LeaseToken lease) const noexcept {
        return lease.epoch == epoch_ && held_.contains(lease.number);
    }
    std::uint64_t epoch() const noexcept { return epoch_; } // of what it holds
    State state() const noexcept { return state_; }
    std::uint64_t held() const noexcept { return held_.size(); }
    Instant next_deadline() const noexcept;
    const TakerCounters& counters() const noexcept { return counters_; }
    // The answer to the last hello, when that was refused for good; of somebody who says that he is
    // no source, when they all do.
    const std::optional<wire::leased::ErrorReply>& refusal() const noexcept { return refusal_; }

private:
    void handle_ok(const wire::leased::Ok& ok, Instant now, TakerOutputs& out);
    void handle_error(const wire::leased::ErrorReply& error, Instant now, TakerOutputs& out);
    void greet(Instant now, TakerOutputs& out);
    wire::leased::Held still_held() const;
    void leave(Instant now);
    void send(wire::leased::Command command, Instant now, TakerOutputs& out);
    void flush_acks(Instant now, TakerOutputs& out);
    void touch_all(Instant now, TakerOutputs& out);
    Status take_out(wire::leased::LeaseToken lease);

    TakerLimits limits_;
    std::size_t sources_;
    Random random_;
    State state_ = State::closed;
    std::size_t source_ = 0;
    std::uint32_t failures_ = 0;
    Instant retry_at_{}; // closed: at once, the first time
    Instant answer_by_ = never;
    Instant last_sent_{};
    bool awaits_connection_ = false; // connect was said, and no connection made since
    std::optional<Instant> asked_;   // a ping, or hello, nothing was heard since
    std::uint64_t session_ = 0;
    std::uint64_t epoch_ = 0;
    Duration heartbeat_ = 1s;
    Duration lease_ = 30s;
    LeaseSet held_;
    LeaseWindow window_;
    Instant next_touch_ = never;
    wire::leased::Leases acks_;
    std::uint64_t acks_count_ = 0;
    Instant flush_at_ = never;
    std::size_t strangers_ = 0; // sources in a row that said that they are none
    std::optional<wire::leased::ErrorReply> refusal_;
    TakerCounters counters_;
};

} // namespace flotilla::taker
