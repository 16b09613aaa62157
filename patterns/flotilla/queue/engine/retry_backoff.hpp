// SPDX-License-Identifier: Apache-2.0
//
// How long a message waits before it is delivered again. Pure.
#pragma once

#include <flotilla/queue/model.hpp>

#include <cstdint>

namespace flotilla::queue {

// After `attempts` deliveries (at least 1). Zero: at once. By the queue's list, whose last entry
// repeats, or doubling from the base up to the ceiling.
Duration retry_delay(const QueueProperties& properties, std::uint32_t attempts) noexcept;

} // namespace flotilla::queue
