// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::uint32_t halved_turns = 1'000; // after a full disk

} // namespace

QueueMachine::QueueMachine(const StoreLimits& limits, std::uint64_t seed)
    : rest_(std::make_unique<Rest>(limits, seed)) {}
QueueMachine::QueueMachine(QueueMachine&&) noexcept = default;
QueueMachine& QueueMachine::operator=(QueueMachine&&) noexcept = default;
QueueMachine::~QueueMachine() = default;

Status QueueMachine::load(const Snapshot& snapshot, Times times) {
    return rest_->load(snapshot, times);
}
void QueueMachine::begin_turn(const Snapshot& snapshot, StoreRoom room, Times times) {
    rest_->begin_turn(snapshot, room, times);
}
void QueueMachine::receive(const Peer& peer, const leased::Envelope& envelope, Command&& command,
                           Times times) {
    rest_->set_times(times);
    rest_->receive(peer, envelope, std::move(command));
}
void QueueMachine::malformed(const Peer& peer, const leased::Envelope& envelope, const Error& error,
                             Times times) {
    rest_->set_times(times);
    rest_->malformed(peer, envelope, error);
}
void QueueMachine::connection_lost(int descriptor, Times times) {
    rest_->set_times(times);
    rest_->connection_lost(descriptor);
}
void QueueMachine::unreachable(std::string_view peer, QueueEngine::Unreachable why, Times times) {
    rest_->set_times(times);
    rest_->unreachable(peer, why);
}
void QueueMachine::hold(std::string_view peer) {
    rest_->sessions_.hold(peer);
}
void QueueMachine::release(std::string_view peer) {
    rest_->release(peer);
}
bool QueueMachine::is_turn_full() const noexcept {
    return rest_->is_turn_full();
}
void QueueMachine::end_apply(Times times) {
    rest_->end_apply(times);
}
const Mutations& QueueMachine::mutations() const noexcept {
    return rest_->turn_.mutations();
}
bool QueueMachine::must_commit() const noexcept {
    return rest_->must_commit();
}
const std::optional<Error>& QueueMachine::broken() const noexcept {
    return rest_->turn_.broken();
}
void QueueMachine::release_early(EngineOutputs& out) {
    rest_->release_early(out);
}
void QueueMachine::committed(const Committed&, EngineOutputs& out) {
    rest_->committed(out);
}
Status QueueMachine::deliver(const Snapshot& snapshot, Times times, EngineOutputs& out) {
    rest_->set_times(times);
    if (const Status looked = rest_->look_ahead(snapshot); !looked)
        return looked;
    return rest_->deliver(snapshot, out);
}
bool QueueMachine::has_more() const noexcept {
    return rest_->has_more();
}
Instant QueueMachine::next_deadline() const noexcept {
    return rest_->next_deadline();
}
void QueueMachine::set_permissions(std::shared_ptr<const Permissions> permissions) {
    rest_->set_permissions(std::move(permissions));
}
void QueueMachine::drain() noexcept {
    rest_->draining_ = true;
}
void QueueMachine::stop(Times times) {
    rest_->stop(times);
}
void QueueMachine::set_limits(const StoreLimits& limits) {
    rest_->limits_ = limits;
    rest_->sessions_.set_max(limits.sessions_max);
    rest_->producers_.set_limits(limits.producers_max, limits.producers_age_max);
    rest_->record_hops();
}
void QueueMachine::halve_turns() noexcept {
    rest_->halved_turns_ = halved_turns;
}

EngineLevels QueueMachine::levels() const {
    EngineLevels levels;
    levels.queues = rest_->book_.count();
    levels.sessions = static_cast<std::uint32_t>(rest_->sessions_.size());
    levels.leased = rest_->leases_.held();
    levels.takes = rest_->takes_;
    levels.is_full = rest_->was_full_;
    return levels;
}

void QueueMachine::count(EngineCounters& counters) const {
    const EngineCounters& own = rest_->counters_;
    counters.turns_total += own.turns_total;
    counters.commands_total += own.commands_total;
    counters.malformed_total += own.malformed_total;
    counters.refused_total += own.refused_total;
    counters.full_total += own.full_total;
    counters.revoked_total += own.revoked_total;
    counters.delivery_times.add(own.delivery_times);
    rest_->book_.count(counters.queues);
    const OperationCounts& refused = rest_->judge_.refused();
    for (std::size_t i = 0; i < refused.size(); ++i)
        counters.not_allowed[i] += refused[i];
}

std::vector<QueueStat> QueueMachine::queues() const {
    std::vector<QueueStat> stats;
    QueueBook& book = rest_->book_;
    book.for_each([&](Slot slot) {
        Rest::rate(book[slot], rest_->turn_.now);
        stats.push_back(book[slot].stat(rest_->turn_.now, rest_->turn_.wall_ms()));
    });
    std::sort(stats.begin(), stats.end(),
              [](const QueueStat& a, const QueueStat& b) { return a.name < b.name; });
    return stats;
}

QueuePage QueueMachine::queues(const QueuePageWish& wish) const {
    QueuePage page;
    std::vector<Slot> fitting;
    QueueBook& book = rest_->book_;
    const Turn& turn = rest_->turn_;
    book.for_each([&](Slot slot) {
        const Queue& queue = book[slot];
        const QueueLevels levels = queue.levels(turn.now, turn.wall_ms());
        page.all.ready += levels.ready;
        page.all.delayed += levels.delayed;
        page.all.leased += levels.leased;
        page.all.bytes += levels.bytes;
        page.all.consumers += levels.consumers;
        page.all.lag = std::max(page.all.lag, levels.lag);
        if (queue.name > wish.after && queue.name.starts_with(wish.prefix))
            fitting.push_back(slot);
    });
    const std::size_t shown = std::min<std::size_t>(fitting.size(), wish.queues_max);
    const auto end = fitting.begin() + static_cast<std::ptrdiff_t>(shown);
    std::partial_sort(fitting.begin(), end, fitting.end(),
                      [&](Slot a, Slot b) { return book[a].name < book[b].name; });
    for (std::size_t i = 0; i < shown; ++i) {
        Rest::rate(book[fitting[i]], turn.now);
        page.queues.push_back(book[fitting[i]].stat(turn.now, turn.wall_ms()));
    }
    page.left_out = fitting.size() - shown;
    return page;
}

void QueueMachine::check() const {
    rest_->check();
}

} // namespace flotilla::queue
