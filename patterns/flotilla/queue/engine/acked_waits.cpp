// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/acked_waits.hpp>

namespace flotilla::queue {

void AckedWaits::add(QueueId queue, MessageId id, Wait wait) {
    if (wait.descriptor >= 0)
        by_connection_.insert({wait.descriptor, {queue, id}});
    waits_.emplace(Place{queue, id}, std::move(wait));
}

std::optional<AckedWaits::Wait> AckedWaits::take(QueueId queue, MessageId id) {
    auto found = waits_.extract({queue, id});
    if (found.empty())
        return std::nullopt;
    by_connection_.erase({found.mapped().descriptor, {queue, id}});
    return std::move(found.mapped());
}

std::optional<MessageId> AckedWaits::first_of(QueueId queue) const {
    const auto at = waits_.lower_bound({queue, 0});
    return at != waits_.end() && at->first.first == queue ? std::optional{at->first.second}
                                                          : std::nullopt;
}

void AckedWaits::connection_lost(int descriptor) {
    if (descriptor < 0)
        return;
    for (auto at = by_connection_.lower_bound({descriptor, {0, 0}});
         at != by_connection_.end() && at->first == descriptor; at = by_connection_.erase(at))
        waits_.erase(at->second);
}

} // namespace flotilla::queue
