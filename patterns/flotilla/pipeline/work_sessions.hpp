// SPDX-License-Identifier: Apache-2.0
//
// WorkSessions: the peers of a source that matter to it: who said hello, and who merely takes.
//
// Invariants
//  1. A session is found by its peer, and by its key while it has one; both are unique.
//  2. The sessions in the room order are exactly those that live and have room.
//
// Pure, bounded by sessions_max. Slots are reused.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/pipeline/work_model.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::pipeline {

struct WorkSession {
    enum class State : std::uint8_t {
        free,
        live,
        gone, // its connection is gone; its leases wait for it until `alarm`
    };
    State state = State::free;
    bool greeted = false;   // said hello; else it only takes
    bool delimited = false; // speaks with an empty first frame
    bool packed = false;
    bool probed = false;  // asked whether it is still there, and did not speak since
    bool is_mute = false; // let a lease run out without a word, and did not speak since
    wire::leased::Compressions compress{};
    std::uint32_t weight = 1;
    std::uint32_t credit = 0;
    std::uint32_t outstanding = 0;
    int descriptor = -1;
    std::string peer{}; // as the transport addresses it
    std::string worker{};
    std::uint64_t key = 0;  // what the peer resumes with
    std::uint64_t user = 0; // hash of the peer's user id
    std::uint64_t seed = 0; // its place in the hash of keys
    std::uint64_t turn = 0; // when it was last given something
    Instant heard{};
    Instant alarm = never; // gone or probed: the end of the grace
    // A take that waits for a message, and until when.
    std::optional<wire::leased::Envelope> take{};
    Instant take_until = never;
    SlotList held{}; // its leases, oldest first
    SlotList lane{}; // by_key: what waits for it alone
    // This dispatch: the first of its leases without a number, and the take that it answers.
    Slot fresh = no_slot;
    std::optional<wire::leased::Envelope> answered{};
    std::size_t heap_at = ~std::size_t{0};

    std::uint32_t room() const noexcept {
        if (state != State::live || is_mute)
            return 0;
        const std::uint32_t window = credit > outstanding ? credit - outstanding : 0;
        return take && window == 0 ? 1 : window;
    }
};

class WorkSessions {
public:
    WorkSessions(std::uint32_t sessions_max, Dispatch dispatch)
        : sessions_max_(sessions_max), dispatch_(dispatch) {}

    WorkSession& operator[](Slot slot) { return sessions_[slot]; }
    const WorkSession& operator[](Slot slot) const { return sessions_[slot]; }

    // no_slot when there is none.
    Slot find(std::string_view peer) const;
    Slot find_key(std::uint64_t key) const;
    Slot find_descriptor(int descriptor) const;
    bool is_full() const noexcept { return size() >= sessions_max_; }
    std::size_t size() const noexcept { return by_peer_.size(); }

    // A live session; the table must not be full and the peer must be new.
    Slot open(std::string_view peer);
    void set_key(Slot slot, std::uint64_t key);
    void set_peer(Slot slot, std::string_view peer);
    void close(Slot slot);

    // To be called after anything that room() or the load depends on has changed.
    void update(Slot slot);
    // The session with room that holds least, for its weight where that counts; else no_slot.
    Slot most_room() const noexcept { return heap_.empty() ? no_slot : heap_.front(); }
    // by_key: who is responsible for a key; no_slot when nobody said hello.
    Slot owner(std::uint64_t key_hash) const;

    // Calls `each(slot)` for all; `each` may close the one it is given.
    template <class Each>
    void for_each(Each&& each) {
        for (Slot slot = 0; slot < sessions_.size(); ++slot)
            if (sessions_[slot].state != WorkSession::State::free)
                each(slot);
    }

private:
    bool less(Slot a, Slot b) const;
    void sift_up(std::size_t at);
    void sift_down(std::size_t at);
    void place(std::size_t at, Slot slot);
    void leave_heap(Slot slot);

    std::uint32_t sessions_max_;
    Dispatch dispatch_;
    std::deque<WorkSession> sessions_;
    std::vector<Slot> free_;
    std::unordered_map<std::string, Slot, TransparentStringHash, std::equal_to<>> by_peer_;
    std::unordered_map<std::uint64_t, Slot> by_key_;
    std::vector<Slot> heap_; // by load, least first
};

// Well mixed, the same on every machine.
std::uint64_t work_hash(std::string_view bytes) noexcept;

} // namespace flotilla::pipeline
