// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/filter.hpp>

#include <algorithm>

namespace flotilla::pubsub {

Status Filter::room_for_one() const {
    if (size_ < entries_max_)
        return {};
    return fail(Errc::too_many,
                "the subscriber has " + std::to_string(size_) + " subscriptions, its limit");
}

Status Filter::add(ByteView prefix) {
    if (prefix.size() > topic_bytes_max)
        return fail(Errc::too_large, "the prefix has " + std::to_string(prefix.size()) +
                                         " bytes; the limit is " + std::to_string(topic_bytes_max));
    if (auto room = room_for_one(); !room)
        return room;
    const auto found = prefixes_.find(prefix);
    if (found != prefixes_.end()) {
        ++found->second;
    } else {
        prefixes_.emplace(prefix, 1);
        ++prefixes_of_length_[prefix.size()];
    }
    ++size_;
    return {};
}

Status Filter::add(const TopicPattern& pattern) {
    if (auto room = room_for_one(); !room)
        return room;
    patterns_.push_back(pattern);
    ++size_;
    return {};
}

Status Filter::remove(ByteView prefix) {
    const auto found = prefixes_.find(prefix);
    if (found == prefixes_.end())
        return fail(Errc::not_found, "there is no such subscription");
    if (--found->second == 0) {
        --prefixes_of_length_[prefix.size()];
        prefixes_.erase(found);
    }
    --size_;
    return {};
}

Status Filter::remove(const TopicPattern& pattern) {
    const auto found = std::find(patterns_.begin(), patterns_.end(), pattern);
    if (found == patterns_.end())
        return fail(Errc::not_found, "there is no subscription '" + pattern.text() + "'");
    patterns_.erase(found);
    --size_;
    return {};
}

bool Filter::has_prefix_of(ByteView topic) const noexcept {
    const std::size_t longest = std::min(topic.size(), topic_bytes_max);
    for (std::size_t length = 0; length <= longest; ++length)
        if (prefixes_of_length_[length] > 0 &&
            prefixes_.find(topic.substr(0, length)) != prefixes_.end())
            return true;
    return false;
}

bool Filter::reaches_reserved() const noexcept {
    bool reaches = false;
    each_native_prefix([&reaches](ByteView prefix) {
        const std::size_t shared = std::min(prefix.size(), reserved_prefix.size());
        reaches = reaches || prefix.substr(0, shared) == reserved_prefix.substr(0, shared);
    });
    return reaches;
}

bool Filter::matches(ByteView topic) const noexcept {
    return std::any_of(patterns_.begin(), patterns_.end(),
                       [topic](const TopicPattern& pattern) { return pattern.matches(topic); }) ||
           has_prefix_of(topic);
}

} // namespace flotilla::pubsub
