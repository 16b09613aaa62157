// SPDX-License-Identifier: Apache-2.0
//
// Audience: whose connections were given something, or refused it, and what, so that they can be
// cut when the right to it is taken away, or given: libzmq ends a subscription, or a client's
// replies, for one peer only with its connection, and a subscriber asks again only over a new one.
// Private to relay.
//
// A connection is known by its descriptor. When it ends nobody says so here: its row stands until
// another connection has the descriptor, and at worst that one is cut, and connects again. Bounded
// by descriptors and by bytes; what does not fit is cut at any change.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/judge.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::relay {

class Audience {
public:
    static constexpr std::size_t bytes_max = std::size_t{64} << 20; // of objects, about

    void add(int descriptor, std::string_view user_id, ByteView object);
    // Whether it was given that.
    bool remove(int descriptor, ByteView object);
    // Descriptors of those who may not have all of what they were given. They are forgotten.
    std::vector<int> without_right(Judge& judge, Operation operation);
    // Of those who may have something of what they were refused.
    std::vector<int> with_right(Judge& judge, Operation operation);

private:
    struct Row {
        std::string user_id{};
        std::set<std::string, std::less<>> objects{};
        bool is_whole = true; // every object is in it
    };
    void clear(Row& row);
    template <class Stays>
    std::vector<int> take_out(Stays&& stays);

    std::unordered_map<int, Row> rows_{}; // by descriptor
    std::size_t bytes_ = 0;
};

// Subscriptions that were refused. libzmq counts them as the subscriber's all the same, and cancels
// them when it leaves without saying who it was: such a cancellation is taken for the refused one
// first, so that upstream loses no topic that somebody still wants.
class RefusedTopics {
public:
    static constexpr std::size_t bytes_max = std::size_t{16} << 20; // about

    // False: there is no room; whoever asked should be cut off.
    bool add(ByteView topic);
    // Whether there was one.
    bool take(ByteView topic);

private:
    std::unordered_map<std::string, std::uint32_t, TransparentStringHash, std::equal_to<>>
        counts_{};
    std::size_t bytes_ = 0;
};

} // namespace flotilla::relay
