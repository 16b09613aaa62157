// SPDX-License-Identifier: Apache-2.0
//
// AckedWaits: who is to be told when a message is acknowledged or dead. In memory; what belongs to
// a connection goes with it, so that peers that come and go use no room up.
//
// Bounded by who adds. One thread at a time.
#pragma once

#include <flotilla/queue/codec.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace flotilla::queue {

class AckedWaits {
public:
    struct Wait {
        std::string peer{};
        leased::Envelope envelope{};
        PutOutcome outcome{}; // what is said then, besides
        int descriptor = -1;  // of the peer's connection; -1: not known
    };
    std::size_t size() const noexcept { return waits_.size(); }
    bool has(QueueId queue, MessageId id) const {
        return !waits_.empty() && waits_.find({queue, id}) != waits_.end();
    }
    void add(QueueId queue, MessageId id, Wait wait);
    std::optional<Wait> take(QueueId queue, MessageId id);
    std::optional<MessageId> first_of(QueueId queue) const;
    void connection_lost(int descriptor);

private:
    using Place = std::pair<QueueId, MessageId>;
    std::map<Place, Wait> waits_{};
    std::set<std::pair<int, Place>> by_connection_{};
};

} // namespace flotilla::queue
