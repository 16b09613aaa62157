// SPDX-License-Identifier: Apache-2.0
//
// SourceMachine: decides what a source of leased work does. It is told what was submitted, what
// peers said and what time it is, and answers with what to send. It does no I/O and reads no clock.
//
// A message:  submitted ► pending ► leased ► finished
//                            ▲         │ nack, lease over, worker gone: attempts are counted,
//                            └─────────┤ and the next delivery says redelivered=yes
//                                      └► dead, after attempts_max deliveries
// A session:  (nobody) ─hello, take─► live ─unreachable─► gone ─grace over─► (nobody)
//                                      ▲ └─bye, silent─► (nobody)  │
//                                      └──hello resume, any word───┘
//
// Invariants, checked by check()
//  1. submitted = pending + delayed + leased + finished + dead.
//  2. A message is leased to at most one session, and a session's outstanding is its leases.
//  3. Every delivery of a message but the first says redelivered.
//  4. A lease number is given out once. An answer counts from the session that holds the lease; as
//     late from the session that holds the message again, and when nobody holds it from the user
//     who held it last.
//  5. Nobody is given more than its window. A take is answered once.
//  6. by_key: while sessions neither come nor go, a key's messages are first delivered to one
//     session, in order of submission.
//  7. Who let a lease run out in silence is given nothing until it speaks.
//  8. What was submitted and what came back is delivered oldest first; what comes back from a
//     worker goes in front.
//
// One thread at a time. Outputs refer to items and sessions that stay as they are until the next
// call that changes the machine.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/pipeline/work_items.hpp>
#include <flotilla/pipeline/work_model.hpp>
#include <flotilla/pipeline/work_sessions.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::pipeline {

// Who said something, as far as the transport knows.
struct WorkPeer {
    std::string_view id{};      // its address at the transport
    std::string_view user_id{}; // authenticated; empty without CURVE
    int descriptor = -1;        // of its connection
};

struct SourceOutputs {
    struct Send {
        std::string peer;
        wire::leased::Envelope envelope;
        wire::leased::Event event; // never a delivery
    };
    // Read the rest from session(slot) and item(slot).
    struct Delivery {
        Slot session;
        Slot item;
        bool answers_take; // in the session's `answered` envelope
    };
    std::vector<Send> sends{};
    std::vector<Delivery> deliveries{}; // those of one session stand together, lease numbers rising
    std::vector<Dead> dead{};

    void clear() {
        sends.clear();
        deliveries.clear();
        dead.clear();
    }
};

class SourceMachine {
public:
    // The limits must have been checked. `seed` makes epoch and session keys; fresh at every start.
    SourceMachine(const SourceLimits& limits, std::uint64_t seed);

    // ---- inputs. Each may add to `out`, and none sends a delivery: dispatch() does.

    // Accepts a message; on error it is untouched. Errors: would_block (messages_max or bytes_max
    // is reached), too_large, too_many (frames), bad_option (key), refused (draining).
    Result<WorkId> submit(wire::Frames& body, std::string_view key);
    Result<WorkId> submit(ByteView body, std::string_view key);

    void receive(const WorkPeer& peer, const wire::leased::Envelope& envelope,
                 const wire::leased::Command& command, Instant now, SourceOutputs& out);
    // Something that is not the protocol came from `peer`.
    void receive_malformed(const WorkPeer& peer, const wire::leased::Envelope& envelope,
                           const Error& error, Instant now, SourceOutputs& out);
    // A hint that the connection with this descriptor is gone: asks its session, nothing more.
    void connection_lost(int descriptor, Instant now, SourceOutputs& out);
    // The transport says that nobody is at this address, or (too_slow) that the peer does not read.
    enum class Unreachable : std::uint8_t { gone, too_slow };
    void unreachable(std::string_view peer, Unreachable why, Instant now, SourceOutputs& out);
    // Does what is due.
    void tick(Instant now, SourceOutputs& out);
    // Gives pending messages to whoever has room.
    void dispatch(Instant now, SourceOutputs& out);
    // From now on nothing is accepted; what was is delivered.
    void drain() noexcept { draining_ = true; }
    // Tells every session that this source delivers no more; nothing is dispatched after it.
    void stop(SourceOutputs& out);

    // ---- looking

    // When tick() has something to do.
    Instant next_deadline() const noexcept;
    // The message last submitted would go to a worker that holds nothing: it must not wait.
    bool is_urgent() const noexcept;
    std::uint64_t epoch() const noexcept { return epoch_; }
    const WorkSession& session(Slot slot) const { return sessions_[slot]; }
    const WorkItem& item(Slot slot) const { return items_[slot]; }
    const SourceLimits& limits() const noexcept { return limits_; }
    const SourceCounters& counters() const noexcept { return counters_; }
    SourceLevels levels() const;
    // Aborts when an invariant does not hold; for tests, O(everything).
    void check() const;

private:
    struct Said; // one command and who said it
    void handle(Said& said, const wire::leased::Hello& hello);
    void handle(Said& said, const wire::leased::Credit& credit);
    void handle(Said& said, const wire::leased::Take& take);
    void handle(Said& said, const wire::leased::Ack& ack);
    void handle(Said& said, const wire::leased::Nack& nack);
    void handle(Said& said, const wire::leased::Touch& touch);
    void handle(Said& said, const wire::leased::Ping& ping);
    void handle(Said& said, const wire::leased::Pong& pong);
    void handle(Said& said, const wire::leased::Bye& bye);
    void answer(Said& said, wire::leased::Event event);
    void answer_if_wanted(Said& said, wire::leased::Event event);
    void refuse(Said& said, wire::leased::ErrorCode code, std::string text);
    template <class Each>
    void for_leases(Said& said, const wire::leased::Leases& leases, Each&& each);
    enum class Hold : std::uint8_t { held, late, lost };
    Hold hold(const Said& said, std::uint64_t lease, Slot item) const;

    Status check_submission(std::size_t frames, std::uint64_t bytes, std::string_view key) const;
    Result<WorkId> accept(Blob body, std::unique_ptr<wire::Frames> frames, std::string_view key);
    Slot resume(Said& said, const wire::leased::Hello& hello);
    void return_unheld(Said& said, const wire::leased::Held& held);
    Slot open_session(Said& said);
    void heard(Slot session, Instant now);
    void set_credit(Slot session, std::uint32_t credit);
    void drop(Slot session, Instant now, SourceOutputs& out);
    void membership_changed() noexcept { replace_lanes_ = limits_.dispatch == Dispatch::by_key; }
    void lease_ended(Slot session, Instant now, SourceOutputs& out);
    void tick_sessions(Instant now, SourceOutputs& out);
    void tick_session(Slot session, Instant now, SourceOutputs& out);
    void end_waits(Instant now, SourceOutputs& out);

    void finish(Slot item);
    void give_back(Slot item, DeadReason reason, std::string_view text, Instant due, Instant now,
                   SourceOutputs& out);
    // In reverse, so that what is in front stays in front.
    void give_back_all(const std::vector<Slot>& items, DeadReason reason, std::string_view text,
                       Instant due, Instant now, SourceOutputs& out);
    enum class End : std::uint8_t { front, back };
    void put_in_lane(Slot item, End end);
    SlotList& lane_of(Slot item);
    void sort_into_lanes();
    void assign(Slot item, Slot session, Instant now);
    void assign_from(SlotList& lane, Slot session, Instant now);
    void emit(SourceOutputs& out);

    SourceLimits limits_;
    Random random_;
    std::uint64_t epoch_;
    std::uint64_t last_id_ = 0;
    std::uint64_t last_lease_ = 0;
    std::uint64_t last_turn_ = 0;
    bool draining_ = false;
    bool stopped_ = false;
    bool replace_lanes_ = false;
    Slot last_owner_ = no_slot; // of the message last submitted
    Instant next_look_ = never; // at sessions: silence and graces
    Instant next_take_ = never; // the first wait that ends
    WorkItems items_;
    WorkSessions sessions_;
    SlotList shared_lane_;    // pending for anybody
    std::vector<Slot> fresh_; // sessions with new leases in this dispatch
    std::vector<Slot> scratch_;
    SourceCounters counters_;
};

} // namespace flotilla::pipeline
