// SPDX-License-Identifier: Apache-2.0
//
// Filter: what one subscriber asked for, prefixes and patterns, and whether a topic is among it.
//
// Asking for the same thing twice counts twice and has to be ended twice, as in ZeroMQ. Pure.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/pubsub/topic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace flotilla::pubsub {

class Filter {
public:
    explicit Filter(std::size_t entries_max) : entries_max_(entries_max) {}

    // Errors: too_large (over topic_bytes_max), too_many (entries_max).
    Status add(ByteView prefix);
    Status add(const TopicPattern& pattern);
    // Errors: not_found.
    Status remove(ByteView prefix);
    Status remove(const TopicPattern& pattern);

    bool matches(ByteView topic) const noexcept;
    // The transport's prefix rule lets through exactly what matches: nothing is left to filter.
    bool is_native() const noexcept { return patterns_.empty(); }
    // Some reserved topic matches one of the native prefixes, and so may come.
    bool reaches_reserved() const noexcept;
    std::size_t size() const noexcept { return size_; }

    // Calls visit(prefix) for each native prefix as often as it is asked for.
    template <class Visit>
    void each_native_prefix(Visit&& visit) const {
        for (const auto& [prefix, count] : prefixes_)
            for (std::uint32_t i = 0; i < count; ++i)
                visit(ByteView{prefix});
        for (const TopicPattern& pattern : patterns_)
            visit(ByteView{pattern.native_prefix()});
    }

private:
    Status room_for_one() const;
    bool has_prefix_of(ByteView topic) const noexcept;

    std::size_t entries_max_;
    std::size_t size_ = 0;
    std::unordered_map<std::string, std::uint32_t, TransparentStringHash, std::equal_to<>>
        prefixes_;
    std::array<std::uint32_t, topic_bytes_max + 1> prefixes_of_length_{};
    std::vector<TopicPattern> patterns_;
};

} // namespace flotilla::pubsub
