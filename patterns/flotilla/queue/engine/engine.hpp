// SPDX-License-Identifier: Apache-2.0
//
// QueueEngine: durable queues without a socket: a machine, a store, and the turn that joins them.
//
//     commands ─► apply() ─► machine ─► mutations ─► Store::commit ─► Committed
//                               ▲                                        │
//                               └ reads of the last commit     answers ◄─┘ ─► deliveries
//
// A turn is: apply() as many commands as are there, until is_turn_full(); then finish_turn(), which
// commits them as one transaction, and only then gives out answers and deliveries. A commit that
// fails has one answer: nothing is said, the machine is dropped and read again from the store, and
// sessions and credit are forgotten (peers say hello again).
//
// It reads no clock and does no I/O but the store's. One thread at a time. The shell is
// QueueServer.
#pragma once

#include <flotilla/base/judge.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/base/time_histogram.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

// Leases run on the first; due times, expiry and windows on the second, which the engine never
// lets run backward.
struct Times {
    Instant now{};
    WallTime wall{};
};

// Who said something, as far as the transport knows.
struct Peer {
    std::string_view id{};      // its address at the transport
    std::string_view user_id{}; // authenticated; empty without CURVE
    int descriptor = -1;        // of its connection
    // Ours: the server itself and its doors, which are judged where they are configured.
    enum class Side : std::uint8_t { remote, ours } side = Side::remote;
};

struct EngineOutputs {
    struct Send {
        std::string peer{};
        leased::Envelope envelope{};
        Event event{};
    };
    std::vector<Send> sends{};
    // What an operator should know, with a stable name: "clock_set_back", "commit_failed",
    // "block_damaged", "full", "room_again", "queue_created", "producer_evicted"...
    struct Notice {
        std::string_view event{};
        std::string detail{};
        std::string queue{}; // by name; empty: it is not of one queue, or that is deleted
    };
    std::vector<Notice> notices{};
    std::vector<Refusal> refusals{}; // the first ones of a turn, for the audit
    // What an administrator changed, for the audit: each is in the commit.
    struct Change {
        std::string user_id{};   // the credential
        std::string user{};      // whom it stands for; empty: nobody known
        std::string_view verb{}; // "create", "alter", "delete", "purge", "kick", "redrive"
        std::string queue{};
        int descriptor = -1; // of the connection
    };
    std::vector<Change> changes{};
    std::vector<int> cuts{}; // descriptors of connections whose users were revoked
    void clear() {
        sends.clear();
        notices.clear();
        refusals.clear();
        changes.clear();
        cuts.clear();
    }
};

struct EngineCounters {
    std::uint64_t turns_total = 0;
    std::uint64_t commits_total = 0;
    std::uint64_t commits_failed_total = 0;
    std::uint64_t reloads_total = 0;
    std::uint64_t commands_total = 0;
    std::uint64_t malformed_total = 0;
    std::uint64_t refused_total = 0;
    std::uint64_t full_total = 0;    // puts refused because the store has no room
    OperationCounts not_allowed{};   // of refused_total: by a rule; by operation
    std::uint64_t revoked_total = 0; // sessions that ended because their user lost the right
    QueueCounters queues{};          // of all queues together, since the start of the process
    TimeHistogram commit_times{};    // to disk
    // From being accepted, or due, to the first delivery. To the millisecond: blocks keep no more.
    TimeHistogram delivery_times{};
};

struct EngineLevels {
    std::uint32_t queues = 0;
    std::uint32_t sessions = 0;
    std::uint64_t leased = 0;
    std::uint32_t takes = 0;
    bool is_full = false;
    // A commit failed, and what is stored cannot be read again yet: everything is refused, and the
    // rest of this is not known.
    bool is_reloading = false;
};

class QueueEngine {
public:
    // Recovers from the store; O(1) in the backlog. `seed` makes epochs and session keys, fresh at
    // every start. Errors: bad_option; damaged; unsupported (a newer format); io.
    static Result<QueueEngine> open(std::unique_ptr<Store> store, StoreLimits limits,
                                    std::uint64_t seed, Times times);
    QueueEngine(QueueEngine&&) noexcept;
    QueueEngine& operator=(QueueEngine&&) noexcept;
    ~QueueEngine();

    // ---- inputs of a turn
    void apply(const Peer& peer, const leased::Envelope& envelope, Command&& command, Times times);
    // Something that is not the protocol came from `peer`.
    void malformed(const Peer& peer, const leased::Envelope& envelope, const Error& error,
                   Times times);
    void connection_lost(int descriptor, Times times); // a hint
    enum class Unreachable : std::uint8_t { gone, too_slow };
    void unreachable(std::string_view peer, Unreachable why, Times times);
    // While a peer is held, it gets no deliveries; answers it gets. For who does not read fast
    // enough: the transport says so before anything is lost.
    void hold(std::string_view peer);
    void release(std::string_view peer);
    bool is_turn_full() const noexcept;

    // Does what is due, commits, gives out. Appends to `out`. Errors: io, damaged: the store cannot
    // be read any more; the process should end.
    Status finish_turn(Times times, EngineOutputs& out);
    // Makes room in the store for what is to come. For after the answers of a turn were sent, so
    // that nobody waits for it; what was left undone, the next turn does first.
    void housekeep();
    // finish_turn() would have something to do at this time without any input.
    Instant next_deadline() const noexcept;
    // More is ready than one turn gave out: call finish_turn() again without waiting.
    bool has_more() const noexcept;

    // Refuses puts, takes and new sessions with `draining`, and delivers nothing more; leases in
    // hand may end.
    void drain(Times times);
    // Everybody is told to go elsewhere; everything returned is written; the next start is clean.
    Status stop(Times times, EngineOutputs& out);

    // Who may do what, from the next command on; nullptr: everybody everything. Sessions of users
    // who may not take any more end in this turn, and what they hold returns.
    void set_permissions(std::shared_ptr<const Permissions> permissions, Times times);

    // Limits that may change while it runs. Errors: bad_option.
    Status set_limits(StoreLimits limits);

    EngineCounters counters() const;
    EngineLevels levels() const;
    // Queues in memory now (used since the start), by name.
    std::vector<QueueStat> queues() const;
    // Queues of the store, used or not. Those that were not are counted into the sums so many at a
    // call (QueueCensus), and behind a page up to 10,000 of them. For between turns.
    QueuePage queues(const QueuePageWish& wish) const;
    // Everybody who has a session, by peer.
    std::vector<SessionStat> sessions(Instant now) const;
    // Aborts when an invariant does not hold; for tests, O(everything in memory).
    void check() const;

private:
    struct Rest;
    explicit QueueEngine(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
