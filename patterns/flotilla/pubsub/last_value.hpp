// SPDX-License-Identifier: Apache-2.0
//
// LastValueTable: the newest message of each topic, for subscribers that come late.
//
// Bounded in entries and in bytes; the topic whose value is oldest is forgotten first. Pure.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>

namespace flotilla::pubsub {

struct LastValueLimits {
    std::size_t entries_max = 1'000;   // topics, 1 to 1,000,000
    std::size_t bytes_max = 64u << 20; // topics and bodies together; 1 byte to 1 TiB
};

class LastValueTable {
public:
    explicit LastValueTable(LastValueLimits limits) : limits_(limits) {}

    // Takes the frames behind the topic as the topic's value. One that alone is over bytes_max is
    // not kept, and what was kept of its topic goes: an old value would pass for the new one.
    void put(ByteView topic, wire::Frames frames);
    bool erase(ByteView topic);

    using Visit = std::function<void(ByteView topic, const wire::Frames& frames)>;
    // Every topic that begins with `prefix`, in byte order.
    void each_under(ByteView prefix, const Visit& visit) const;

    std::size_t size() const noexcept { return values_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }
    std::uint64_t forgotten_total() const noexcept { return forgotten_total_; }

private:
    using Order = std::list<std::string>; // topics, newest value first
    struct Value {
        wire::Frames frames;
        std::size_t bytes;
        Order::iterator place;
    };
    using Values = std::map<std::string, Value, std::less<>>;
    void remove(Values::iterator value);

    LastValueLimits limits_;
    Values values_;
    Order order_;
    std::size_t bytes_ = 0;
    std::uint64_t forgotten_total_ = 0;
};

} // namespace flotilla::pubsub
