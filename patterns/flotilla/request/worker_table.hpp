// SPDX-License-Identifier: Apache-2.0
//
// WorkerTable: the workers that are registered with a broker, found by peer and by connection; who
// of a service has room, least loaded first; and who is to be looked at next.
//
// Invariants
//  1. A worker is in its service's Room exactly while it has room: in the list of those that hold
//     as many requests as it does. List 0 are the idle ones, the one that waits longest in front.
//  2. Every worker is in the order of looks once, and looks come at an even pace, so that the order
//     is that of time.
//
// All operations but a search for the next list of a Room are O(1), and that search is bounded by
// the capacity that one worker announced. Pure; bounded by whoever adds. Slots are reused.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/request/message.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::request {

struct BrokerWorker {
    bool registered = false;
    Dialect dialect = Dialect::mdp_02;
    bool delimited = false;
    bool packs = false;       // reads packs
    bool draining = false;    // wants no more
    bool unreachable = false; // a ghost: ends once everything that it said before is heard
    bool left = false;        // its connection has ended, and it has said nothing since
    bool has_room = false;    // is in its service's Room, in the list `held`
    int descriptor = -1;
    Slot descriptor_before =
        no_slot; // who registered over that descriptor earlier, and is still here
    std::string peer{};
    std::string user{}; // authenticated; empty without
    Slot service = no_slot;
    std::uint32_t capacity = 1;
    std::uint32_t held_beyond = 0; // what it held when its capacity changed last, or before
    std::uint64_t held_bytes = 0;
    SlotList held{}; // requests, in the order of giving out; abandoned ones too
    Instant heard{};
    Instant beaten{};          // when a heartbeat was sent to it
    std::uint32_t running = 0; // of these, requests that somebody waits for
    Instant busy_since{};      // it was idle, or answered something, last
    Instant look{};            // when it is looked at next
    SlotLink in_room{};
    SlotLink in_looks{};
};

// Workers of one service that have room, by how many requests they hold.
struct Room {
    std::vector<SlotList> by_held{};
    std::size_t lowest = 0; // no list before it has anybody
};

class WorkerTable {
public:
    BrokerWorker& operator[](Slot slot) { return workers_[slot]; }
    const BrokerWorker& operator[](Slot slot) const { return workers_[slot]; }

    // no_slot when there is none.
    Slot find(std::string_view peer) const;
    // Whose messages came over that descriptor: the one that has it, and before it those that had
    // it and were not yet found to be gone.
    template <class Each>
    void for_connection(int descriptor, Each&& each) const {
        for (Slot slot = latest(descriptor); slot != no_slot;) {
            const Slot before = workers_[slot].descriptor_before;
            each(slot);
            slot = before;
        }
    }
    std::size_t size() const noexcept { return by_peer_.size(); }

    // A registered worker without room or service. The peer must be new.
    Slot add(std::string_view peer, int descriptor, Instant look);
    void remove(Slot slot);
    void set_descriptor(Slot slot, int descriptor);

    // To be called after anything that having room depends on has changed: capacity, draining, held
    // (whose size was `held_before`).
    void update(Room& room, Slot slot, std::uint32_t held_before);
    void leave(Room& room, Slot slot, std::uint32_t held_before);
    // Idle ones first, least recently used; then whoever holds least. no_slot: nobody has room.
    Slot best(Room& room);
    // The best but `not_this`, which may be no_slot. no_slot: nobody else has room.
    Slot best_but(Room& room, Slot not_this);

    Slot first_look() const noexcept { return looks_.first; }
    // Behind everybody: `look` must not be before anybody's.
    void look_again(Slot slot, Instant look);

    template <class Each>
    void for_each(Each&& each) const {
        for (Slot slot = 0; slot < workers_.size(); ++slot)
            if (workers_[slot].registered)
                each(slot);
    }

private:
    static constexpr int descriptors_max = 1 << 20;

    Slot latest(int descriptor) const;
    void forget_descriptor(Slot slot);

    std::deque<BrokerWorker> workers_{};
    std::vector<Slot> free_{};
    std::unordered_map<std::string, Slot, TransparentStringHash, std::equal_to<>> by_peer_{};
    std::vector<Slot> by_descriptor_{}; // who said something last
    SlotList looks_{};
};

} // namespace flotilla::request
