// SPDX-License-Identifier: Apache-2.0
//
// WorkItems: every message that a source has accepted and not finished, each in exactly one state.
//
//               add                     lease
//     (nothing) ───► pending ──────────────────────────────► leased ───► finished: gone
//                       ▲  ▲              give_back             │
//                       │  └────────────────────────────────────┤
//                       └────────────── delayed ◄───────────────┘ delay
//                         due
//
// Invariants
//  1. A message is in one state, and in the lists of that state only.
//  2. A message has at most two lease numbers: the last one given for it, and the one before when
//     both went to the same session. They stay known while the message is pending or delayed again,
//     so that a late acknowledgement finds it.
//  3. Expiry order is the order in which leases began or were touched: all last equally long.
//
// Pure. Slots are reused; lists allocate nothing.
#pragma once

#include <flotilla/base/slot_list.hpp>
#include <flotilla/pipeline/lease_index.hpp>
#include <flotilla/pipeline/work_model.hpp>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::pipeline {

struct WorkItem {
    enum class State : std::uint8_t { free, pending, delayed, leased };
    State state = State::free;
    std::uint32_t attempts = 0;
    std::uint64_t id = 0;
    std::uint64_t lease = 0;  // 0: never leased
    std::uint64_t before = 0; // the lease before, of the same session; 0: none
    std::uint64_t bytes = 0;  // of the body
    std::uint64_t key_hash = 0;
    std::uint64_t holder_user = 0; // and on whose behalf
    Slot holder = no_slot;         // session: of a leased item, or whose lane it waits in
    Slot last_holder = no_slot;    // who was last given the lease
    Instant at{};                  // leased: when the lease ends; delayed: when it is due
    std::string key{};
    Blob body{};                            // a message of one frame
    std::unique_ptr<wire::Frames> frames{}; // of several
    SlotLink order{};                       // in a lane, or in expiry order
    SlotLink held{};                        // among its holder's leases

    std::size_t frame_count() const noexcept { return frames ? frames->size() : 1; }
    const Blob& frame(std::size_t i) const { return frames ? (*frames)[i] : body; }
    wire::Frames share() const { return frames ? frames->share() : one(body.share()); }
    wire::Frames take() { return frames ? std::move(*frames) : one(std::move(body)); }

private:
    static wire::Frames one(Blob only) {
        wire::Frames made;
        made.add(std::move(only));
        return made;
    }
};

class WorkItems {
public:
    WorkItem& operator[](Slot slot) { return items_[slot]; }
    const WorkItem& operator[](Slot slot) const { return items_[slot]; }

    // A new pending item, not yet in a lane.
    Slot add(std::uint64_t id, std::string key, Blob body, std::unique_ptr<wire::Frames> frames);
    // Ends an item that is in no list any more.
    void free(Slot slot);

    // Into and out of a lane (a list of pending items).
    void push_back(SlotList& lane, Slot slot);
    void push_front(SlotList& lane, Slot slot);
    void erase(SlotList& lane, Slot slot);

    // pending -> leased, into the holder's list. It has no number until number_lease().
    void lease(Slot slot, SlotList& held, Instant ends);
    // `before` says what becomes of the number it had.
    enum class Before : std::uint8_t { forget, keep };
    void number_lease(Slot slot, std::uint64_t number, Before before);
    void touch(Slot slot, Instant ends);
    // leased -> pending, in no lane.
    void unlease(Slot slot, SlotList& held);
    // Among the leases of another holder, at the end.
    void move_lease(Slot slot, SlotList& from, SlotList& to);
    // pending (in no lane) -> delayed, and back when due.
    void delay(Slot slot, Instant due);
    Slot due(Instant now); // one that is due, pending and in no lane now; else no_slot
    void undelay(Slot slot);

    Slot first_expiring() const noexcept { return expiry_.first; }
    Slot next_held(Slot slot) { return held_links().next(slot); }
    Slot next_in_order(Slot slot) { return order_links().next(slot); }
    Instant next_due() const noexcept { return delayed_.empty() ? never : delayed_.begin()->first; }

    LeaseIndex& leases() noexcept { return leases_; }
    const SourceLevels& levels() const noexcept { return levels_; }
    // Aborts when an invariant does not hold; for tests, O(items).
    void check() const;

private:
    using Order = SlotLinks<WorkItems, &WorkItem::order>;
    using Held = SlotLinks<WorkItems, &WorkItem::held>;
    Order order_links() { return Order{*this}; }
    Held held_links() { return Held{*this}; }

    std::deque<WorkItem> items_;
    std::vector<Slot> free_;
    std::set<std::pair<Instant, Slot>> delayed_;
    SlotList expiry_;
    LeaseIndex leases_;
    SourceLevels levels_;
};

} // namespace flotilla::pipeline
