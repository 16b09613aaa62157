// SPDX-License-Identifier: Apache-2.0
//
// Interest: how many subscriptions a topic has, so that only a topic's first subscription and last
// cancellation go upstream. Needed where libzmq does not count: in manual mode. Private to relay.
//
// A subscriber that asks twice and leaves cancels once: the topic then stays subscribed upstream,
// which costs traffic and loses nothing. Beyond topics_max a subscription goes upstream uncounted
// and is not cancelled there.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/bounded_table.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace flotilla::relay {

class Interest {
public:
    explicit Interest(std::size_t topics_max) : topics_max_(topics_max) {}

    // True when it is to be passed upstream.
    bool add(ByteView topic) {
        const auto found = counts_.find(topic);
        if (found != counts_.end()) {
            ++found->second;
            return false;
        }
        if (counts_.size() < topics_max_)
            counts_.emplace(std::string(topic), 1);
        return true;
    }
    bool remove(ByteView topic) {
        const auto found = counts_.find(topic);
        if (found == counts_.end() || --found->second > 0)
            return false;
        counts_.erase(found);
        return true;
    }
    std::size_t topics() const noexcept { return counts_.size(); }

private:
    std::size_t topics_max_;
    std::unordered_map<std::string, std::uint64_t, TransparentStringHash, std::equal_to<>>
        counts_{};
};

} // namespace flotilla::relay
