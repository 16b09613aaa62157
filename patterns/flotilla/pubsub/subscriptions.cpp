// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/subscriptions.hpp>

namespace flotilla::pubsub {
namespace {

// Calls visit for every entry of an ordered container whose key is a prefix of the topic.
template <class Container, class Visit>
void each_prefix_of(const Container& container, ByteView topic, Visit&& visit) {
    for (std::size_t length = 0; length <= topic.size(); ++length)
        if (const auto found = container.find(topic.substr(0, length)); found != container.end())
            visit(*found);
}

} // namespace

bool SubscriptionTable::room_for_one() {
    if (subscriptions_ < limits_.subscriptions_max)
        return true;
    ++ignored_total_;
    return false;
}

void SubscriptionTable::connected(int descriptor) {
    // The same descriptor again without a disconnect: the old connection is gone all the same.
    disconnected(descriptor);
    if (connections_.size() < limits_.connections_max)
        connections_.emplace(descriptor, Topics{});
    else
        ++ignored_total_;
}

void SubscriptionTable::disconnected(int descriptor) {
    const auto found = connections_.find(descriptor);
    if (found == connections_.end())
        return;
    // The transport will now report the end of each, naming nobody. It matters only to inproc.
    if (!unnamed_.empty())
        for (const std::string& topic : found->second)
            if (unnamed_.count(topic) > 0)
                ++owed_[topic];
    subscriptions_ -= found->second.size();
    connections_.erase(found);
}

void SubscriptionTable::subscribe(int descriptor, ByteView topic) {
    if (descriptor == no_descriptor) {
        if (!room_for_one())
            return;
        const auto found = unnamed_.find(topic);
        if (found == unnamed_.end())
            unnamed_.emplace(topic, 1);
        else
            ++found->second;
        ++subscriptions_;
        return;
    }
    const auto found = connections_.find(descriptor);
    if (found == connections_.end()) {
        ++ignored_total_;
        return;
    }
    if (found->second.find(topic) != found->second.end() || !room_for_one())
        return;
    found->second.emplace(topic);
    ++subscriptions_;
}

void SubscriptionTable::unsubscribe(int descriptor, ByteView topic) {
    if (descriptor == no_descriptor)
        return unsubscribe_unnamed(topic);
    const auto connection = connections_.find(descriptor);
    if (connection == connections_.end())
        return;
    const auto found = connection->second.find(topic);
    if (found == connection->second.end())
        return;
    connection->second.erase(found);
    --subscriptions_;
}

void SubscriptionTable::unsubscribe_unnamed(ByteView topic) {
    const auto take = [topic](Counts& counts) {
        const auto found = counts.find(topic);
        if (found == counts.end())
            return false;
        if (--found->second == 0)
            counts.erase(found);
        return true;
    };
    if (take(owed_) || !take(unnamed_))
        return;
    --subscriptions_;
    if (unnamed_.find(topic) == unnamed_.end())
        if (const auto left = owed_.find(topic); left != owed_.end())
            owed_.erase(left);
}

std::size_t SubscriptionTable::count(ByteView topic) const {
    std::size_t count = 0;
    for (const auto& [descriptor, topics] : connections_) {
        bool matches = false;
        each_prefix_of(topics, topic, [&matches](const auto&) { matches = true; });
        count += matches ? 1 : 0;
    }
    each_prefix_of(unnamed_, topic, [&count](const auto& entry) { count += entry.second; });
    return count;
}

} // namespace flotilla::pubsub
