// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/numbering.hpp>

#include <string>

namespace flotilla::pubsub {

Numbering::Given Numbering::next(ByteView topic) {
    Topic* known = topics_.touch(topic);
    if (!known) {
        // Differs from any earlier generation of this topic, for to be forgotten it was counted.
        const auto generation = static_cast<std::uint32_t>(
            topics_.forgotten_total() + (topics_.size() == topics_.entries_max() ? 1 : 0));
        topics_.insert(std::string{topic}, Topic{generation, 0, round_});
        known = topics_.touch(topic);
    }
    known->round = round_;
    return Given{known->generation, ++known->last};
}

void Numbering::take_back(ByteView topic) {
    Topic* const known = topics_.touch(topic);
    FLOTILLA_CHECK(known && known->last > 0, "a number was taken back that was not given");
    if (--known->last == 0)
        topics_.erase(topic); // a heartbeat must not name a message that never was
}

std::vector<feed::Heartbeat::Topic> Numbering::end_round(Which which) {
    const bool all = which == Which::all || round_ % rounds_between_all == 0;
    std::vector<feed::Heartbeat::Topic> named;
    for (const auto& [topic, state] : topics_) {
        if (!all && state.round + rounds_named <= round_)
            break;
        named.push_back(feed::Heartbeat::Topic{topic, state.generation, state.last});
    }
    ++round_;
    return named;
}

} // namespace flotilla::pubsub
