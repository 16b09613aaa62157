// SPDX-License-Identifier: Apache-2.0
//
// WorkerMachine: decides what a worker says to one broker, in which dialect, and when it looks for
// the broker anew. It is told what arrived, what handlers made of it and what time it is; no I/O,
// no clock.
//
//     closed ─pause over─► connecting ─connection─► asking ─answer─► ready ─drain, idle─► stopped
//       ▲                                             │ silence        │
//       ├──────────── (try the next dialect) ◄────────┘                │
//       └──────────── silence, disconnect, connection lost ◄───────────┘
//
// Asking is for those who were not told the dialect: mmi.flotilla, as a client of mdp_02. 200 means
// flotilla, 421 that no broker is there, any other answer mdp_02. A broker that is connected and
// says nothing is tried in mdp_01, then in mdp_02, then asked again, each on a new connection.
//
// Invariants
//  1. A connection is used for one conversation: what was held when it ended is answered nowhere.
//  2. Between two connections lies a pause that grows, with jitter, until a broker keeps us: until
//     it gives us a request or a heartbeat.
//  3. A request that is held is answered once, or the conversation that it came by is ended. The
//     RFC dialects have no word for a failure: there everything else that is held is finished, and
//     then the worker disconnects and registers anew.
//  4. After drain() nothing that was held is lost by our doing. flotilla: `draining`, and a ping
//     whose pong comes behind every request that was given before. RFC: answers are kept until the
//     last is there, so that the broker gives nothing in exchange for the first of them.
//
// Brokers of the RFC dialects may send no heartbeats to a busy worker, so while it holds something
// silence of theirs means nothing. Their heartbeats are answered, so that the faster of both clocks
// holds. One thread at a time.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/request/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::request {

struct WorkerLimits {
    std::string service{};
    std::optional<Dialect> dialect{}; // absent: ask
    std::uint32_t capacity = 1;       // announced; 1 to limits::capacity_max
    Duration heartbeat = 2500ms;
    std::uint32_t liveness = 3;
    Duration reconnect_min = 100ms;
    Duration reconnect_max = 10s;
    // Nothing answers READY. A heartbeat right behind it makes brokers that answer one show at once
    // that they have taken us; others show it by their next one, or by a request.
    enum class BehindReady : std::uint8_t {
        nothing,
        heartbeat
    } behind_ready = BehindReady::nothing;
};

struct WorkerCounters {
    std::uint64_t requests_total = 0;
    std::uint64_t repeats_total = 0;  // of these: attempt beyond 1
    std::uint64_t answered_total = 0; // sent; a broker that is left may not have read the last
    std::uint64_t partials_total = 0;
    std::uint64_t retry_total = 0;
    std::uint64_t failed_total = 0;
    std::uint64_t unsaid_total = 0;    // retry and failure in a dialect that has no word for them
    std::uint64_t dropped_total = 0;   // answers whose broker was gone, or that nobody waited for
    std::uint64_t cancelled_total = 0; // while they were in hand
    std::uint64_t excess_total = 0;    // given beyond the capacity, and given back
    std::uint64_t malformed_total = 0;
    std::uint64_t unexpected_total = 0; // valid, but not from a broker, or not now
    std::uint64_t connects_total = 0;
    std::uint64_t registered_total = 0;

    WorkerCounters& operator+=(const WorkerCounters& other) noexcept;
};

struct WorkerOutputs {
    // What becomes of the connection, after the sends.
    enum class Change : std::uint8_t {
        keep,
        close, // give it up; what was said last may still leave
        open,  // make one; there is none
    };
    struct Given {
        std::uint64_t number; // what answer(), fail() and partial() want to hear
        Message request;      // body, service, id, attempt and expires are for the handler
    };
    std::vector<Message> sends;
    Change change = Change::keep;
    // The broker sent us away, and said why.
    struct Refused {
        ErrorCode code{};
        std::string text;
    };
    std::optional<Refused> refused;
    std::vector<Given> given;            // for handlers, in this order
    std::vector<std::uint64_t> released; // nobody waits for these any more
    void clear() {
        sends.clear();
        change = Change::keep;
        refused.reset();
        given.clear();
        released.clear();
    }
};

class WorkerMachine {
public:
    enum class State : std::uint8_t { closed, connecting, asking, ready, draining, stopped };

    // The limits must have been checked.
    WorkerMachine(WorkerLimits limits, std::uint64_t seed);

    // The transport has a connection; what is said from now on goes to a broker.
    void connection_made(Instant now, WorkerOutputs& out);
    // The transport lost it, or could not make one.
    void connection_lost(Instant now, WorkerOutputs& out);
    // Anything that read_at_worker() or, where listens_as_client(), read_at_client() understood.
    void receive(Message&& message, Instant now, WorkerOutputs& out);
    void receive_malformed() noexcept { ++counters_.malformed_total; }
    // Leaves a broker that we cannot work for now, as if it were silent, and says so: what was
    // given goes to others. Nothing, where we are not registered.
    void give_up(Instant now, WorkerOutputs& out);
    // Input may be addressed to the client that we were for a moment.
    bool listens_as_client() const noexcept;

    // What a handler made of `number`, once each. False: it is not held (any more), so it was
    // dropped. The body, if empty, goes as one empty frame.
    bool answer(std::uint64_t number, wire::Frames&& body, Instant now, WorkerOutputs& out);
    // `code` is retry or worker_failed.
    bool fail(std::uint64_t number, ErrorCode code, std::string_view text, Instant now,
              WorkerOutputs& out);
    // False: nobody waits for it. The dialect must have partials.
    bool partial(std::uint64_t number, wire::Frames&& body, Instant now, WorkerOutputs& out);

    void tick(Instant now, WorkerOutputs& out);
    // Takes nothing new, finishes what is held, then stops. At once when nothing is held and the
    // broker need not be asked.
    void drain(Instant now, WorkerOutputs& out);

    State state() const noexcept { return state_; }
    // What is spoken on this connection; in `closed`, on the last one.
    Dialect dialect() const noexcept { return dialect_; }
    bool is_registered() const noexcept {
        return state_ == State::ready || state_ == State::draining;
    }
    // The broker has shown that it has taken us: registered, and heard from since.
    bool is_kept() const noexcept { return is_registered() && kept_; }
    std::uint32_t held() const noexcept { return held_; }
    // Distinct among what is held at one time, and small: below the most that was held so far.
    static std::uint32_t place(std::uint64_t number) noexcept {
        return static_cast<std::uint32_t>(number);
    }
    // Never: call tick() when something else happens.
    Instant next_deadline() const noexcept;
    const WorkerCounters& counters() const noexcept { return counters_; }

private:
    // A request in the handlers' hands, in a slot that is used again.
    struct Slot {
        std::uint64_t number = 0; // 0: free
        Blob address{};
        std::uint32_t parts = 0;
        bool cancelled = false;
    };
    // How to find out what the broker speaks.
    enum class Probe : std::uint8_t { ask, try_mdp_01, try_mdp_02 };
    enum class After : std::uint8_t { stop, reconnect }; // draining

    Message message(Verb verb) const;
    void send(Message message, Instant now, WorkerOutputs& out);
    void ask(Instant now, WorkerOutputs& out);
    void register_as(Dialect dialect, Instant now, WorkerOutputs& out);
    void leave(Instant now, WorkerOutputs& out);
    void close(WorkerOutputs& out);
    void answer_heartbeat(Instant now, WorkerOutputs& out);
    void be_kept() noexcept;
    void take(Message&& request, Instant now, WorkerOutputs& out);
    void cancel(const Blob& address, WorkerOutputs& out);
    void finish(Slot& slot, Message reply, Instant now, WorkerOutputs& out);
    void send_reply(Message reply, Instant now, WorkerOutputs& out);
    void free(Slot& slot, Instant now);
    void go_if_idle(Instant now, WorkerOutputs& out);
    Slot* slot_of(std::uint64_t number);
    Instant silent_at() const noexcept;

    WorkerLimits limits_;
    Random random_;
    State state_ = State::closed;
    Dialect dialect_ = Dialect::flotilla;
    Probe probe_ = Probe::ask;
    After after_ = After::stop;
    std::uint32_t failures_ = 0;
    bool kept_ = false;                 // of this connection, by a request or a heartbeat
    Instant retry_at_ = Instant::min(); // closed: at once, the first time
    Instant answer_by_ = never;         // asking; draining: a pong
    Instant last_sent_{};
    Instant last_heard_{};
    Instant last_beat_{}; // of the broker, or when we registered
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::uint32_t held_ = 0;
    std::uint32_t cancelled_ = 0; // of these
    std::uint64_t serial_ = 0;
    std::vector<Message> kept_back_; // draining in an RFC dialect: answers
    WorkerCounters counters_;
};

} // namespace flotilla::request
