// SPDX-License-Identifier: Apache-2.0
//
// What becomes of one put, of one message or many, in a QueueMachine; and how it is answered.
#pragma once

#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace flotilla::queue {

struct QueueMachine::Rest::Batch {
    Slot queue = no_slot;
    PutOutcome outcome{};
    std::optional<std::pair<leased::ErrorCode, std::string>> refused{};
    bool maybe_duplicate = false;
};

struct QueueMachine::Rest::Answering {
    enum class When : std::uint8_t { at_once, when_acked, twice };
    When when = When::at_once;
    Duration acked_max{0}; // how long until it is acknowledged is watched; 0: the limit
};

} // namespace flotilla::queue
