// SPDX-License-Identifier: Apache-2.0
//
// AckedWaits: who is to be told when a message is acknowledged or dead, and until when. In memory;
// what belongs to a connection goes with it, so that peers that come and go use no room up, and one
// peer has a quarter of the room at most. Whoever adds asks for room before. One thread at a time.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/queue/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace flotilla::queue {

class AckedWaits {
public:
    // 1 to 10,000,000
    explicit AckedWaits(std::uint32_t waits_max) noexcept : waits_max_(waits_max) {}

    struct Wait {
        std::string peer{};
        leased::Envelope envelope{};
        PutOutcome outcome{}; // what is said then, besides
        int descriptor = -1;  // of the peer's connection; -1: not known
    };
    using Place = std::pair<QueueId, MessageId>;
    std::size_t size() const noexcept { return waits_.size(); }
    bool has_room(std::string_view peer) const;
    bool has(QueueId queue, MessageId id) const {
        return !waits_.empty() && waits_.find({queue, id}) != waits_.end();
    }
    void add(Place place, Wait wait, Instant until);
    std::optional<Wait> take(QueueId queue, MessageId id);
    std::optional<MessageId> first_of(QueueId queue) const;
    // One whose time is over; nothing when there is none.
    std::optional<Place> first_due(Instant now) const;
    Instant next_deadline() const noexcept {
        return by_time_.empty() ? never : by_time_.begin()->first;
    }
    void connection_lost(int descriptor);
    void check() const; // aborts when the indexes disagree

private:
    struct Entry {
        Wait wait{};
        Instant until{};
    };
    using Waits = std::map<Place, Entry>;
    Wait remove(Waits::iterator at);

    std::uint32_t waits_max_;
    Waits waits_{};
    std::set<std::pair<int, Place>> by_connection_{};
    std::set<std::pair<Instant, Place>> by_time_{};
    std::unordered_map<std::string, std::uint32_t> by_peer_{}; // how many
};

} // namespace flotilla::queue
