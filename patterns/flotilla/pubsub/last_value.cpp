// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/last_value.hpp>

#include <utility>

namespace flotilla::pubsub {

void LastValueTable::remove(Values::iterator value) {
    bytes_ -= value->second.bytes;
    order_.erase(value->second.place);
    values_.erase(value);
}

void LastValueTable::put(ByteView topic, wire::Frames frames) {
    const std::size_t bytes = topic.size() + frames.bytes();
    const auto known = values_.find(topic);
    if (bytes > limits_.bytes_max) {
        ++forgotten_total_;
        if (known != values_.end())
            remove(known);
        return;
    }
    if (known != values_.end()) {
        Value& value = known->second;
        bytes_ += bytes - value.bytes;
        value.frames = std::move(frames);
        value.bytes = bytes;
        order_.splice(order_.begin(), order_, value.place);
    } else {
        order_.emplace_front(topic);
        values_.emplace(order_.front(), Value{std::move(frames), bytes, order_.begin()});
        bytes_ += bytes;
    }
    // The value just put is the newest and fits alone, so this ends before it.
    while (values_.size() > limits_.entries_max || bytes_ > limits_.bytes_max) {
        remove(values_.find(order_.back()));
        ++forgotten_total_;
    }
}

bool LastValueTable::erase(ByteView topic) {
    const auto known = values_.find(topic);
    if (known == values_.end())
        return false;
    remove(known);
    return true;
}

void LastValueTable::each_under(ByteView prefix, const Visit& visit) const {
    for (auto at = values_.lower_bound(prefix);
         at != values_.end() && ByteView{at->first}.substr(0, prefix.size()) == prefix; ++at)
        visit(at->first, at->second.frames);
}

} // namespace flotilla::pubsub
