// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/acked_waits.hpp>

#include <algorithm>

namespace flotilla::queue {

bool AckedWaits::has_room(std::string_view peer) const {
    if (waits_.size() >= waits_max_)
        return false;
    const auto of_peer = by_peer_.find(std::string(peer));
    return of_peer == by_peer_.end() || of_peer->second < std::max(waits_max_ / 4, 1U);
}

void AckedWaits::add(Place place, Wait wait, Instant until) {
    if (wait.descriptor >= 0)
        by_connection_.insert({wait.descriptor, place});
    by_time_.insert({until, place});
    ++by_peer_[wait.peer];
    const bool is_new = waits_.emplace(place, Entry{std::move(wait), until}).second;
    FLOTILLA_CHECK(is_new, "a message is waited for twice");
}

AckedWaits::Wait AckedWaits::remove(Waits::iterator at) {
    Wait wait = std::move(at->second.wait);
    if (wait.descriptor >= 0)
        by_connection_.erase({wait.descriptor, at->first});
    by_time_.erase({at->second.until, at->first});
    const auto of_peer = by_peer_.find(wait.peer);
    if (--of_peer->second == 0)
        by_peer_.erase(of_peer);
    waits_.erase(at);
    return wait;
}

std::optional<AckedWaits::Wait> AckedWaits::take(QueueId queue, MessageId id) {
    const auto found = waits_.find({queue, id});
    return found == waits_.end() ? std::nullopt : std::optional{remove(found)};
}

std::optional<MessageId> AckedWaits::first_of(QueueId queue) const {
    const auto at = waits_.lower_bound({queue, 0});
    return at != waits_.end() && at->first.first == queue ? std::optional{at->first.second}
                                                          : std::nullopt;
}

std::optional<AckedWaits::Place> AckedWaits::first_due(Instant now) const {
    return next_deadline() <= now ? std::optional{by_time_.begin()->second} : std::nullopt;
}

void AckedWaits::connection_lost(int descriptor) {
    if (descriptor < 0)
        return;
    for (;;) {
        const auto at = by_connection_.lower_bound({descriptor, {0, 0}});
        if (at == by_connection_.end() || at->first != descriptor)
            return;
        remove(waits_.find(at->second));
    }
}

void AckedWaits::check() const {
    std::size_t of_peers = 0;
    for (const auto& [peer, count] : by_peer_)
        of_peers += count;
    FLOTILLA_CHECK(by_time_.size() == waits_.size() && of_peers == waits_.size() &&
                       by_connection_.size() <= waits_.size() && waits_.size() <= waits_max_,
                   "those that wait for an acknowledgement are not counted right");
}

} // namespace flotilla::queue
