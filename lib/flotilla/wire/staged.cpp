// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/staged.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace flotilla::wire {
namespace {

// Peers with a short id, as those are that a ROUTER makes, are told apart by their keys alone,
// which costs much less than comparing strings.
constexpr std::size_t whole_key_max = 7;

std::uint64_t key_of(ByteView peer) noexcept {
    std::uint64_t key = 0;
    if (peer.size() <= whole_key_max)
        for (const char byte : peer)
            key = key << 8 | static_cast<unsigned char>(byte);
    else
        key = std::hash<ByteView>{}(peer);
    return key << 8 | std::min(peer.size(), whole_key_max + 1);
}

bool is_whole(std::uint64_t key) noexcept {
    return (key & 0xff) <= whole_key_max;
}

std::size_t hash(std::uint64_t key) noexcept {
    return static_cast<std::size_t>(key * 0x9e37'79b9'7f4a'7c15ULL >> 32);
}

} // namespace

// ---- writing -----------------------------------------------------------------------------------

void StagedMessages::begin(ByteView peer, std::uint32_t tag, std::size_t copied_bytes) {
    FLOTILLA_CHECK(items_.size() < none, "too many messages");
    items_.push_back({used_, static_cast<std::uint32_t>(large_.size()), 0, tag, none});
    join_group(peer);
    copied_bytes_ = peer.size();
    add(peer); // small, whatever the others are
    copied_bytes_ = copied_bytes;
}

// Behind the message that is there for the same peer.
void StagedMessages::join_group(ByteView peer) {
    const std::uint64_t key = key_of(peer);
    const auto at = static_cast<std::uint32_t>(items_.size() - 1);
    const auto next_group = static_cast<std::uint32_t>(groups_.size());
    std::uint32_t& first = first_group(key);
    for (std::uint32_t i = first; i != none; i = groups_[i].next) {
        Group& group = groups_[i];
        if (group.key != key || !(is_whole(key) || this->peer(group.first) == peer))
            continue;
        items_[std::exchange(group.last, at)].next = at;
        return;
    }
    groups_.push_back({key, at, at, std::exchange(first, next_group)});
    if (groups_.size() > first_group_.size())
        grow_table();
}

std::uint32_t& StagedMessages::first_group(std::uint64_t key) noexcept {
    return first_group_[hash(key) & (first_group_.size() - 1)];
}

void StagedMessages::grow_table() {
    first_group_.assign(first_group_.size() * 2, none);
    for (std::uint32_t i = 0; i < groups_.size(); ++i)
        groups_[i].next = std::exchange(first_group(groups_[i].key), i);
}

void StagedMessages::grow(std::size_t bytes) {
    small_.resize(std::max(small_.size() * 2, used_ + bytes));
}

void StagedMessages::add(ByteView frame) {
    FLOTILLA_CHECK(!items_.empty(), "a frame of no message");
    if (!takes_small(frame.size())) {
        large_.push_back(Blob::copy(frame));
        return;
    }
    const std::size_t bytes = size_bytes + frame.size();
    if (small_.size() - used_ < bytes)
        grow(bytes);
    char* const at = small_.data() + used_;
    store_u32(at, static_cast<std::uint32_t>(frame.size()));
    if (frame.size() <= copy_short_bytes_max)
        copy_short(at + size_bytes, frame);
    else
        std::memcpy(at + size_bytes, frame.data(), frame.size());
    used_ += bytes;
    ++items_.back().count;
}

void StagedMessages::add(Blob&& frame) {
    FLOTILLA_CHECK(!items_.empty(), "a frame of no message");
    if (takes_small(frame.size()))
        return add(frame.view());
    large_.push_back(std::move(frame));
}

void StagedMessages::clear() noexcept {
    for (const Group& group : groups_)
        first_group(group.key) = none;
    groups_.clear();
    items_.clear();
    large_.clear();
    used_ = 0;
}

// ---- reading -----------------------------------------------------------------------------------

StagedMessages::Message StagedMessages::operator[](std::size_t at) noexcept {
    const Item& from = item(at);
    const bool is_last = at + 1 == items_.size();
    const std::size_t small_end = is_last ? used_ : items_[at + 1].small;
    const std::size_t large_end = is_last ? large_.size() : items_[at + 1].large;
    return {{small_.data() + from.small, small_end - from.small},
            from.count,
            {large_.data() + from.large, large_end - from.large}};
}

ByteView StagedMessages::peer(std::size_t at) const noexcept {
    const char* const frame = small_.data() + item(at).small;
    return {frame + size_bytes, load_u32(frame)};
}

std::uint64_t StagedMessages::Message::bytes() const noexcept {
    std::uint64_t sum = small.size() - size_bytes * count;
    for (const Blob& frame : large)
        sum += frame.size();
    return sum;
}

Frames StagedMessages::frames(std::size_t at) {
    const Message message = (*this)[at];
    Frames frames;
    for (ByteView rest = message.small; !rest.empty();)
        frames.add(next(rest));
    for (const Blob& frame : message.large)
        frames.add(frame.share());
    return frames;
}

std::span<const std::uint32_t> StagedMessages::by_peer() {
    order_.clear();
    for (const Group& group : groups_)
        for (std::uint32_t at = group.first; at != none; at = items_[at].next)
            order_.push_back(at);
    return order_;
}

} // namespace flotilla::wire
