// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: decides what the queue engine does. It is told what peers said and what time it is,
// reads the last commit, and answers with the turn's mutations and with what to say once they are
// committed. It does no I/O, reads no clock and never sees a store.
//
//     begin_turn ─► receive, ... (any number) ─► end_apply ─► [commit] ─► committed ─► deliver
//
// After a failed commit the machine is thrown away: what was committed is the truth.
//
// Invariants, checked by check()
//  1. accepted = ready + delayed + leased + finished + dead + expired + dropped + purged.
//  2. A message is in one place, and leased to at most one session.
//  3. Nothing is said about a message before what it says is committed (durability=relaxed and
//     memory say less, and so may say it sooner).
//  4. No position at or beyond its lane's committed horizon is delivered.
//  5. Nobody is given more than its window. A take is answered once.
//
// One thread at a time.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/engine/turn.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

// Bytes of puts: that there is room for (Store::room), or that a turn has gathered.
struct StoreRoom {
    std::uint64_t disk = 0;
    std::uint64_t memory = 0; // of queues with durability=memory
};

class QueueMachine {
public:
    // The limits must have been checked. `seed` makes the epoch and session keys, fresh each time.
    QueueMachine(const StoreLimits& limits, std::uint64_t seed);
    QueueMachine(QueueMachine&&) noexcept;
    QueueMachine& operator=(QueueMachine&&) noexcept;
    ~QueueMachine();

    // Of the last commit, before anything else. The first turn then has something to commit.
    // Errors: damaged; unsupported; io.
    Status load(const Snapshot& snapshot, Times times);

    // ---- apply: between begin_turn and end_apply the snapshot must live
    void begin_turn(const Snapshot& snapshot, StoreRoom room, Times times);
    void receive(const Peer& peer, const leased::Envelope& envelope, Command&& command,
                 Times times);
    void malformed(const Peer& peer, const leased::Envelope& envelope, const Error& error,
                   Times times);
    void connection_lost(int descriptor, Times times);
    void unreachable(std::string_view peer, QueueEngine::Unreachable why, Times times);
    void hold(std::string_view peer);
    void release(std::string_view peer);
    bool is_turn_full() const noexcept;

    // What is due, jobs, horizons; everything gathered becomes mutations.
    void end_apply(Times times);
    const Mutations& mutations() const noexcept;
    // Else the commit may be put off, and next_deadline() says until when.
    bool must_commit() const noexcept;
    // A read failed: nothing may be committed or said.
    const std::optional<Error>& broken() const noexcept;

    // ---- after end_apply
    // What need not wait for a commit.
    void release_early(EngineOutputs& out);
    // The token of the commit lets everything out that waits for it.
    void committed(const Committed& proof, EngineOutputs& out);
    // Gives out what is ready, from a snapshot of the last commit, bounded. Errors: io, damaged.
    Status deliver(const Snapshot& snapshot, Times times, EngineOutputs& out);
    bool has_more() const noexcept;
    Instant next_deadline() const noexcept;

    // Between begin_turn and end_apply, or before the first turn.
    void set_permissions(std::shared_ptr<const Permissions> permissions);
    void drain() noexcept;
    // Everybody is told to go; what is leased returns. Then end_apply, commit, committed.
    void stop(Times times);
    void set_limits(const StoreLimits& limits);
    // After disk_full: turns hold half for a while.
    void halve_turns() noexcept;

    EngineLevels levels() const;
    void count(EngineCounters& counters) const; // adds its own
    std::vector<QueueStat> queues() const;
    QueuePage queues(const QueuePageWish& wish, const Snapshot& snapshot) const;
    std::vector<SessionStat> sessions(Instant now) const;
    void check() const;

    class Rest; // queue_machine_rest.hpp

private:
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
