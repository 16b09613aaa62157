// SPDX-License-Identifier: Apache-2.0
//
// DoorFeed: what a SUB door knows of a feed with metadata: counts what it lacks, by messages and
// heartbeats, as a Subscriber does. Pure. Private to the pattern.
#pragma once

#include <flotilla/feed/loss.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace flotilla::queue {

class DoorFeed {
public:
    static constexpr std::size_t topics_max = 100'000; // counted at once, of all publishers

    // `prefixes` is what is subscribed to.
    explicit DoorFeed(std::vector<std::string> prefixes) : prefixes_(std::move(prefixes)) {}

    // False: it is one of Flotilla's own, such as a heartbeat, and no part of the feed.
    bool take(const wire::Frames& message);
    feed::LossReport report() const { return losses_.report(); }

private:
    bool wants(ByteView topic) const noexcept;
    void take_heartbeat(ByteView body);
    void take_number(ByteView topic, ByteView metadata);

    std::vector<std::string> prefixes_;
    feed::LossAccount losses_{topics_max};
};

} // namespace flotilla::queue
