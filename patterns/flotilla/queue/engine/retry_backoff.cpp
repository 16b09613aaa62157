// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/retry_backoff.hpp>

#include <algorithm>

namespace flotilla::queue {

Duration retry_delay(const QueueProperties& properties, std::uint32_t attempts) noexcept {
    const std::vector<Duration>& delays = properties.retry_delays;
    if (delays.empty() || attempts == 0)
        return Duration::zero();
    if (!properties.retry_exponential || delays.size() < 2)
        return delays[std::min<std::size_t>(attempts, delays.size()) - 1];
    // Doubling stops at the ceiling, so it cannot overflow.
    Duration delay = delays[0];
    for (std::uint32_t i = 1; i < attempts && delay < delays[1]; ++i)
        delay *= 2;
    return std::min(delay, delays[1]);
}

} // namespace flotilla::queue
