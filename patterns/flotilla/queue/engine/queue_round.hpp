// SPDX-License-Identifier: Apache-2.0
//
// One round of deliveries of a QueueMachine: its snapshot, its bounds, and what is under way.
#pragma once

#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <cstdint>
#include <vector>

namespace flotilla::queue {

struct QueueMachine::Rest::Round {
    const Snapshot& snapshot;
    EngineOutputs& out;
    std::uint64_t messages_left = 0;
    std::uint64_t bytes_left = 0;
    Slot fresh_block = no_slot;    // that fresh_reader_ has open
    Slot returned_block = no_slot; // that returned_reader_ has open
    std::vector<Slot> sated{};     // sessions that had their share
    Status status{};

    bool is_spent() const noexcept { return messages_left == 0 || bytes_left == 0; }
    void spend(std::uint64_t messages, std::uint64_t bytes) noexcept {
        messages_left -= std::min(messages, messages_left);
        bytes_left -= std::min(bytes, bytes_left);
    }
};

// Messages of one lane on their way to one session.
struct QueueMachine::Rest::Giver {
    Slot queue = no_slot;
    Lane lane = 0;
    Slot session = no_slot;
    Slot grant = no_slot;
    std::uint32_t left = 0; // may still be given
    std::uint32_t given = 0;
    std::uint32_t leased = 0; // of these: take room in the window
    std::uint64_t bytes = 0;
    std::uint64_t bytes_max = 0; // one message may be larger
    Instant ends{};
    bool is_packed = false;
    bool answers_take = false;
    bool is_automatic = false;
};

struct QueueMachine::Rest::Given {
    Record record{}; // with its id
    Slot block = no_slot;
    std::uint16_t index = 0;
    std::uint32_t attempts_before = 0;
    std::uint32_t key = 0;
    bool is_keyed = false;
    leased::Redelivered redelivered = leased::Redelivered::no;
};

} // namespace flotilla::queue
