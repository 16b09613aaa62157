// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/jobs.hpp>
#include <flotilla/queue/engine/keys.hpp>

#include <algorithm>
#include <array>

namespace flotilla::queue {
namespace {

// What a deleted queue leaves behind, all under keys that begin with its id. Rows of producers and
// of the wheel and the expiry index go when their time comes.
constexpr std::array swept{Table::block, Table::done, Table::attempt, Table::duplicate,
                           Table::duplicate_age};
constexpr ByteView sweep_row = "sweep"; // in the meta table, with the queue's id behind it

} // namespace

// ---- asked for ---------------------------------------------------------------------------------

JobNumber Jobs::start(Job job) {
    job.number = ++last_;
    jobs_.push_back(std::move(job));
    return last_;
}

JobNumber Jobs::purge(QueueId queue, std::size_t lanes, Position end) {
    Job job;
    job.kind = Job::Kind::purge;
    job.queue = queue;
    job.lanes = lanes;
    job.end = end;
    return start(std::move(job));
}

JobNumber Jobs::redrive(QueueId queue, std::size_t lanes, Position end, std::uint64_t messages) {
    Job job;
    job.kind = Job::Kind::redrive;
    job.queue = queue;
    job.lanes = lanes;
    job.end = end;
    job.messages_max = messages;
    return start(std::move(job));
}

JobNumber Jobs::kick(QueueId queue, std::size_t lanes, Position end, MessageId id) {
    Job job;
    job.kind = Job::Kind::kick;
    job.queue = queue;
    job.lanes = lanes;
    job.at = id; // a message is at its id, or has moved to a later position
    job.end = end;
    job.id = id;
    return start(std::move(job));
}

JobNumber Jobs::sweep(Mutations& mutations, QueueId queue) {
    mutations.put(Table::meta, std::string(sweep_row) + queue_key(queue), {});
    Job job;
    job.kind = Job::Kind::sweep;
    job.queue = queue;
    job.after_commit = commits_ + 1; // what this turn puts is erased too
    return start(std::move(job));
}

Status Jobs::load(const Snapshot& snapshot) {
    std::string at{sweep_row};
    while (true) {
        const auto row = snapshot.at_or_after(Table::meta, at);
        if (!row)
            return fail(row.error());
        if (!*row || !(*row)->key.starts_with(sweep_row))
            return {};
        if (const auto queue = read_queue_key((*row)->key.substr(sweep_row.size()))) {
            Job job;
            job.kind = Job::Kind::sweep;
            job.queue = *queue;
            start(std::move(job));
        }
        at.assign((*row)->key).push_back('\0');
    }
}

void Jobs::queue_gone(QueueId queue) {
    for (Job& job : jobs_)
        if (job.queue == queue && job.kind != Job::Kind::sweep) {
            job.is_over = true;
            job.status = fail(Errc::not_found, "the queue was deleted");
        }
}

bool Jobs::is_purging(QueueId queue, MessageId id) const noexcept {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](const Job& job) {
        return job.kind == Job::Kind::purge && job.queue == queue && id < job.end && !job.is_over;
    });
}

bool Jobs::has_work() const noexcept {
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [&](const Job& job) { return job.is_over || job.after_commit <= commits_; });
}

// ---- done --------------------------------------------------------------------------------------

Status Jobs::run(const Snapshot& snapshot, Mutations& mutations, JobHost& host,
                 std::int64_t wall_ms, TurnBudget& budget, std::vector<JobDone>& done) {
    for (std::size_t turns = jobs_.size(); turns > 0 && !budget.is_spent(); --turns) {
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        Status ran{};
        if (!job.is_over && job.after_commit <= commits_ && !is_behind_another(job)) {
            switch (job.kind) {
            case Job::Kind::purge:
                ran = run_purge(job, snapshot, mutations, host, wall_ms, budget);
                break;
            case Job::Kind::redrive:
            case Job::Kind::kick:
                ran = run_redrive(job, snapshot, host, budget);
                break;
            case Job::Kind::sweep:
                ran = run_sweep(job, snapshot, mutations, budget);
                break;
            }
        }
        if (!ran)
            return ran;
        if (!job.is_over) {
            jobs_.push_back(std::move(job));
            continue;
        }
        // The next one on these messages sees what this one has left only after the commit.
        for (Job& other : jobs_)
            if (other.queue == job.queue)
                other.after_commit = std::max(other.after_commit, commits_ + 1);
        done.push_back({job.number, job.messages, std::move(job.status)});
    }
    return {};
}

bool Jobs::is_behind_another(const Job& job) const noexcept {
    return job.kind == Job::Kind::purge &&
           std::any_of(jobs_.begin(), jobs_.end(), [&](const Job& other) {
               return other.kind == Job::Kind::purge && other.queue == job.queue &&
                      other.number < job.number;
           });
}

Status Jobs::run_purge(Job& job, const Snapshot& snapshot, Mutations& mutations, JobHost& host,
                       std::int64_t wall_ms, TurnBudget& budget) {
    if (job.is_ready_done)
        return purge_delayed(job, snapshot, mutations, host, wall_ms, budget);
    WaitingSweep sweep(snapshot, host, job.queue, job.lanes, job.at);
    while (!budget.is_spent()) {
        const auto found = sweep.next(budget);
        if (!found)
            return fail(found.error());
        if (!*found && !sweep.is_at_end())
            break;
        if (!*found || (*found)->position() >= job.end) {
            job.is_ready_done = true;
            return purge_delayed(job, snapshot, mutations, host, wall_ms, budget);
        }
        if (Status left = host.leave(snapshot, **found, Leaving::purged); !left)
            return left;
        ++job.messages;
    }
    job.at = sweep.position();
    return {};
}

// Rows whose time has come are the wheel's, which asks is_purging(); they are waited for.
Status Jobs::purge_delayed(Job& job, const Snapshot& snapshot, Mutations& mutations, JobHost& host,
                           std::int64_t wall_ms, TurnBudget& budget) {
    DelayedReader reader;
    DelayedWriter rest;
    while (!budget.is_spent()) {
        const auto row = snapshot.at_or_after(Table::delayed, job.row);
        if (!row)
            return fail(row.error());
        const auto place = *row ? read_delayed_key((*row)->key) : fail(Errc::not_found);
        if (!place) {
            job.is_over = !job.has_met_due;
            job.row.clear();
            job.has_met_due = false;
            job.after_commit = commits_ + 1;
            return {};
        }
        budget.spend(1);
        if (place->queue != job.queue) { // to where the queue's rows of this or the next time begin
            const std::int64_t bucket = place->bucket_ms + (place->queue > job.queue ? 1 : 0);
            job.row = delayed_key({bucket, job.queue, 0});
            continue;
        }
        job.row.assign((*row)->key).push_back('\0');
        if (place->bucket_ms <= wall_ms) {
            job.has_met_due = true;
            continue;
        }
        if (!reader.open(**row))
            continue; // the wheel tells it when it comes there
        for (std::size_t i = 0; i < reader.count(); ++i) {
            const Delayed message = reader[i];
            if (message.record.id >= job.end) {
                rest.add(message);
                continue;
            }
            host.leave_delayed(message, Leaving::purged);
            ++job.messages;
        }
        budget.spend(reader.count());
        if (rest.count() == 0)
            mutations.erase(Table::delayed, std::string((*row)->key));
        else if (rest.count() < reader.count())
            mutations.put(Table::delayed, std::string((*row)->key), rest.finish(reader[0].put_ms));
        else
            rest = {};
    }
    return {};
}

Status Jobs::run_redrive(Job& job, const Snapshot& snapshot, JobHost& host, TurnBudget& budget) {
    const bool is_kick = job.kind == Job::Kind::kick;
    WaitingSweep sweep(snapshot, host, job.queue, job.lanes, job.at);
    while (!budget.is_spent() && !job.is_over) {
        const auto found = sweep.next(budget);
        if (!found)
            return fail(found.error());
        if (!*found && !sweep.is_at_end())
            break;
        if (!*found || (*found)->position() >= job.end) {
            job.is_over = true;
            if (is_kick)
                job.status = fail(Errc::not_found, "message " + std::to_string(job.id) +
                                                       " is not ready in this queue");
            return {};
        }
        if (is_kick && (*found)->record.id != job.id)
            continue;
        Status put = host.put_back(snapshot, **found);
        if (put) {
            budget.spend(0, (*found)->record.body.size());
            if (Status left = host.leave(snapshot, **found, Leaving::purged); !left)
                return left;
            ++job.messages;
        } else if (is_kick || put.error().code == Errc::would_block) {
            job.status = std::move(put);
        }
        // What is no dead letter, or from a queue that is gone, stays where it is.
        job.is_over =
            is_kick || !job.status || (job.messages_max > 0 && job.messages >= job.messages_max);
    }
    job.at = sweep.position();
    return {};
}

Status Jobs::run_sweep(Job& job, const Snapshot& snapshot, Mutations& mutations,
                       TurnBudget& budget) {
    const std::string prefix = queue_key(job.queue);
    while (!budget.is_spent() && job.table < swept.size()) {
        const Table table = swept[job.table];
        const auto row = snapshot.at_or_after(table, job.row.empty() ? prefix : job.row);
        if (!row)
            return fail(row.error());
        if (!*row || !(*row)->key.starts_with(prefix)) {
            ++job.table;
            job.row.clear();
            continue;
        }
        mutations.erase(table, std::string((*row)->key));
        job.row.assign((*row)->key).push_back('\0');
        budget.spend(4);
    }
    if (job.table == swept.size()) {
        mutations.erase(Table::meta, std::string(sweep_row) + prefix);
        job.is_over = true;
    }
    return {};
}

Result<std::uint64_t> drop_oldest(const Snapshot& snapshot, JobHost& host, QueueId queue,
                                  std::size_t lanes, std::uint64_t messages, Leaving why,
                                  TurnBudget& budget) {
    WaitingSweep sweep(snapshot, host, queue, lanes, 0);
    std::uint64_t dropped = 0;
    while (dropped < messages) {
        const auto found = sweep.next(budget);
        if (!found)
            return fail(found.error());
        if (!*found)
            break;
        if (Status left = host.leave(snapshot, **found, why); !left)
            return fail(left.error());
        ++dropped;
    }
    return dropped;
}

} // namespace flotilla::queue
