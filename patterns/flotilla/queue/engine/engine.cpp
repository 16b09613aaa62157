// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/engine/queue_machine.hpp>
#include <flotilla/queue/engine/split_store.hpp>

#include <set>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr Duration reload_pause = 100ms;

bool is_between(std::uint64_t value, std::uint64_t min, std::uint64_t max) noexcept {
    return value >= min && value <= max;
}

Status check_limits(const StoreLimits& limits) {
    if (!is_between(limits.queues_max, 1, 10'000'000))
        return fail(Errc::bad_option, "queues_max is 1 to 10,000,000");
    if (!is_between(limits.message_bytes_max, 1ULL << 10, 1ULL << 30))
        return fail(Errc::bad_option, "message_bytes_max is 1 KiB to 1 GiB");
    if (!is_between(limits.sessions_max, 1, 65'536))
        return fail(Errc::bad_option, "sessions_max is 1 to 65,536");
    if (!is_between(limits.credit_max, 1, leased::limits::credit_max))
        return fail(Errc::bad_option, "credit_max is 1 to 1,000,000");
    if (limits.leased_max == 0 || limits.takes_max == 0 || limits.producers_max == 0)
        return fail(Errc::bad_option, "leased_max, takes_max and producers_max are at least 1");
    if (limits.turn_commands_max == 0 || limits.turn_bytes_max == 0)
        return fail(Errc::bad_option, "turn_commands_max and turn_bytes_max are at least 1");
    if (limits.heartbeat < 10ms || limits.silence_max < limits.heartbeat ||
        limits.return_grace < Duration::zero())
        return fail(Errc::bad_option, "heartbeat is at least 10 ms and at most silence_max");
    if (!limits.default_queue.empty() && !is_queue_name(limits.default_queue))
        return fail(Errc::bad_option, "default_queue: " + no_queue_name(limits.default_queue));
    return {};
}

} // namespace

struct QueueEngine::Rest {
    Rest(std::unique_ptr<Store> disk, const StoreLimits& with, std::uint64_t seed)
        : store(std::move(disk)), limits(with), random(seed) {}

    Status load(Times times);
    bool begin(Times times);
    Status end(Times times, EngineOutputs& out);
    Status commit(Times times, EngineOutputs& out);
    void reload(const Error& why, Times times, EngineOutputs& out);

    SplitStore store;
    StoreLimits limits;
    Random random;
    std::shared_ptr<const Permissions> permissions{};
    std::optional<QueueMachine> machine{}; // none: the store could not be read again yet
    std::unique_ptr<Snapshot> snapshot{};  // of the turn's apply
    std::set<std::string, std::less<>> held{};
    EngineCounters counters{};                   // of machines that are gone, and the engine's own
    std::vector<EngineOutputs::Send> refusals{}; // while there is no machine
    std::vector<EngineOutputs::Notice> notices_of_start{}; // for the first turn's outputs
    bool owes_housekeeping = false;
    bool draining = false;
    bool stopped = false;
    std::optional<Error> broken{}; // the store cannot be read
    Instant retry_at{};
};

// ---- a machine, from what was committed --------------------------------------------------------

Status QueueEngine::Rest::load(Times times) {
    snapshot.reset();
    machine.emplace(limits, random.next());
    auto read = store.read();
    if (!read)
        return fail(read.error());
    if (const Status loaded = machine->load(**read, times); !loaded)
        return loaded;
    machine->set_permissions(permissions);
    for (const std::string& peer : held)
        machine->hold(peer);
    if (draining)
        machine->drain();
    return {};
}

void QueueEngine::Rest::reload(const Error& why, Times times, EngineOutputs& out) {
    out.notices.push_back({"commit_failed", to_string(why)});
    if (machine)
        machine->count(counters);
    ++counters.commits_failed_total;
    ++counters.reloads_total;
    if (const Status loaded = load(times); !loaded) {
        out.notices.push_back({"rebuild_failed", to_string(loaded.error())});
        machine.reset();
        retry_at = deadline_after(times.now, reload_pause);
        return;
    }
    if (why.code == Errc::disk_full)
        machine->halve_turns();
}

// ---- the turn ----------------------------------------------------------------------------------

// Whether there is a machine with a snapshot to work on.
bool QueueEngine::Rest::begin(Times times) {
    if (!machine || broken)
        return false;
    if (snapshot)
        return true;
    if (std::exchange(owes_housekeeping, false))
        store.housekeep();
    auto read = store.read();
    if (!read) {
        broken = read.error();
        return false;
    }
    snapshot = std::move(*read);
    machine->begin_turn(*snapshot, {store.room(), store.memory_room()}, times);
    return true;
}

Status QueueEngine::Rest::end(Times times, EngineOutputs& out) {
    machine->end_apply(times);
    if (machine->broken())
        return fail(*machine->broken());
    if (machine->must_commit())
        return commit(times, out);
    snapshot.reset();
    machine->release_early(out);
    return {};
}

Status QueueEngine::Rest::commit(Times times, EngineOutputs& out) {
    snapshot.reset();
    const auto proof = store.commit(machine->mutations());
    if (!proof) {
        reload(proof.error(), times, out);
        return {};
    }
    ++counters.commits_total;
    machine->committed(*proof, out);
    owes_housekeeping = true;
    return {};
}

// ---- the engine --------------------------------------------------------------------------------

QueueEngine::QueueEngine(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
QueueEngine::QueueEngine(QueueEngine&&) noexcept = default;
QueueEngine& QueueEngine::operator=(QueueEngine&&) noexcept = default;
QueueEngine::~QueueEngine() = default;

Result<QueueEngine> QueueEngine::open(std::unique_ptr<Store> store, StoreLimits limits,
                                      std::uint64_t seed, Times times) {
    if (const Status checked = check_limits(limits); !checked)
        return fail(checked.error());
    auto rest = std::make_unique<Rest>(std::move(store), limits, seed);
    if (const Status loaded = rest->load(times); !loaded)
        return fail(loaded.error());
    // The epoch is committed before anything is leased under it, and a store that cannot be
    // written is found out now.
    rest->begin(times);
    if (rest->broken)
        return fail(*rest->broken);
    EngineOutputs first;
    if (const Status ended = rest->end(times, first); !ended)
        return fail(ended.error());
    if (rest->counters.commits_failed_total > 0)
        return fail(Errc::io, first.notices.empty() ? "the first commit failed"
                                                    : first.notices.front().detail);
    rest->notices_of_start = std::move(first.notices);
    return QueueEngine{std::move(rest)};
}

void QueueEngine::apply(const Peer& peer, const leased::Envelope& envelope, Command&& command,
                        Times times) {
    if (rest_->begin(times))
        return rest_->machine->receive(peer, envelope, std::move(command), times);
    if (rest_->refusals.size() < rest_->limits.turn_commands_max)
        rest_->refusals.push_back(
            {std::string(peer.id), envelope,
             leased::ErrorReply{leased::ErrorCode::busy,
                                "the store cannot be written right now; try again", 0, 0, 0}});
}

void QueueEngine::malformed(const Peer& peer, const leased::Envelope& envelope, const Error& error,
                            Times times) {
    if (rest_->begin(times))
        rest_->machine->malformed(peer, envelope, error, times);
}

void QueueEngine::connection_lost(int descriptor, Times times) {
    if (rest_->begin(times))
        rest_->machine->connection_lost(descriptor, times);
}

void QueueEngine::unreachable(std::string_view peer, Unreachable why, Times times) {
    release(peer);
    if (rest_->begin(times))
        rest_->machine->unreachable(peer, why, times);
}

void QueueEngine::hold(std::string_view peer) {
    rest_->held.emplace(peer);
    if (rest_->machine)
        rest_->machine->hold(peer);
}

void QueueEngine::release(std::string_view peer) {
    const auto at = rest_->held.find(peer);
    if (at == rest_->held.end())
        return;
    rest_->held.erase(at);
    if (rest_->machine)
        rest_->machine->release(peer);
}

bool QueueEngine::is_turn_full() const noexcept {
    return rest_->machine ? rest_->machine->is_turn_full()
                          : rest_->refusals.size() >= rest_->limits.turn_commands_max;
}

Status QueueEngine::finish_turn(Times times, EngineOutputs& out) {
    Rest& rest = *rest_;
    if (rest.stopped)
        return {};
    for (EngineOutputs::Send& refusal : std::exchange(rest.refusals, {}))
        out.sends.push_back(std::move(refusal));
    for (EngineOutputs::Notice& notice : std::exchange(rest.notices_of_start, {}))
        out.notices.push_back(std::move(notice));
    if (!rest.machine && times.now >= rest.retry_at)
        if (const Status loaded = rest.load(times); !loaded) {
            rest.machine.reset();
            rest.retry_at = deadline_after(times.now, reload_pause);
        }
    if (!rest.begin(times))
        return rest.broken ? Status{fail(*rest.broken)} : Status{};
    if (const Status ended = rest.end(times, out); !ended)
        return ended;
    if (!rest.machine)
        return {};
    auto committed = rest.store.read();
    if (!committed)
        return fail(committed.error());
    return rest.machine->deliver(**committed, times, out);
}

void QueueEngine::housekeep() {
    if (rest_->snapshot) // the next turn has begun
        return;
    rest_->owes_housekeeping = false;
    rest_->store.housekeep();
}

Instant QueueEngine::next_deadline() const noexcept {
    if (rest_->stopped)
        return never;
    return rest_->machine ? rest_->machine->next_deadline() : rest_->retry_at;
}

bool QueueEngine::has_more() const noexcept {
    return !rest_->stopped && rest_->machine && rest_->machine->has_more();
}

void QueueEngine::drain(Times) {
    rest_->draining = true;
    if (rest_->machine)
        rest_->machine->drain();
}

Status QueueEngine::stop(Times times, EngineOutputs& out) {
    Rest& rest = *rest_;
    if (std::exchange(rest.stopped, true) || !rest.begin(times))
        return {};
    rest.machine->stop(times);
    const std::uint64_t failed = rest.counters.commits_failed_total;
    if (const Status ended = rest.end(times, out); !ended)
        return ended;
    if (rest.counters.commits_failed_total != failed)
        return fail(Errc::io, "what was returned could not be written; the next start says "
                              "'maybe' of it");
    return {};
}

void QueueEngine::set_permissions(std::shared_ptr<const Permissions> permissions, Times times) {
    rest_->permissions = std::move(permissions);
    if (rest_->begin(times))
        rest_->machine->set_permissions(rest_->permissions);
}

Status QueueEngine::set_limits(StoreLimits limits) {
    if (const Status checked = check_limits(limits); !checked)
        return checked;
    rest_->limits = std::move(limits);
    if (rest_->machine)
        rest_->machine->set_limits(rest_->limits);
    return {};
}

EngineCounters QueueEngine::counters() const {
    EngineCounters counters = rest_->counters;
    if (rest_->machine)
        rest_->machine->count(counters);
    if (const TimeHistogram* times = rest_->store.commit_times())
        counters.commit_times = *times;
    return counters;
}

EngineLevels QueueEngine::levels() const {
    if (rest_->machine)
        return rest_->machine->levels();
    EngineLevels unknown;
    unknown.is_reloading = true;
    return unknown;
}

std::vector<QueueStat> QueueEngine::queues() const {
    return rest_->machine ? rest_->machine->queues() : std::vector<QueueStat>{};
}

QueuePage QueueEngine::queues(const QueuePageWish& wish) const {
    if (!rest_->machine)
        return {};
    if (rest_->snapshot) // of a turn that has begun
        return rest_->machine->queues(wish, *rest_->snapshot);
    const auto last = rest_->store.read();
    return last ? rest_->machine->queues(wish, **last) : QueuePage{};
}

std::vector<SessionStat> QueueEngine::sessions(Instant now) const {
    return rest_->machine ? rest_->machine->sessions(now) : std::vector<SessionStat>{};
}

void QueueEngine::check() const {
    if (rest_->machine)
        rest_->machine->check();
}

} // namespace flotilla::queue
