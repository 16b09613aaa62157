// SPDX-License-Identifier: Apache-2.0
//
// TurnBudget: how much of the work that nobody waits for (promotion, expiry, purge, redrive,
// sweeps) one turn may still do, so that commands and deliveries are never far away.
#pragma once

#include <cstdint>

namespace flotilla::queue {

struct TurnBudget {
    static constexpr std::uint64_t block_steps = 16; // what opening a block costs
    std::uint64_t steps = 4'096;                     // messages looked at, rows read or erased
    std::uint64_t bytes = 4ULL << 20;                // moved
    bool is_spent() const noexcept { return steps == 0 || bytes == 0; }
    void spend(std::uint64_t more_steps, std::uint64_t more_bytes = 0) noexcept {
        steps -= more_steps < steps ? more_steps : steps;
        bytes -= more_bytes < bytes ? more_bytes : bytes;
    }
};

} // namespace flotilla::queue
