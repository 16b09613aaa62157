// SPDX-License-Identifier: Apache-2.0
//
// QueueBook: the queues that have been used since the start, each with its lanes, counters and
// levels, and how they lie in the store: a definition row (name, properties), written when it
// changes, and a state row (number, counters, horizons), written by every turn that touched it.
//
//     queue: id(u32)      -> definition          name:  name -> id(u32)
//     queue: id(u32), 's' -> state               (queue_rows.hpp)
//
// Reads only by key, through the Turn. Pure.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/queue/engine/lane.hpp>
#include <flotilla/queue/engine/moving_rate.hpp>
#include <flotilla/queue/engine/queue_census.hpp>
#include <flotilla/queue/engine/turn.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::queue {

// A queue's id says whether it lives in memory only.
inline constexpr QueueId memory_queue_bit = QueueId{1} << 31;
constexpr bool is_memory_queue(QueueId id) noexcept {
    return (id & memory_queue_bit) != 0;
}

// order=key has one more lane than partitions: for messages without a key.
inline constexpr std::size_t keyless_lane = key_lanes;

struct Queue {
    bool is_used = false; // the slot
    std::string name{};
    QueueId id = 0;
    QueueProperties properties{};
    QueueCounters counters{};
    QueueCounters loaded{}; // what they were when it was read from the store
    std::uint64_t next = 1; // number: of a message accepted, or moved
    // acknowledge=auto: what is below was accepted while it was manual. In doubt, it is delivered.
    Position automatic_from = 0;
    std::uint64_t ready = 0;
    std::uint64_t delayed = 0;
    std::uint64_t leased = 0;
    std::uint64_t bytes = 0;
    std::uint32_t consumers = 0;
    std::vector<LaneState> lanes{};
    std::size_t last_lane = 0; // order=key: where the round goes on
    MovingRate arrivals{};
    MovingRate services{};
    std::uint64_t rated_arrivals = 0; // of the counters, in the rates already
    std::uint64_t rated_services = 0;
    bool is_dirty = false;   // its state row is to be written
    bool is_waiting = false; // in the machine's list of queues to deliver from
    Slot active = no_slot;   // order=strict: the session that has it
    Instant paused_until{};  // order=strict: a retry delay that everything waits for

    std::uint64_t unfinished() const noexcept { return ready + delayed + leased; }
    // Brings the rates up to the counters: what is new has happened just now.
    void rate(Instant now);
    QueueLevels levels(Instant now, std::int64_t wall_ms) const;
    QueueStat stat(Instant now, std::int64_t wall_ms) const;
};

// Whether a state row's horizons are bounds of what may have been delivered, or what was.
enum class Horizons : std::uint8_t { bounds, exact };

class QueueBook {
public:
    Queue& operator[](Slot slot) { return queues_[slot]; }
    const Queue& operator[](Slot slot) const { return queues_[slot]; }

    // In memory, or read from the store into it; no_slot: there is no such queue, or its rows
    // cannot be read.
    Slot find(std::string_view name, Turn& turn);
    Slot find(QueueId id, Turn& turn);
    // Why a queue that is there cannot be used; empty: it can, or it is not there.
    std::string_view why_unreadable(std::string_view name) const;
    bool is_unreadable(QueueId id) const { return unreadable_.find(id) != unreadable_.end(); }
    // In memory already.
    Slot known(std::string_view name) const;

    // The name must be free. Its rows go into the turn.
    Slot create(std::string name, const QueueProperties& properties, Turn& turn);
    void write_definition(Slot slot, Turn& turn);
    // Of every queue that is_dirty.
    void write_states(Turn& turn, Horizons horizons);
    void mark(Slot slot) { // its state changed
        if (!queues_[slot].is_dirty) {
            queues_[slot].is_dirty = true;
            dirty_.push_back(slot);
        }
    }
    // Rows and memory; what it holds must be gone.
    void erase(Slot slot, Turn& turn);

    // Adds what all queues have counted since they were read.
    void count(QueueCounters& sum) const noexcept;

    // Of the queues in the store that are not in memory.
    const QueueCensus::Sum& count_others(const Snapshot& snapshot) {
        census_.go_on(snapshot, [this](std::string_view name) { return known(name) != no_slot; });
        return census_.sum();
    }

    // Of the store's own row: how many queues there are, and the next id.
    std::uint32_t count() const noexcept { return count_; }
    QueueId next_id() const noexcept { return next_id_; }
    void set_meta(std::uint32_t count, QueueId next_id) noexcept {
        count_ = count;
        next_id_ = next_id;
    }

    template <class Each>
    void for_each(Each&& each) {
        for (Slot slot = 0; slot < queues_.size(); ++slot)
            if (queues_[slot].is_used)
                each(slot);
    }
    template <class Each>
    void for_each(Each&& each) const {
        for (Slot slot = 0; slot < queues_.size(); ++slot)
            if (queues_[slot].is_used)
                each(slot);
    }

private:
    Slot load(QueueId id, std::string_view name, Turn& turn);
    Slot add(std::string name, QueueId id, const QueueProperties& properties);

    std::deque<Queue> queues_{};
    std::vector<Slot> free_{};
    std::vector<Slot> dirty_{};
    std::unordered_map<std::string, Slot, TransparentStringHash, std::equal_to<>> by_name_{};
    std::unordered_map<QueueId, Slot> by_id_{};
    struct Unreadable {
        std::string name{};
        std::string why{};
    };
    std::unordered_map<QueueId, Unreadable> unreadable_{}; // those that were asked for
    QueueCounters erased_{};                               // of queues that are gone
    QueueCensus census_{};
    std::uint32_t count_ = 0;
    QueueId next_id_ = 1;
};

} // namespace flotilla::queue
