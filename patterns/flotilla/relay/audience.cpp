// SPDX-License-Identifier: Apache-2.0
#include "audience.hpp"

#include <algorithm>

namespace flotilla::relay {
namespace {

constexpr std::size_t entry_bytes = 128; // of a set's or map's node, about

} // namespace

void Audience::clear(Row& row) {
    for (const std::string& object : row.objects)
        bytes_ -= object.size() + entry_bytes;
    row.objects.clear();
    row.is_whole = true;
}

void Audience::add(int descriptor, std::string_view user_id, ByteView object) {
    if (descriptor < 0)
        return; // of this process: there is nothing to cut
    Row& row = rows_[descriptor];
    if (row.user_id != user_id) {
        clear(row); // another connection
        row.user_id = user_id;
    }
    if (row.objects.find(object) != row.objects.end())
        return;
    if (bytes_ + object.size() + entry_bytes > bytes_max) {
        row.is_whole = false;
        return;
    }
    bytes_ += object.size() + entry_bytes;
    row.objects.emplace(object);
}

bool Audience::remove(int descriptor, ByteView object) {
    const auto row = rows_.find(descriptor);
    if (row == rows_.end())
        return false;
    const auto at = row->second.objects.find(object);
    if (at == row->second.objects.end())
        return false;
    bytes_ -= at->size() + entry_bytes;
    row->second.objects.erase(at);
    return true;
}

// Those of whom it is not true.
template <class Stays>
std::vector<int> Audience::take_out(Stays&& stays) {
    std::vector<int> all;
    for (auto at = rows_.begin(); at != rows_.end();) {
        Row& row = at->second;
        if (row.is_whole && stays(row)) {
            ++at;
            continue;
        }
        all.push_back(at->first);
        clear(row);
        at = rows_.erase(at);
    }
    return all;
}

std::vector<int> Audience::without_right(Judge& judge, Operation operation) {
    return take_out([&](const Row& row) {
        return judge.knows(row.user_id) &&
               std::all_of(row.objects.begin(), row.objects.end(), [&](const std::string& object) {
                   return judge.allows(row.user_id, operation, object);
               });
    });
}

std::vector<int> Audience::with_right(Judge& judge, Operation operation) {
    return take_out([&](const Row& row) {
        return std::none_of(row.objects.begin(), row.objects.end(), [&](const std::string& object) {
            return judge.allows(row.user_id, operation, object);
        });
    });
}

bool RefusedTopics::add(ByteView topic) {
    if (const auto known = counts_.find(topic); known != counts_.end()) {
        ++known->second;
        return true;
    }
    if (bytes_ + topic.size() + entry_bytes > bytes_max)
        return false;
    bytes_ += topic.size() + entry_bytes;
    counts_.emplace(std::string(topic), 1);
    return true;
}

bool RefusedTopics::take(ByteView topic) {
    const auto at = counts_.find(topic);
    if (at == counts_.end())
        return false;
    if (--at->second == 0) {
        bytes_ -= at->first.size() + entry_bytes;
        counts_.erase(at);
    }
    return true;
}

} // namespace flotilla::relay
