// SPDX-License-Identifier: Apache-2.0
#include "door_feed.hpp"

#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/feed/topic.hpp>
#include <flotilla/wire/envelope.hpp>

#include <algorithm>

namespace flotilla::queue {

bool DoorFeed::take(const wire::Frames& message) {
    const ByteView topic = message[0].view();
    if (!feed::is_reserved(topic)) {
        take_number(topic, message.back().view());
        return true;
    }
    if (topic == feed::heartbeat_topic && message.size() == 2)
        take_heartbeat(message[1].view());
    return false;
}

bool DoorFeed::wants(ByteView topic) const noexcept {
    return std::any_of(prefixes_.begin(), prefixes_.end(),
                       [topic](const std::string& prefix) { return topic.starts_with(prefix); });
}

// A heartbeat names topics that others asked for, too.
void DoorFeed::take_heartbeat(ByteView body) {
    const auto heartbeat = feed::decode_heartbeat(body);
    if (!heartbeat)
        return;
    for (const feed::Heartbeat::Topic& each : heartbeat->topics)
        if (wants(each.topic))
            losses_.last_sent(each.topic, {heartbeat->epoch, each.generation, each.last_sequence});
}

void DoorFeed::take_number(ByteView topic, ByteView metadata) {
    const auto envelope = wire::decode_envelope(metadata);
    const auto number = envelope ? feed::number_of(*envelope) : std::nullopt;
    if (!number)
        return;
    if (envelope->snapshot)
        (void)losses_.snapshot(topic, *number);
    else
        losses_.message(topic, *number);
}

} // namespace flotilla::queue
