// SPDX-License-Identifier: Apache-2.0
//
// Leases: which message is with whom. Numbers rise and are given out in runs, so leases lie in
// pages of 256 in number order, and what a run has in common (session, queue, user) is said once,
// in a Grant.
//
//     held ─► returned ─► (held again, under a new number: `before`, while the same session has it)
//       └──────┴────────► gone: finished
//
// Invariants
//  1. A grant's `held` and `known` count its leases in state held, and all of them. A grant with
//     nothing held is in no list; one with nothing known is free.
//  2. Exactly the grants with something held are in the order of expiry, none later than its first
//     lease that ends: touching a lease costs nothing there, the grant is looked at once more.
//
// Pure; allocates a page for 256 leases and a node a grant.
#pragma once

#include <flotilla/base/slot_list.hpp>
#include <flotilla/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::queue {

struct Lease {
    enum class State : std::uint8_t { free, held, returned, before };
    Instant ends{};
    std::uint64_t other = 0; // of a held one its `before`, of a `before` the held one; 0: none
    Slot block = no_slot;
    Slot grant = no_slot;
    std::uint32_t attempts = 0; // this delivery included
    std::uint32_t bytes = 0;    // of body and key
    std::uint32_t key = 0;      // order=key: hash of the key that is in flight
    std::uint16_t index = 0;    // in the block
    State state = State::free;
    bool is_keyed = false;
    bool is_waited = false;   // a put waits until it is acknowledged
    bool is_finished = false; // acknowledge=auto: it only holds the window
};

struct Grant {
    Slot session = no_slot; // who has it
    Slot queue = no_slot;
    std::uint64_t user = 0; // hash of the user id it was given to
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t held = 0;
    std::uint32_t known = 0;
    Instant ends{}; // as it is in the order of expiry
    SlotLink of_session{};
    SlotLink of_queue{};
};

class Leases {
public:
    // The number of the next lease.
    std::uint64_t next() const noexcept { return next_; }
    std::uint64_t held() const noexcept { return held_; }

    // A run of leases is opened, gets its leases one by one, and is closed before the next.
    Slot open(Slot session, Slot queue, std::uint64_t user, Instant ends);
    std::uint64_t add(Slot grant, Lease lease); // its number
    void close(Slot grant);

    Lease* find(std::uint64_t number); // nullptr: not known (any more)
    const Grant& grant(Slot slot) const { return grants_[slot]; }

    // Calls `each(number, lease)` for what is known in [first, first + count), in order. `each` may
    // change the state of any. Returns how many there were.
    template <class Each>
    std::uint64_t for_each(std::uint64_t first, std::uint64_t count, Each&& each) {
        std::uint64_t found = 0;
        const std::uint64_t last = first + count - 1;
        for (std::uint64_t page = first / page_leases; page <= last / page_leases; ++page) {
            Page* at = pin(page);
            if (at == nullptr)
                continue;
            const std::uint64_t from = page == first / page_leases ? first % page_leases : 0;
            const std::uint64_t to =
                page == last / page_leases ? last % page_leases : page_leases - 1;
            for (std::uint64_t i = from; i <= to; ++i) {
                Lease& lease = at->leases[i];
                if (lease.state == Lease::State::free)
                    continue;
                ++found;
                each(page * page_leases + i, lease);
            }
            unpin(page);
        }
        return found;
    }

    void give_back(Lease& lease);      // held -> returned
    void forget(std::uint64_t number); // any -> gone
    // `number` (returned) is held again by the same session as `held`, or just forgotten.
    enum class Before : std::uint8_t { forget, keep };
    void supersede(std::uint64_t number, std::uint64_t held, Before before);
    void set_waits(Slot grant, Instant ends); // looked at, and something still lasts

    // Grants with something held.
    Slot first_of_session(Slot session) const noexcept { return first(by_session_, session); }
    Slot first_of_queue(Slot queue) const noexcept { return first(by_queue_, queue); }
    Slot next_of_session(Slot grant) const noexcept { return grants_[grant].of_session.next; }
    Slot next_of_queue(Slot grant) const noexcept { return grants_[grant].of_queue.next; }
    // The one to be looked at first, and when.
    Slot first_ending() const noexcept { return order_.empty() ? no_slot : order_.begin()->second; }
    Instant first_end() const noexcept { return order_.empty() ? never : order_.begin()->first; }

    // Aborts when an invariant does not hold; for tests, O(leases).
    void check() const;
    template <class Each>
    void for_each_held(Each&& each) const {
        for (const auto& [number, page] : pages_)
            for (const Lease& lease : page->leases)
                if (lease.state == Lease::State::held)
                    each(lease, grants_[lease.grant]);
    }

private:
    static constexpr std::uint64_t page_leases = 256;
    struct Page {
        std::array<Lease, page_leases> leases{};
        std::uint32_t used = 0;
    };
    static Slot first(const std::vector<SlotList>& lists, Slot of) noexcept {
        return of < lists.size() ? lists[of].first : no_slot;
    }
    Page* pin(std::uint64_t number);
    void unpin(std::uint64_t number);
    Page& page_for(std::uint64_t number);
    void drop_page(std::uint64_t number);
    void drop_held(Slot grant);
    void forget_before(std::uint64_t number);

    std::deque<Grant> grants_{};
    std::vector<Slot> free_{};
    std::vector<SlotList> by_session_{};
    std::vector<SlotList> by_queue_{};
    std::set<std::pair<Instant, Slot>> order_{};
    std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_{};
    std::vector<std::unique_ptr<Page>> spare_{};
    Page* pinned_ = nullptr; // is being walked, and stays
    std::uint64_t pinned_number_ = 0;
    Page* filling_ = nullptr; // of the last lease
    std::uint64_t filling_number_ = 0;
    std::uint64_t next_ = 1;
    std::uint64_t held_ = 0;
};

} // namespace flotilla::queue
