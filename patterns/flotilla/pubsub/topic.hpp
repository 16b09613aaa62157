// SPDX-License-Identifier: Apache-2.0
//
// Topics, and the two ways to ask for them.
//
// A topic is the first frame of a message: any bytes. Asking is either
//
//   by prefix     ZeroMQ's own rule: the subscription "ord" gets "ord", "orders" and "ord.7"; the
//                 empty prefix gets everything. `*` and `#` are ordinary bytes. Subscriber::
//                 subscribe()
//   by pattern    levels separated by '.', "orders.*.eu": `*` stands for exactly one level, `#` for
//                 zero or more; without either it is that one topic. Subscriber::
//                 subscribe_pattern()
//
// A pattern reaches the publisher as its longest prefix without wildcards ("orders."), which every
// ZeroMQ publisher understands; the subscriber drops the rest. Pure.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/feed/topic.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace flotilla::pubsub {

using feed::is_reserved;
using feed::reserved_prefix;
using feed::topic_bytes_max;

// Errors: too_large; refused (reserved).
Status check_topic(ByteView topic);

class TopicPattern {
public:
    // Legal: 1 to topic_bytes_max bytes, levels not empty and without spaces and control
    // characters, wildcards alone in their level. Errors: malformed, too_large; each says which
    // rule.
    static Result<TopicPattern> parse(std::string_view text);

    bool matches(ByteView topic) const noexcept;
    const std::string& text() const noexcept { return text_; }
    // Every topic that matches begins with it.
    std::string_view native_prefix() const noexcept {
        return std::string_view{text_}.substr(0, prefix_bytes_);
    }

    friend bool operator==(const TopicPattern& a, const TopicPattern& b) {
        return a.text_ == b.text_;
    }

private:
    explicit TopicPattern(std::string_view text);

    std::string text_;
    std::size_t prefix_bytes_;
};

} // namespace flotilla::pubsub
