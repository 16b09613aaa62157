// SPDX-License-Identifier: Apache-2.0
//
// ProducerMachine: decides which messages of an outbox a producer puts when, again or for the first
// time, and what each answer means for them. It knows messages by number only: lanes (a queue each)
// of numbers from 1 on, without gaps. No I/O, no clock.
//
//     closed ─back-off over─► greeting ─anything heard─► ready
//       ▲                        │                         │
//       └── no answer ───────────┴── no answer, bye, draining, connection lost
//
// Invariants
//  1. settled <= sent <= appended in every lane; a number is settled once, in order.
//  2. Under one epoch (a producer id) number and sequence differ by the epoch's base for good: what
//     is sent again has the sequence that it had.
//  3. A new epoch begins when the store has forgotten the last one, when its numbers cannot be
//     continued, and at another store. What had been sent before is then marked maybe_duplicate.
//  4. After a passing refusal or a new connection everything behind what is settled is sent again;
//     answers to what was under way before are ignored.
//  5. A message whose acknowledgement is to be told of is put alone, with the time that is left.
//
// One thread at a time.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/queue/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::queue {

using ProducerLane = std::uint32_t;

struct ProducerLimits {
    std::uint32_t window_messages = 10'000;
    std::uint64_t window_bytes = 4ULL << 20;
    std::uint64_t put_bytes_max = 64ULL << 10; // of one packed put, unless one message is larger
    Duration greet_max = 2s;
    Duration answer_max = 10s;
    Duration reconnect_min = 50ms;
    Duration reconnect_max = 5s;
    Duration full_min = 10ms; // first pause after `full`; doubles, with jitter, up to
    Duration full_max = 1s;   // this
};

// A producer id in use for a lane: sequence = number - base.
struct ProducerEpoch {
    std::string producer{}; // empty: none yet
    std::uint64_t base = 0;
    std::size_t store = 0;
};

// What became of messages in a row. Their ids are in a row too; 0: not known.
struct Settled {
    enum class Outcome : std::uint8_t { stored, duplicate, refused };
    ProducerLane lane = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    Outcome outcome{};
    MessageId id = 0;
    leased::ErrorCode code{};
    std::string text{};
    bool is_watched = true; // what was asked to be told of it will be
};

struct ProducerOutputs {
    std::optional<std::size_t> connect{}; // leave the connection, if any, and open one to this
    bool ping = false;                    // say ping; whatever comes back will do
    std::vector<ProducerLane> epochs{};   // lanes with a new one: to be kept before anything is put
    std::vector<Settled> settled{};
    void clear() {
        connect.reset();
        ping = false;
        epochs.clear();
        settled.clear();
    }
};

// A put that may leave now: up to so many messages and bytes of a lane from number `first` on.
struct PutOrder {
    ProducerLane lane = 0;
    std::uint64_t first = 0;
    std::uint64_t messages_max = 0;
    std::uint64_t bytes_max = 0;
};
// How it is addressed.
struct PutHead {
    std::uint64_t correlation = 0;
    ProducerSequence from{};
    bool tell_acked = false;
    Duration acked_max{0}; // how long that is waited for
};
// The lane of a put's answer.
std::uint64_t lane_of(std::uint64_t correlation) noexcept;

class ProducerMachine {
public:
    enum class State : std::uint8_t { closed, greeting, ready };
    // When a message that does not fill a put may leave.
    enum class Leave : std::uint8_t {
        alone,    // nothing is under way in its lane
        gathered, // nobody will add to it soon
    };

    // The limits must have been checked. `stores` of them are tried in turn.
    ProducerMachine(ProducerLimits limits, std::size_t stores, std::uint64_t seed);

    // A new lane, numbered from 0 on; or one of an outbox that was there before, whose numbers
    // behind `settled` may or may not have been sent under `epoch`.
    ProducerLane add_lane();
    ProducerLane restore_lane(ProducerEpoch epoch, std::uint64_t settled, std::uint64_t appended,
                              std::uint64_t bytes);
    // One more message is in the outbox; it is to be told of when it is acknowledged until then.
    void append(ProducerLane lane, std::uint64_t bytes,
                std::optional<Instant> acked_by = std::nullopt) {
        Line& line = lines_[lane];
        ++line.appended;
        if (acked_by)
            line.told.push_back({line.appended, *acked_by});
        line.unsent_bytes += bytes;
        ++unsettled_;
    }

    std::optional<PutOrder> next(ProducerLane lane, Leave leave, Instant now, ProducerOutputs& out);
    std::optional<PutOrder> next(Instant now, ProducerOutputs& out); // of all lanes, in turn
    // `order` is being sent with so many of its messages, at least one.
    PutHead sent(const PutOrder& order, std::uint64_t messages, std::uint64_t bytes, Instant now);

    // Anything that came from the store counts as a sign of life.
    void heard();
    // There is no store, as whoever is there said. It is left, and what was put stays.
    void wrong_peer(std::string_view text, Instant now);
    void receive(std::uint64_t correlation, const Event& answer, Instant now, ProducerOutputs& out);
    void receive_bye(Instant now) { leave(now); }
    // Hints of the transport: a connection is there (the first one after `connect` is the one meant
    // by it), or was lost.
    void connection_made();
    void connection_lost(Instant now);
    void tick(Instant now, ProducerOutputs& out);

    Instant next_deadline() const noexcept;
    State state() const noexcept { return state_; }
    std::size_t store() const noexcept { return store_; }
    std::uint64_t unsettled() const noexcept { return unsettled_; }
    std::uint64_t settled(ProducerLane lane) const { return lines_[lane].settled; }
    std::uint64_t appended(ProducerLane lane) const { return lines_[lane].appended; }
    const ProducerEpoch& epoch(ProducerLane lane) const { return lines_[lane].epoch; }
    // The last passing refusal that still keeps a lane waiting; empty: none does.
    const std::string& trouble() const noexcept { return trouble_; }
    // Who is where the store at hand should be, as it said itself the last time; empty: nobody did.
    const std::string& stranger() const noexcept { return strangers_[store_]; }
    // So it is of every store: nothing moves until that changes.
    bool has_only_strangers() const noexcept;

    std::uint64_t resent_total() const noexcept { return resent_total_; }
    std::uint64_t maybe_duplicate_total() const noexcept { return maybe_duplicate_total_; }
    std::uint64_t full_total() const noexcept { return full_total_; }
    std::uint64_t connects_total() const noexcept { return connects_total_; }
    // Rises whenever a connection ends, or may have: what the store was to tell later is lost.
    std::uint64_t losses() const noexcept { return losses_; }
    void check() const; // aborts when an invariant does not hold; for tests

private:
    struct Flight {
        std::uint64_t correlation = 0;
        std::uint64_t first = 0;
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
        Instant sent_at{};
    };
    struct Awaited {
        std::uint64_t number = 0;
        Instant until{};
    };
    struct Line {
        ProducerEpoch epoch{};
        std::uint64_t settled = 0;
        std::uint64_t sent = 0;
        std::uint64_t appended = 0;
        std::uint64_t sent_ever = 0; // under any epoch
        std::uint64_t doubtful = 0;  // up to here sent under an earlier epoch
        std::uint64_t unsent_bytes = 0;
        std::deque<Awaited> told{}; // unsettled ones of which acked is told, numbers rising
        std::deque<Flight> flights{};
        Instant retry_at = Instant::min();
        std::uint32_t failures = 0; // passing refusals in a row
    };

    static std::deque<Awaited>::const_iterator first_awaited(const Line& line,
                                                             std::uint64_t number);
    bool may_send(const Line& line, Leave leave, Instant now) const noexcept;
    std::uint64_t put_messages_max() const noexcept;
    void leave(Instant now);
    void rewind(Line& line);
    void rewind_all();
    void begin_epoch(ProducerLane lane, ProducerOutputs& out);
    void settle(ProducerLane lane, const Flight& flight, const PutOutcome& outcome,
                std::uint64_t up_to, ProducerOutputs& out);
    void settle_run(ProducerLane lane, Settled run, ProducerOutputs& out);
    void handle_ok(ProducerLane lane, const PutOutcome& outcome, Instant now, ProducerOutputs& out);
    void handle_refused(ProducerLane lane, const PutRefused& refused, Instant now,
                        ProducerOutputs& out);
    void handle_error(ProducerLane lane, const leased::ErrorReply& error, Instant now,
                      ProducerOutputs& out);
    void refuse_front(ProducerLane lane, const PutRefused& refused, std::uint64_t up_to,
                      ProducerOutputs& out);
    void back_off(Line& line, std::string why, Instant now);
    Flight take_front(Line& line);

    ProducerLimits limits_;
    std::size_t stores_;
    Random random_;
    State state_ = State::closed;
    std::size_t store_;
    std::uint32_t connect_failures_ = 0;
    Instant retry_at_ = Instant::min();
    Instant answer_by_ = never;
    bool has_connection_ = false; // the transport said so, since the last connect
    std::deque<Line> lines_;
    std::size_t turn_ = 0; // whose turn it is
    std::uint64_t puts_ = 0;
    std::uint64_t window_used_ = 0;
    std::uint64_t window_bytes_used_ = 0;
    std::uint64_t unsettled_ = 0;
    std::string trouble_{};
    std::vector<std::string> strangers_; // by store
    std::uint64_t resent_total_ = 0;
    std::uint64_t maybe_duplicate_total_ = 0;
    std::uint64_t full_total_ = 0;
    std::uint64_t connects_total_ = 0;
    std::uint64_t losses_ = 0;
};

} // namespace flotilla::queue
