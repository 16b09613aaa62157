// SPDX-License-Identifier: Apache-2.0
#include "audience.hpp"

#include <algorithm>

namespace flotilla::relay {
namespace {

constexpr std::size_t object_overhead_bytes = 128; // of a set's or map's node, about

} // namespace

void Audience::clear(Row& row) {
    for (const std::string& object : row.objects)
        bytes_ -= object.size() + object_overhead_bytes;
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
    if (bytes_ + object.size() + object_overhead_bytes > bytes_max) {
        row.is_whole = false;
        return;
    }
    bytes_ += object.size() + object_overhead_bytes;
    row.objects.emplace(object);
}

std::vector<int> Audience::without_right(Judge& judge, Operation operation) {
    const auto stays = [&](const Row& row) {
        return row.is_whole && judge.knows(row.user_id) &&
               std::all_of(row.objects.begin(), row.objects.end(), [&](const std::string& object) {
                   return judge.allows(row.user_id, operation, object);
               });
    };
    std::vector<int> all;
    for (auto at = rows_.begin(); at != rows_.end();) {
        if (stays(at->second)) {
            ++at;
            continue;
        }
        all.push_back(at->first);
        clear(at->second);
        at = rows_.erase(at);
    }
    return all;
}

} // namespace flotilla::relay
