// SPDX-License-Identifier: Apache-2.0
//
// LastValues: the last message of each topic, for subscribers that come later. Bounded in topics
// and in bytes: the least recently sent topic is forgotten first. Private to relay.
#pragma once

#include "message.hpp"

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/relay/plan.hpp>

#include <cstdint>
#include <functional>
#include <set>
#include <string_view>

namespace flotilla::relay {

class LastValues {
public:
    explicit LastValues(const LastValueLimits& limits)
        : bytes_max_(limits.bytes_max), values_(limits.topics_max) {}

    // Keeps a second handle on a message that goes to subscribers. Reserved topics are not kept. A
    // message over bytes_max is not kept either, and its topic has no value then.
    void remember(const Message& message);
    // Every value whose topic starts with `prefix`, in order of topic.
    void matching(ByteView prefix, const std::function<void(const Message&)>& visit) const;

    std::size_t topics() const noexcept { return values_.size(); }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t forgotten_total() const noexcept { return forgotten_total_; }

private:
    void forget(std::string_view topic);
    void forget_oldest();

    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::uint64_t forgotten_total_ = 0;
    BoundedTextTable<Message> values_;
    std::set<std::string_view> topics_{}; // views of the table's keys, for prefixes
};

// Whether a topic is one that Flotilla keeps for itself (heartbeats).
bool is_reserved_topic(ByteView topic) noexcept;

// Marks a remembered message as such in its envelope, when it carries one that can be read.
void mark_snapshot(Message& message);

} // namespace flotilla::relay
