// SPDX-License-Identifier: Apache-2.0
#include "redial.hpp"

#include <algorithm>

namespace flotilla::net::detail {

void Redial::forget(std::string_view endpoint) {
    if (const auto found = pauses_.find(endpoint); found != pauses_.end())
        pauses_.erase(found);
}

void Redial::refused(std::string_view endpoint, Instant now) {
    const auto found = pauses_.find(endpoint);
    if (found == pauses_.end())
        return;
    Pause& pause = found->second;
    pause.length = pause.length == Duration::zero() ? limits_.first
                                                    : std::min(pause.length * 2, limits_.longest);
    pause.until = deadline_after(now, random_.jitter(pause.length, 0.25));
}

void Redial::accepted(std::string_view endpoint) {
    if (const auto found = pauses_.find(endpoint); found != pauses_.end())
        found->second = Pause{};
}

std::vector<std::string> Redial::due(Instant now) {
    std::vector<std::string> endpoints;
    for (auto& [endpoint, pause] : pauses_) {
        if (pause.until > now)
            continue;
        pause.until = never;
        endpoints.push_back(endpoint);
    }
    return endpoints;
}

Instant Redial::next() const noexcept {
    Instant earliest = never;
    for (const auto& [endpoint, pause] : pauses_)
        earliest = std::min(earliest, pause.until);
    return earliest;
}

} // namespace flotilla::net::detail
