// SPDX-License-Identifier: Apache-2.0
//
// LossAccount: how many messages one subscriber lost, counted from the publishers' numbers.
//
// Invariants:
// 1. Numbers count per (publisher epoch, generation, exact topic). The first message of a topic is
//    its base line; what came before it was never promised.
// 2. A gap is counted once, when the message or heartbeat behind it arrives. The caller charges
//    only topics that match what it asked for.
// 3. A snapshot (a cached value sent again) is neither gap nor repeat. It is a base line where
//    there is none.
// 4. Where the count can no longer be exact (a forgotten topic, a publisher that forgot its
//    numbers, a gap across an ended subscription) it becomes `unknown`: `lost` is then a lower
//    bound, never a guess.
//
// A new epoch is a new publisher: a restart is not loss. Pure; bounded by topics_max.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/bounded_table.hpp>
#include <flotilla/wire/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace flotilla::feed {

// Where a message stands among those of its topic.
struct Number {
    std::uint64_t epoch = 0;
    std::uint32_t generation = 0;
    std::uint64_t sequence = 0; // from 1
};

// Of a message's metadata; nothing when it has none, or none that a publisher would give.
inline std::optional<Number> number_of(const wire::Envelope& envelope) {
    const std::uint64_t sequence = envelope.sequence.value_or(0);
    if (!envelope.publisher_epoch || sequence == 0 || sequence == UINT64_MAX)
        return std::nullopt;
    return Number{*envelope.publisher_epoch, envelope.generation, sequence};
}

struct LossReport {
    std::uint64_t lost = 0;    // exact, or a lower bound when `unknown`
    std::uint64_t repeats = 0; // messages that had come before
    bool unknown = false;
    std::size_t topics = 0;                   // counted now, over all publishers
    std::uint64_t topics_forgotten_total = 0; // for want of room; each makes the count unknown
};

class LossAccount {
public:
    explicit LossAccount(std::size_t topics_max) : topics_(topics_max) {}

    struct Arrival {
        std::uint64_t lost = 0; // newly known to be lost
        bool repeat = false;
    };
    Arrival message(ByteView topic, Number number);

    enum class Snapshot : std::uint8_t {
        news, // of a topic not seen yet, or newer than all that was seen of it
        old,  // at or before what was seen: meant for another subscriber
    };
    Snapshot snapshot(ByteView topic, Number number);

    // A heartbeat says that `last` was sent before it: what is missing up to there is lost. Returns
    // how many are newly known to be.
    std::uint64_t last_sent(ByteView topic, Number last);

    // After a subscription has ended: topics for which `matches` is false are no longer promised.
    void stop_unless(const std::function<bool(ByteView topic)>& matches);
    // Nothing seen so far is a base line any more; the counts stay.
    void forget_base_lines();

    LossReport report() const;

private:
    struct KeyView {
        std::uint64_t epoch;
        ByteView topic;
    };
    struct Key {
        std::uint64_t epoch;
        std::string topic;
        friend bool operator==(const Key& a, const Key& b) noexcept {
            return a.epoch == b.epoch && a.topic == b.topic;
        }
        friend bool operator==(const Key& a, const KeyView& b) noexcept {
            return a.epoch == b.epoch && a.topic == b.topic;
        }
        friend bool operator==(const KeyView& a, const Key& b) noexcept { return b == a; }
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(const KeyView& key) const noexcept {
            return std::hash<ByteView>{}(key.topic) ^
                   std::hash<std::uint64_t>{}(key.epoch * 0x9e3779b97f4a7c15);
        }
        std::size_t operator()(const Key& key) const noexcept {
            return (*this)(KeyView{key.epoch, key.topic});
        }
    };
    struct Topic {
        std::uint32_t generation;
        std::uint64_t next; // the sequence expected
        // Its subscription ended at some time: the next gap may be what was not asked for.
        bool interrupted = false;
    };

    void start(ByteView topic, Number number);
    void restart(Topic& known, Number number);
    std::uint64_t charge(Topic& known, std::uint64_t up_to);

    BoundedTable<Key, Topic, Hash> topics_;
    std::uint64_t lost_ = 0;
    std::uint64_t repeats_ = 0;
    bool unknown_ = false;
};

} // namespace flotilla::feed
