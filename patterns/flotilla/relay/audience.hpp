// SPDX-License-Identifier: Apache-2.0
//
// Audience: which connections are given something, and what, so that they can be cut when the right
// to it is taken away: libzmq ends a client's replies for one peer only with its connection.
// Private to relay.
//
// A connection is known by its descriptor. When it ends nobody says so here: its row stands until
// another connection has the descriptor, and at worst that one is cut, and connects again. Bounded
// by descriptors and by bytes; what does not fit is cut at any change.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/judge.hpp>

#include <cstddef>
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
    // Descriptors of those who may not have all of what they were given. They are forgotten.
    std::vector<int> without_right(Judge& judge, Operation operation);

private:
    struct Row {
        std::string user_id{};
        std::set<std::string, std::less<>> objects{};
        bool is_whole = true; // every object is in it
    };
    void clear(Row& row);

    std::unordered_map<int, Row> rows_{}; // by descriptor
    std::size_t bytes_ = 0;
};

} // namespace flotilla::relay
