// SPDX-License-Identifier: Apache-2.0
//
// Numbering: the sequence numbers of one publisher's topics, and what its heartbeats say of them.
//
// Bounded: beyond topics_max the topic unused for longest is forgotten. Should it come back it
// counts from 1 in a new generation, so that no subscriber takes the change for loss or repeats.
//
// A heartbeat names the topics of the last `rounds_named` intervals, not only of the last one, and
// every `rounds_between_all` intervals all of them: a subscriber too busy to get one heartbeat
// learns of its losses from a later one. Pure.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/feed/heartbeat.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flotilla::pubsub {

class Numbering {
public:
    static constexpr std::uint64_t rounds_named = 4;
    static constexpr std::uint64_t rounds_between_all = 32;

    explicit Numbering(std::size_t topics_max) : topics_(topics_max) {}

    struct Given {
        std::uint32_t generation;
        std::uint64_t sequence;
    };
    // The number of the next message of this topic, used up with the call.
    Given next(ByteView topic);
    // The message of the last next() was not taken after all. Only directly after that call.
    void take_back(ByteView topic);

    enum class Which : std::uint8_t { recent, all };
    // What the heartbeat due now says; a round ends. The topics stay valid until the next call of
    // next().
    std::vector<feed::Heartbeat::Topic> end_round(Which which);

    std::size_t size() const noexcept { return topics_.size(); }
    std::uint64_t forgotten_total() const noexcept { return topics_.forgotten_total(); }

private:
    struct Topic {
        std::uint32_t generation;
        std::uint64_t last;
        std::uint64_t round; // in which it was last sent
    };
    BoundedTextTable<Topic> topics_; // in order of use, so those of the last rounds come first
    std::uint64_t round_ = 1;
};

} // namespace flotilla::pubsub
