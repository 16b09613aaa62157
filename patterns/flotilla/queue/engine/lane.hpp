// SPDX-License-Identifier: Apache-2.0
//
// Lane: one ordered stream of a queue's ready messages, and BlockUse: a stored block of it while
// something in it is with a consumer.
//
//     finished | leased, returned ... | cursor ► not looked at yet | tail
//                                                     horizon: nothing at or beyond it was
//                                                     delivered
//
// Invariants
//  1. Every position below the cursor is finished, leased, returned or held back, and the blocks of
//     those that are not finished have a BlockUse. Memory is O(in flight).
//  2. Nothing at or beyond the horizon that is committed has been delivered.
//  3. A position of a block is in one state; `left` counts those that are not finished.
//
// Pure.
#pragma once

#include <flotilla/base/check.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/queue/engine/expiry_index.hpp>
#include <flotilla/queue/engine/record.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::queue {

struct BlockUse {
    Slot queue = no_slot; // in the QueueBook
    Lane lane = 0;
    bool is_dirty = false; // finished messages that are not yet in a commit
    bool has_row = false;  // a bitmap in the store
    std::uint16_t count = 0;
    std::uint16_t left = 0; // not finished
    std::uint16_t pins = 0; // leased, returned or held back
    Position first = 0;
    std::int64_t wall_ms = 0;
    std::vector<std::uint64_t> done{}; // bits
    ExpiryVisits visits{};             // its rows in the expiry index
    // Deliveries before the start, of messages that were returned then.
    std::vector<std::pair<std::uint16_t, std::uint32_t>> old_attempts{};
    std::uint32_t old_attempts_of(std::size_t index) const noexcept {
        for (const auto& [at, attempts] : old_attempts)
            if (at == index)
                return attempts;
        return 0;
    }

    Position end() const noexcept { return first + count; }
    bool is_done(std::size_t index) const noexcept {
        return (done[index / 64] >> (index % 64) & 1) != 0;
    }
};

// What is below the cursor and waits in its block to be delivered.
struct Returned {
    std::uint32_t attempts = 0; // 0: it was held back, and never delivered by this process
    std::uint64_t lease = 0;    // the last one, which may still acknowledge late; 0: none
    std::uint32_t key = 0;      // order=key
    bool is_keyed = false;
};

// order=key: a key of which one message is leased or returned, and what waits behind that.
struct KeyLine {
    std::deque<Position> behind{}; // skipped over, in order
};

struct LaneState {
    // ---- this turn's puts
    BlockWriter writer{};
    Position writer_first = 0;
    BlockHead head{};
    ExpiryVisits visits{};
    // ---- the stream
    Position cursor = 0;         // the next one to look at
    Position tail = 0;           // one past the last accepted
    Position committed_tail = 0; // one past the last that a snapshot shows
    Position horizon = 0;        // durable
    Position maybe_below = 0;    // may have been delivered before the start
    Position old_below = 0;      // bitmaps and attempts on disk may concern these
    Slot at = no_slot;           // the block that the cursor is in
    std::map<Position, Returned> returned{};
    std::int64_t oldest_ms = 0; // when the block at the cursor was put; 0: not known
    // ---- order=key
    std::unordered_map<std::uint32_t, KeyLine> keys{};
    std::size_t held_back = 0;
    std::multimap<Instant, std::pair<Position, Returned>> resting{}; // wait out a retry delay

    bool has_fresh() const noexcept { return cursor < committed_tail; }
};

class BlockUses {
public:
    BlockUse& operator[](Slot slot) { return uses_[slot]; }
    const BlockUse& operator[](Slot slot) const { return uses_[slot]; }
    Slot add(Slot queue, Lane lane, Position first, std::size_t count, std::int64_t wall_ms);
    Slot find(Slot queue, Lane lane, Position position) const; // the block that has it; or no_slot
    void free(Slot slot);
    void free_queue(Slot queue);
    std::size_t size() const noexcept { return order_.size(); }

    // Marks one message finished. Dirty blocks are remembered until they are taken.
    void finish(Slot slot, std::size_t index) {
        BlockUse& use = uses_[slot];
        FLOTILLA_CHECK(!use.is_done(index), "a message was finished twice");
        use.done[index / 64] |= std::uint64_t{1} << (index % 64);
        --use.left;
        if (!use.is_dirty) {
            use.is_dirty = true;
            dirty_.push_back(slot);
        }
    }
    std::vector<Slot> take_dirty() { return std::exchange(dirty_, {}); }
    bool has_dirty() const noexcept { return !dirty_.empty(); }

    template <class Each>
    void for_each(Each&& each) const {
        for (const auto& [place, slot] : order_)
            each(slot, uses_[slot]);
    }

private:
    struct Place {
        Slot queue;
        Lane lane;
        Position first;
        friend auto operator<=>(const Place&, const Place&) = default;
    };
    std::deque<BlockUse> uses_{};
    std::vector<Slot> free_{};
    std::map<Place, Slot> order_{};
    std::vector<Slot> dirty_{};
};

// The bitmap's value in Table::done, and back: version, bits from the first message on, check. That
// of a block that cannot be read has no bits, and says that its messages are counted out.
// Errors: damaged.
std::string encode_done(const BlockUse& use);
std::string encode_damaged();
Status decode_done(ByteView value, BlockUse& use);

// A block that a reader has open over a copy, so that it stays open from round to round.
struct KeptBlock {
    Slot block = no_slot;
    std::string value{};
};

} // namespace flotilla::queue
