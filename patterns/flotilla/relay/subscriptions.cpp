// SPDX-License-Identifier: Apache-2.0
#include "subscriptions.hpp"

#include <algorithm>

namespace flotilla::relay {
namespace {

// Of one who has it alone.
std::uint64_t share_of(ByteView topic) {
    return Subscriptions::bytes_of_topic(topic.size()) + Subscriptions::bytes_of_subscription;
}

} // namespace

Subscriptions::Topic& Subscriptions::topic_named(ByteView name) {
    if (const auto known = topics_.find(name); known != topics_.end())
        return *known;
    return *topics_.emplace(std::string(name), Interest{}).first;
}

// Another subscription to it, also a refused one.
void Subscriptions::charge(Topic& topic) {
    if (topic.second.uses++ == 0)
        bytes_ += bytes_of_topic(topic.first.size());
    bytes_ += bytes_of_subscription;
}

void Subscriptions::discharge(Topic& topic) {
    bytes_ -= bytes_of_subscription;
    if (--topic.second.uses == 0)
        bytes_ -= bytes_of_topic(topic.first.size());
    forget_unused(topic);
}

void Subscriptions::forget_unused(Topic& topic) {
    if (topic.second.uses == 0 && topic.second.owed == 0)
        topics_.erase(topics_.find(topic.first));
}

Subscriptions::Row& Subscriptions::row_of(int descriptor, std::string_view user_id) {
    Row& row = rows_[descriptor];
    row.user_id = user_id;
    return row;
}

// Also of who is to be cut off: what he still asks for is his, without effect.
bool Subscriptions::put(std::unordered_set<Topic*>& topics, Row& row, Topic& topic) {
    if (row.held.contains(&topic) || !topics.insert(&topic).second)
        return false;
    const std::uint64_t bytes = share_of(topic.first);
    row.bytes += bytes;
    if (row.is_cut)
        bytes_cut_ += bytes;
    charge(topic);
    return true;
}

Subscriptions::Added Subscriptions::added(Topic& topic) {
    ++count_;
    return ++topic.second.holders == 1 ? Added::first : Added::another;
}

Subscriptions::Cancelled Subscriptions::taken(Topic& topic) {
    --count_;
    const bool is_last = --topic.second.holders == 0;
    discharge(topic);
    return is_last ? Cancelled::last : Cancelled::others_remain;
}

std::vector<std::string> Subscriptions::arrived(int descriptor) {
    auto ended = left(descriptor);
    gone_.erase(descriptor);
    return ended;
}

std::vector<std::string> Subscriptions::left(int descriptor) {
    gone_.insert(descriptor);
    std::vector<std::string> ended;
    const auto at = rows_.find(descriptor);
    if (at == rows_.end())
        return ended;
    Row& row = at->second;
    if (row.is_cut)
        bytes_cut_ -= row.bytes;
    for (Topic* each : row.refused) {
        each->second.owed += 1;
        discharge(*each);
    }
    for (Topic* each : row.held) {
        each->second.owed += 1;
        if (each->second.holders == 1)
            ended.push_back(each->first);
        (void)taken(*each);
    }
    rows_.erase(at);
    return ended;
}

Subscriptions::Added Subscriptions::add(int descriptor, std::string_view user_id, ByteView name) {
    if (descriptor < 0) {
        Topic* const topic = nameless_topic(name);
        if (topic == nullptr)
            return Added::nothing;
        ++topic->second.nameless;
        return added(*topic);
    }
    if (gone_.contains(descriptor)) {
        heard_late(name);
        return Added::nothing;
    }
    Row& row = row_of(descriptor, user_id);
    Topic& topic = topic_named(name);
    if (row.is_cut) {
        put(row.refused, row, topic);
        return Added::nothing;
    }
    return put(row.held, row, topic) ? added(topic) : Added::again;
}

void Subscriptions::refuse(int descriptor, std::string_view user_id, ByteView name) {
    if (descriptor < 0) {
        if (Topic* const topic = nameless_topic(name))
            ++topic->second.nameless_refused;
        return;
    }
    if (gone_.contains(descriptor))
        return heard_late(name);
    Row& row = row_of(descriptor, user_id);
    put(row.refused, row, topic_named(name));
}

// Of who has gone: its cancellation will follow. One too many keeps a topic that nobody wants, so
// that no peer can make us remember what is only his.
void Subscriptions::heard_late(ByteView name) {
    const auto topic = topics_.find(name);
    if (topic != topics_.end())
        ++topic->second.owed;
}

Subscriptions::Cancelled Subscriptions::cancel(int descriptor, ByteView name) {
    if (descriptor < 0)
        return cancel_nameless(name);
    const auto at = rows_.find(descriptor);
    const auto topic = topics_.find(name);
    if (at == rows_.end() || topic == topics_.end() || at->second.is_cut)
        return Cancelled::not_his;
    Row& row = at->second;
    const bool was_refused = row.refused.erase(&*topic) > 0;
    if (!was_refused && row.held.erase(&*topic) == 0)
        return Cancelled::not_his;
    row.bytes -= share_of(name);
    if (!was_refused)
        return taken(*topic);
    discharge(*topic);
    return Cancelled::refused;
}

// For one more who has no descriptor; nullptr: there is no room.
Subscriptions::Topic* Subscriptions::nameless_topic(ByteView name) {
    if (bytes_nameless_ + share_of(name) > bytes_max_)
        return nullptr;
    bytes_nameless_ += share_of(name);
    Topic& topic = topic_named(name);
    charge(topic);
    return &topic;
}

// Of who has no descriptor, or of one that has gone.
Subscriptions::Cancelled Subscriptions::cancel_nameless(ByteView name) {
    const auto topic = topics_.find(name);
    if (topic == topics_.end())
        return Cancelled::not_his;
    Interest& interest = topic->second;
    if (interest.owed > 0) {
        --interest.owed;
        forget_unused(*topic);
        return Cancelled::not_his;
    }
    // As all of them have the same rights, at most those of another time differ.
    const bool was_refused = interest.nameless_refused > 0;
    std::uint64_t& count = was_refused ? interest.nameless_refused : interest.nameless;
    if (count == 0)
        return Cancelled::not_his;
    --count;
    bytes_nameless_ -= share_of(name);
    if (!was_refused)
        return taken(*topic);
    discharge(*topic);
    return Cancelled::refused;
}

std::optional<Subscriptions::Excess> Subscriptions::take_excess() {
    if (bytes_ <= bytes_max_ + bytes_cut_ + bytes_nameless_) [[likely]]
        return std::nullopt;
    const auto most =
        std::max_element(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
            const auto weight = [](const Row& row) { return row.is_cut ? 0 : row.bytes; };
            return weight(a.second) < weight(b.second);
        });
    if (most == rows_.end() || most->second.is_cut || most->second.bytes == 0)
        return std::nullopt;
    Row& row = most->second;
    row.is_cut = true;
    bytes_cut_ += row.bytes;
    const Topic* one = row.held.empty() ? *row.refused.begin() : *row.held.begin();
    return Excess{most->first, row.user_id, row.held.size() + row.refused.size(), row.bytes,
                  one->first};
}

std::vector<int> Subscriptions::without_right(const May& may) const {
    std::vector<int> all;
    for (const auto& [descriptor, row] : rows_)
        if (std::any_of(
                row.held.begin(), row.held.end(),
                [&, &user = row.user_id](const Topic* each) { return !may(user, each->first); }))
            all.push_back(descriptor);
    return all;
}

std::vector<int> Subscriptions::with_right(const May& may) const {
    std::vector<int> all;
    for (const auto& [descriptor, row] : rows_)
        if (std::any_of(
                row.refused.begin(), row.refused.end(),
                [&, &user = row.user_id](const Topic* each) { return may(user, each->first); }))
            all.push_back(descriptor);
    return all;
}

} // namespace flotilla::relay
