// SPDX-License-Identifier: Apache-2.0
//
// Sessions: the peers that take from queues: who said hello for one queue, and who merely takes.
// The same rules as those of a source of leased work (docs/protocol/leased.md).
//
// Invariants
//  1. A session is found by its peer, and by its key while it has one; both are unique.
//  2. The sessions in a queue's line are exactly those that may be given something of it now.
//
// Pure, bounded by sessions_max. Slots are reused.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/engine/token_bucket.hpp>
#include <flotilla/wire/leased.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace flotilla::queue {

struct Session {
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
    bool is_lost = false; // its connection ended, and its leases outlive it (it has no session)
    bool is_held = false; // its deliveries stay where they are: it does not read
    bool is_mute = false; // let a lease run out without a word, and did not speak since
    wire::leased::Compressions compress{};
    std::uint32_t credit = 0;
    std::uint32_t outstanding = 0;
    int descriptor = -1;
    std::string peer{}; // as the transport addresses it
    std::string consumer{};
    std::uint64_t key = 0;  // what the peer resumes with
    std::uint64_t user = 0; // hash of the peer's user id,
    std::string user_id{};  // which is asked for when permissions change
    Peer::Side side{};
    std::uint64_t turn = 0; // when it was last given something
    Slot queue = no_slot;   // what it takes from: of its hello, or of the take that waits
    Instant heard{};
    Instant alarm = never; // gone or probed: the end of the grace
    std::optional<wire::leased::Envelope> take{};
    Instant take_until = never;
    TokenBucket bucket{};    // consumer_rate_max
    bool is_resting = false; // it used its rate up
    // This round of deliveries; then it waits for the next.
    std::uint32_t round_sends = 0;
    std::uint64_t round_bytes = 0;
    std::size_t line_at = ~std::size_t{0};

    std::uint32_t room() const noexcept {
        if (state != State::live || is_held || is_mute)
            return 0;
        const std::uint32_t window = credit > outstanding ? credit - outstanding : 0;
        return take && window == 0 ? 1 : window;
    }
};

class Sessions {
public:
    explicit Sessions(std::uint32_t sessions_max) : sessions_max_(sessions_max) {}

    Session& operator[](Slot slot) { return sessions_[slot]; }
    const Session& operator[](Slot slot) const { return sessions_[slot]; }

    // no_slot when there is none.
    Slot find(std::string_view peer) const;
    Slot find_key(std::uint64_t key) const;
    Slot find_descriptor(int descriptor) const;
    bool is_full() const noexcept { return size() >= sessions_max_; }
    std::size_t size() const noexcept { return by_peer_.size(); }
    void set_max(std::uint32_t sessions_max) noexcept { sessions_max_ = sessions_max; }

    // A live session; the table must not be full and the peer must be new.
    Slot open(std::string_view peer);
    void set_key(Slot slot, std::uint64_t key);
    void set_peer(Slot slot, std::string_view peer);
    void close(Slot slot);

    // Gives nothing to a peer until it is released; a session it opens later is held too.
    void hold(std::string_view peer);
    void release(std::string_view peer);

    // To be called after anything that room(), `queue` or the load depends on has changed.
    void update(Slot slot);
    // Out of its line whatever its room, until the next update().
    void leave_line(Slot slot);
    // Who in the queue's line holds least; no_slot: nobody has room.
    Slot most_room(Slot queue) const noexcept {
        return queue < lines_.size() && !lines_[queue].empty() ? lines_[queue].front() : no_slot;
    }
    std::size_t in_line(Slot queue) const noexcept {
        return queue < lines_.size() ? lines_[queue].size() : 0;
    }

    // Calls `each(slot)` for all; `each` may close the one it is given.
    template <class Each>
    void for_each(Each&& each) {
        for (Slot slot = 0; slot < sessions_.size(); ++slot)
            if (sessions_[slot].state != Session::State::free)
                each(slot);
    }
    template <class Each>
    void for_each(Each&& each) const {
        for (Slot slot = 0; slot < sessions_.size(); ++slot)
            if (sessions_[slot].state != Session::State::free)
                each(slot);
    }

private:
    using Line = std::vector<Slot>; // a heap by load, least first
    bool less(Slot a, Slot b) const;
    void sift_up(Line& line, std::size_t at);
    void sift_down(Line& line, std::size_t at);
    void place(Line& line, std::size_t at, Slot slot);

    std::uint32_t sessions_max_;
    std::deque<Session> sessions_;
    std::vector<Slot> free_;
    std::vector<Slot> line_of_; // the queue in whose line a session stands
    std::unordered_map<std::string, Slot, TransparentStringHash, std::equal_to<>> by_peer_;
    std::unordered_map<std::uint64_t, Slot> by_key_;
    std::unordered_set<std::string, TransparentStringHash, std::equal_to<>> held_;
    std::vector<Line> lines_; // by queue
};

// Well mixed, the same on every machine.
std::uint64_t user_hash(std::string_view bytes) noexcept;

} // namespace flotilla::queue
