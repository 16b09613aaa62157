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
    rest_->drain();
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

void QueueMachine::check() const {
    rest_->check();
}

} // namespace flotilla::queue
