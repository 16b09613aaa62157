// SPDX-License-Identifier: Apache-2.0
#include <flotilla/feed/loss.hpp>

#include <limits>

namespace flotilla::feed {

void LossAccount::start(ByteView topic, Number number) {
    topics_.insert(Key{number.epoch, std::string{topic}},
                   Topic{number.generation, number.sequence + 1});
}

// The publisher numbers the topic anew: what it sent in between is not known.
void LossAccount::restart(Topic& known, Number number) {
    known = Topic{number.generation, number.sequence + 1};
    unknown_ = true;
}

// Counts everything before `up_to` that has not come.
std::uint64_t LossAccount::charge(Topic& known, std::uint64_t up_to) {
    std::uint64_t lost = up_to - known.next;
    if (known.interrupted && lost > 0) {
        lost = 0;
        unknown_ = true;
        known.interrupted = false;
    }
    // Only forged numbers come near the end of the range.
    lost_ = lost > std::numeric_limits<std::uint64_t>::max() - lost_
                ? std::numeric_limits<std::uint64_t>::max()
                : lost_ + lost;
    known.next = up_to;
    return lost;
}

LossAccount::Arrival LossAccount::message(ByteView topic, Number number) {
    Topic* const known = topics_.touch(KeyView{number.epoch, topic});
    if (!known) {
        start(topic, number);
        return {};
    }
    if (known->generation != number.generation) {
        restart(*known, number);
        return {};
    }
    if (number.sequence < known->next) {
        ++repeats_;
        return Arrival{0, true};
    }
    const std::uint64_t lost = charge(*known, number.sequence);
    ++known->next;
    return Arrival{lost, false};
}

LossAccount::Snapshot LossAccount::snapshot(ByteView topic, Number number) {
    const Topic* const known = topics_.touch(KeyView{number.epoch, topic});
    if (!known) {
        start(topic, number);
        return Snapshot::news;
    }
    // The expected number stays: a live message that was lost stays lost, though its value came.
    return known->generation == number.generation && number.sequence < known->next ? Snapshot::old
                                                                                   : Snapshot::news;
}

std::uint64_t LossAccount::last_sent(ByteView topic, Number last) {
    // Not touched: a heartbeat names all topics and would make the order of forgetting useless.
    // And no base line: it may have been sent before the publisher knew of our subscription.
    const Topic* const found = topics_.find(KeyView{last.epoch, topic});
    if (!found || found->interrupted)
        return 0;
    if (found->generation == last.generation && last.sequence < found->next)
        return 0;
    Topic* const known = topics_.touch(KeyView{last.epoch, topic});
    if (known->generation != last.generation) {
        restart(*known, last);
        return 0;
    }
    return charge(*known, last.sequence + 1);
}

void LossAccount::stop_unless(const std::function<bool(ByteView topic)>& matches) {
    for (auto& entry : topics_)
        if (!matches(entry.key.topic))
            entry.value.interrupted = true;
}

void LossAccount::forget_base_lines() {
    while (!topics_.empty())
        topics_.erase(Key{topics_.begin()->key});
}

LossReport LossAccount::report() const {
    return LossReport{lost_, repeats_, unknown_ || topics_.forgotten_total() > 0, topics_.size(),
                      topics_.forgotten_total()};
}

} // namespace flotilla::feed
