// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/work_items.hpp>

namespace flotilla::pipeline {
namespace {

using State = WorkItem::State;

void expect(const WorkItem& item, State state) {
    FLOTILLA_CHECK(item.state == state, "a message is not in the state it leaves");
}

} // namespace

std::string_view name(DeadReason reason) noexcept {
    constexpr std::string_view names[] = {"nacked", "expired", "worker_gone"};
    return names[static_cast<std::size_t>(reason)];
}

Slot WorkItems::add(std::uint64_t id, std::string key, Blob body,
                    std::unique_ptr<wire::Frames> frames) {
    if (free_.empty()) {
        free_.push_back(static_cast<Slot>(items_.size()));
        items_.emplace_back();
    }
    const Slot slot = free_.back();
    free_.pop_back();
    WorkItem& item = items_[slot];
    item.state = State::pending;
    item.attempts = 0;
    item.id = id;
    item.lease = 0;
    item.before = 0;
    item.last_holder = no_slot;
    item.bytes = frames ? frames->bytes() : body.size();
    item.holder = no_slot;
    item.key_hash = 0;
    item.key = std::move(key);
    item.body = std::move(body);
    item.frames = std::move(frames);
    levels_.bytes += item.bytes + item.key.size();
    ++levels_.pending;
    return slot;
}

void WorkItems::free(Slot slot) {
    WorkItem& item = items_[slot];
    expect(item, State::pending);
    for (const std::uint64_t number : {item.lease, item.before})
        if (number != 0)
            leases_.erase(number);
    levels_.bytes -= item.bytes + item.key.size();
    --levels_.pending;
    item.state = State::free;
    item.body = Blob{};
    item.frames.reset();
    free_.push_back(slot);
}

void WorkItems::push_back(SlotList& lane, Slot slot) {
    expect(items_[slot], State::pending);
    order_links().push_back(lane, slot);
}

void WorkItems::push_front(SlotList& lane, Slot slot) {
    expect(items_[slot], State::pending);
    order_links().push_front(lane, slot);
}

void WorkItems::erase(SlotList& lane, Slot slot) {
    order_links().erase(lane, slot);
}

void WorkItems::lease(Slot slot, SlotList& held, Instant ends) {
    WorkItem& item = items_[slot];
    expect(item, State::pending);
    item.state = State::leased;
    item.at = ends;
    ++item.attempts;
    order_links().push_back(expiry_, slot);
    held_links().push_back(held, slot);
    --levels_.pending;
    ++levels_.leased;
}

void WorkItems::number_lease(Slot slot, std::uint64_t number, Before before) {
    WorkItem& item = items_[slot];
    if (item.before != 0)
        leases_.erase(item.before);
    item.before = item.lease;
    if (item.before != 0 && before == Before::forget) {
        leases_.erase(item.before);
        item.before = 0;
    }
    item.lease = number;
    leases_.insert(number, slot);
}

void WorkItems::touch(Slot slot, Instant ends) {
    expect(items_[slot], State::leased);
    items_[slot].at = ends;
    order_links().erase(expiry_, slot);
    order_links().push_back(expiry_, slot);
}

void WorkItems::unlease(Slot slot, SlotList& held) {
    WorkItem& item = items_[slot];
    expect(item, State::leased);
    item.state = State::pending;
    item.holder = no_slot;
    order_links().erase(expiry_, slot);
    held_links().erase(held, slot);
    --levels_.leased;
    ++levels_.pending;
}

void WorkItems::move_lease(Slot slot, SlotList& from, SlotList& to) {
    held_links().erase(from, slot);
    held_links().push_back(to, slot);
}

void WorkItems::delay(Slot slot, Instant due) {
    WorkItem& item = items_[slot];
    expect(item, State::pending);
    item.state = State::delayed;
    item.at = due;
    delayed_.emplace(due, slot);
    --levels_.pending;
    ++levels_.delayed;
}

Slot WorkItems::due(Instant now) {
    if (next_due() > now || delayed_.empty())
        return no_slot;
    const Slot slot = delayed_.begin()->second;
    undelay(slot);
    return slot;
}

void WorkItems::undelay(Slot slot) {
    WorkItem& item = items_[slot];
    expect(item, State::delayed);
    delayed_.erase({item.at, slot});
    item.state = State::pending;
    --levels_.delayed;
    ++levels_.pending;
}

void WorkItems::check() const {
    SourceLevels seen;
    std::size_t leases = 0;
    for (const WorkItem& item : items_) {
        if (item.state == State::free)
            continue;
        seen.pending += item.state == State::pending ? 1 : 0;
        seen.delayed += item.state == State::delayed ? 1 : 0;
        seen.leased += item.state == State::leased ? 1 : 0;
        seen.bytes += item.bytes + item.key.size();
        leases += (item.lease != 0 ? 1 : 0) + (item.before != 0 ? 1 : 0);
        FLOTILLA_CHECK(item.state != State::leased || item.holder != no_slot,
                       "a leased message has no holder");
    }
    FLOTILLA_CHECK(seen.pending == levels_.pending && seen.delayed == levels_.delayed &&
                       seen.leased == levels_.leased && seen.bytes == levels_.bytes,
                   "a message is counted in a state it is not in");
    FLOTILLA_CHECK(expiry_.size == levels_.leased, "a leased message is not in expiry order");
    FLOTILLA_CHECK(delayed_.size() == levels_.delayed, "a delayed message has no due time");
    FLOTILLA_CHECK(leases_.size() == leases, "a lease number names no message");
}

} // namespace flotilla::pipeline
