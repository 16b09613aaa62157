// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/worker_table.hpp>

#include <utility>

namespace flotilla::request {
namespace {

using RoomLinks = SlotLinks<std::deque<BrokerWorker>, &BrokerWorker::in_room>;
using LookLinks = SlotLinks<std::deque<BrokerWorker>, &BrokerWorker::in_looks>;

} // namespace

Slot WorkerTable::find(std::string_view peer) const {
    const auto at = by_peer_.find(peer);
    return at == by_peer_.end() ? no_slot : at->second;
}

Slot WorkerTable::latest(int descriptor) const {
    if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= by_descriptor_.size())
        return no_slot;
    return by_descriptor_[static_cast<std::size_t>(descriptor)];
}

Slot WorkerTable::add(std::string_view peer, int descriptor, Instant look) {
    Slot slot = no_slot;
    if (free_.empty()) {
        slot = static_cast<Slot>(workers_.size());
        workers_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
        workers_[slot] = BrokerWorker{};
    }
    BrokerWorker& worker = workers_[slot];
    worker.registered = true;
    worker.peer = peer;
    worker.look = look;
    const bool added = by_peer_.emplace(worker.peer, slot).second;
    FLOTILLA_CHECK(added, "a worker registered twice");
    set_descriptor(slot, descriptor);
    LookLinks(workers_).push_back(looks_, slot);
    return slot;
}

void WorkerTable::remove(Slot slot) {
    BrokerWorker& worker = workers_[slot];
    FLOTILLA_CHECK(!worker.has_room && worker.held.empty(), "a worker goes with its hands full");
    set_descriptor(slot, -1);
    LookLinks(workers_).erase(looks_, slot);
    by_peer_.erase(worker.peer);
    worker.registered = false;
    free_.push_back(slot);
}

void WorkerTable::forget_descriptor(Slot slot) {
    BrokerWorker& worker = workers_[slot];
    const Slot first = latest(worker.descriptor);
    if (first == slot)
        by_descriptor_[static_cast<std::size_t>(worker.descriptor)] = worker.descriptor_before;
    for (Slot at = first; at != no_slot; at = workers_[at].descriptor_before)
        if (workers_[at].descriptor_before == slot)
            workers_[at].descriptor_before = worker.descriptor_before;
    worker.descriptor_before = no_slot;
}

void WorkerTable::set_descriptor(Slot slot, int descriptor) {
    forget_descriptor(slot);
    BrokerWorker& worker = workers_[slot];
    worker.descriptor = descriptor;
    if (descriptor < 0 || descriptor >= descriptors_max)
        return;
    const auto at = static_cast<std::size_t>(descriptor);
    if (at >= by_descriptor_.size())
        by_descriptor_.resize(at + 1, no_slot);
    worker.descriptor_before = std::exchange(by_descriptor_[at], slot);
}

void WorkerTable::leave(Room& room, Slot slot, std::uint32_t held_before) {
    BrokerWorker& worker = workers_[slot];
    if (!worker.has_room)
        return;
    RoomLinks(workers_).erase(room.by_held[held_before], slot);
    worker.has_room = false;
}

void WorkerTable::update(Room& room, Slot slot, std::uint32_t held_before) {
    BrokerWorker& worker = workers_[slot];
    leave(room, slot, held_before);
    if (worker.draining || worker.unreachable || worker.held.size >= worker.capacity)
        return;
    const std::size_t held = worker.held.size;
    if (held >= room.by_held.size())
        room.by_held.resize(held + 1);
    RoomLinks(workers_).push_back(room.by_held[held], slot);
    room.lowest = held < room.lowest ? held : room.lowest;
    worker.has_room = true;
}

Slot WorkerTable::best(Room& room) {
    while (room.lowest < room.by_held.size() && room.by_held[room.lowest].empty())
        ++room.lowest;
    return room.lowest < room.by_held.size() ? room.by_held[room.lowest].first : no_slot;
}

Slot WorkerTable::best_but(Room& room, Slot not_this) {
    const Slot first = best(room);
    if (first == no_slot || first != not_this)
        return first;
    if (const Slot next = workers_[first].in_room.next; next != no_slot)
        return next;
    for (std::size_t held = room.lowest + 1; held < room.by_held.size(); ++held)
        if (!room.by_held[held].empty())
            return room.by_held[held].first;
    return no_slot;
}

void WorkerTable::look_again(Slot slot, Instant look) {
    FLOTILLA_CHECK(looks_.empty() || workers_[looks_.last].look <= look, "looks out of order");
    LookLinks(workers_).erase(looks_, slot);
    workers_[slot].look = look;
    LookLinks(workers_).push_back(looks_, slot);
}

} // namespace flotilla::request
