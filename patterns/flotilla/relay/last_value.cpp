// SPDX-License-Identifier: Apache-2.0
#include "last_value.hpp"

#include <flotilla/wire/envelope.hpp>

#include <iterator>
#include <string>
#include <utility>

namespace flotilla::relay {
namespace {

constexpr ByteView reserved_prefix{"\0flotilla.", 10};
// What an entry costs beside its bytes, about: table and index nodes, the message's handles.
constexpr std::uint64_t value_overhead_bytes = 256;

std::uint64_t cost(std::string_view topic, const Message& message) noexcept {
    return message.bytes + topic.size() + message.frames * sizeof(net::Part) + value_overhead_bytes;
}

Message kept_of(const Message& message) {
    Message kept = message.share();
    kept.own_small();
    return kept;
}

} // namespace

bool is_reserved_topic(ByteView topic) noexcept {
    return topic.substr(0, reserved_prefix.size()) == reserved_prefix;
}

void LastValues::remember(const Message& message) {
    const ByteView topic = message.frame(0);
    if (is_reserved_topic(topic))
        return;
    if (cost(topic, message) > bytes_max_)
        return forget(topic);
    if (Message* const old = values_.touch(topic)) {
        bytes_ -= cost(topic, *old);
        *old = kept_of(message);
    } else {
        // Not left to the table: topics_ must let go of a key while it is still there.
        if (values_.size() == values_.entries_max())
            forget_oldest();
        values_.insert(std::string(topic), kept_of(message));
        topics_.insert(values_.begin()->key);
    }
    bytes_ += cost(topic, message);
    while (bytes_ > bytes_max_)
        forget_oldest();
}

void LastValues::forget_oldest() {
    ++forgotten_total_;
    forget(std::string(std::prev(values_.end())->key));
}

void LastValues::forget(std::string_view topic) {
    const Message* const value = values_.find(topic);
    if (!value)
        return;
    bytes_ -= cost(topic, *value);
    topics_.erase(topic);
    values_.erase(topic);
}

void LastValues::matching(ByteView prefix, const std::function<void(const Message&)>& visit) const {
    for (auto each = topics_.lower_bound(prefix);
         each != topics_.end() && each->substr(0, prefix.size()) == prefix; ++each)
        visit(*values_.find(*each));
}

void mark_snapshot(Message& message) {
    if (message.frames < 2)
        return;
    net::Part& last = message.parts[message.frames - 1];
    if (!wire::has_envelope_magic(last))
        return;
    if (const Result<std::string> marked = wire::mark_snapshot(last.view()))
        last = net::Part::copy(*marked);
}

} // namespace flotilla::relay
