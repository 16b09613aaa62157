// SPDX-License-Identifier: Apache-2.0
#include "send_order.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace flotilla::request {
namespace {

// Peers with a short id, as those are that a ROUTER makes, are told apart by their keys alone,
// which costs much less than comparing strings.
constexpr std::size_t whole_key_max = 7;

std::uint64_t key_of(std::string_view peer) noexcept {
    std::uint64_t key = 0;
    for (const char byte : peer.substr(0, whole_key_max))
        key = key << 8 | static_cast<unsigned char>(byte);
    return key << 8 | std::min(peer.size(), whole_key_max + 1);
}

bool is_whole(std::uint64_t key) noexcept {
    return (key & 0xff) <= whole_key_max;
}

} // namespace

const std::vector<SendOrder::Turn>& SendOrder::of(const std::vector<BrokerOutputs::Send>& sends) {
    turns_.clear();
    for (std::uint32_t at = 0; at < sends.size(); ++at)
        turns_.push_back({key_of(sends[at].peer), at});
    std::sort(turns_.begin(), turns_.end(), [&sends](const Turn& a, const Turn& b) {
        if (a.key != b.key)
            return a.key < b.key;
        const int peers = is_whole(a.key) ? 0 : sends[a.at].peer.compare(sends[b.at].peer);
        return peers != 0 ? peers < 0 : a.at < b.at;
    });
    return turns_;
}

} // namespace flotilla::request
