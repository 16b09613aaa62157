// SPDX-License-Identifier: Apache-2.0
//
// Jobs: what takes more than one turn: purge, redrive, kick, and the sweep of what a deleted queue
// leaves behind. Each does a bounded bit a turn, in turn, and says when it is done.
//
// A purge or redrive concerns what was there when it was asked for. A sweep survives a restart (its
// row in the meta table); the others end with the process, half done and unanswered, and may be
// asked for again.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/delay_wheel.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/engine/turn_budget.hpp>
#include <flotilla/queue/engine/waiting.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flotilla::queue {

// What a job does through the machine. Effects are the turn's own, committed with it.
class JobHost : public QueueFacts {
public:
    // Takes a ready message out of its queue: finished in its block, counted.
    virtual Status leave(const Snapshot& snapshot, const Waiting& message, Leaving why) = 0;
    // Counts a delayed message out (its row is the job's to change).
    virtual void leave_delayed(const Delayed& message, Leaving why) = 0;
    // Puts a dead letter at the end of the queue named in its note, attempts starting over, with a
    // new id. The message itself is left where it is.
    // Errors: not_found (no such queue); would_block (full); malformed (it is no dead letter).
    virtual Status put_back(const Snapshot& snapshot, const Waiting& message) = 0;
};

using JobNumber = std::uint64_t;

struct JobDone {
    JobNumber job = 0;
    std::uint64_t messages = 0;
    Status status{}; // not_found, would_block, malformed: why it ended early
};

class Jobs {
public:
    static constexpr std::size_t waiting_max = 1'000;

    bool has_room() const noexcept { return jobs_.size() < waiting_max; }
    bool empty() const noexcept { return jobs_.empty(); }
    bool has_work() const noexcept; // run() would do something now, without another commit

    // `lanes` of the queue; `end` is the next position (and id) it will give out.
    JobNumber purge(QueueId queue, std::size_t lanes, Position end);
    JobNumber redrive(QueueId queue, std::size_t lanes, Position end, std::uint64_t messages);
    JobNumber kick(QueueId queue, std::size_t lanes, Position end, MessageId id);
    // Of a queue whose own rows (queue, name) the caller erases in the same turn. Writes its row.
    JobNumber sweep(Mutations& mutations, QueueId queue);
    // Sweeps that were not done at the last stop. After opening.
    Status load(const Snapshot& snapshot);
    // The queue is gone: its jobs end with not_found.
    void queue_gone(QueueId queue);
    // Whether a delayed message, met where the wheel visits it, belongs to a purge that is under
    // way: then it leaves. (Its row might move behind where the purge has been.)
    bool is_purging(QueueId queue, MessageId id) const noexcept;

    // Some of the work of the first job, then the next in turn. `done` are appended. Errors: io.
    Status run(const Snapshot& snapshot, Mutations& mutations, JobHost& host, std::int64_t wall_ms,
               TurnBudget& budget, std::vector<JobDone>& done);
    void committed() noexcept { ++commits_; }

private:
    struct Job {
        enum class Kind : std::uint8_t { purge, redrive, kick, sweep };
        JobNumber number = 0;
        Kind kind{};
        QueueId queue = 0;
        std::size_t lanes = 0;
        Position at = 0;
        Position end = 0;
        std::uint64_t messages_max = 0; // 0: all
        MessageId id = 0;
        std::uint64_t messages = 0;
        std::string row{};              // purge of delayed ones, sweep: where to go on
        std::size_t table = 0;          // sweep: which one
        bool is_ready_done = false;     // purge: it is at the delayed ones
        bool has_met_due = false;       // purge: rows that the wheel is about to visit
        std::uint64_t after_commit = 0; // goes on when there were so many commits
        bool is_over = false;
        Status status{};
    };
    JobNumber start(Job job);
    bool is_behind_another(const Job& job) const noexcept; // purges of one queue go one by one
    Status run_purge(Job& job, const Snapshot& snapshot, Mutations& mutations, JobHost& host,
                     std::int64_t wall_ms, TurnBudget& budget);
    Status run_redrive(Job& job, const Snapshot& snapshot, JobHost& host, TurnBudget& budget);
    Status run_sweep(Job& job, const Snapshot& snapshot, Mutations& mutations, TurnBudget& budget);
    Status purge_delayed(Job& job, const Snapshot& snapshot, Mutations& mutations, JobHost& host,
                         std::int64_t wall_ms, TurnBudget& budget);

    std::deque<Job> jobs_{};
    JobNumber last_ = 0;
    std::uint64_t commits_ = 0;
};

// Overflow: the oldest ready messages, up to `messages`, leave through the host. How many did.
// Errors: io.
Result<std::uint64_t> drop_oldest(const Snapshot& snapshot, JobHost& host, QueueId queue,
                                  std::size_t lanes, std::uint64_t messages, Leaving why,
                                  TurnBudget& budget);

} // namespace flotilla::queue
