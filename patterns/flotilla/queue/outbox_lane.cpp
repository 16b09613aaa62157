// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/outbox_lane.hpp>
#include <flotilla/queue/put_pack.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace flotilla::queue {

namespace {

constexpr std::size_t first_block_bytes = 4096;
constexpr std::size_t spare_max = 4;

std::size_t record_at(const char* data, std::size_t size, std::size_t offset) {
    const std::size_t bytes = put_record_bytes({data + offset, size - offset});
    FLOTILLA_CHECK(bytes > 0, "a record of an outbox is not whole");
    return bytes;
}

} // namespace

void OutboxLane::start_at(std::uint64_t number) {
    FLOTILLA_CHECK(empty(), "an outbox in use is numbered anew");
    drop(next_ - 1);
    first_ = next_ = number;
}

// Small ones first: a thousand queues with a message each are not 64 MiB.
void OutboxLane::add_block(std::size_t bytes) {
    Block block;
    if (!spare_.empty() && spare_.back().capacity >= bytes) {
        block = std::move(spare_.back());
        spare_.pop_back();
    } else {
        const std::size_t grown = blocks_.empty() ? first_block_bytes : blocks_.back().capacity * 2;
        block.capacity = std::max(std::clamp(grown, first_block_bytes, block_bytes), bytes);
        block.data.reset(new char[block.capacity]); // not zeroed
    }
    block.size = 0;
    block.count = 0;
    block.first = next_;
    blocks_.push_back(std::move(block));
}

char* OutboxLane::append(std::size_t bytes) {
    if (blocks_.empty() || blocks_.back().capacity - blocks_.back().size < bytes)
        add_block(bytes);
    Block& block = blocks_.back();
    char* const at = block.data.get() + block.size;
    block.size += bytes;
    ++block.count;
    ++next_;
    bytes_ += bytes;
    return at;
}

OutboxLane::Place OutboxLane::find(std::uint64_t number) const {
    const auto behind = std::upper_bound(
        blocks_.begin(), blocks_.end(), number,
        [](std::uint64_t value, const Block& block) { return value < block.first; });
    Place place{number, static_cast<std::size_t>(behind - blocks_.begin()) - 1, 0};
    const Block& block = blocks_[place.block];
    for (std::uint64_t at = block.first; at < number; ++at)
        place.offset += record_at(block.data.get(), block.size, place.offset);
    return place;
}

OutboxLane::Cut OutboxLane::measure(std::uint64_t number, std::uint64_t messages_max,
                                    std::size_t bytes_max) {
    FLOTILLA_CHECK(number >= first_ && number < next_, "the outbox has no such record");
    measured_ = number == behind_.number ? behind_ : find(number);
    cut_ = {};
    Place at = measured_;
    while (cut_.messages < messages_max && at.number < next_) {
        const Block& block = blocks_[at.block];
        if (at.offset == block.size) {
            at = {at.number, at.block + 1, 0};
            continue;
        }
        // Whole rests of blocks need no look at their records.
        std::uint64_t messages = block.first + block.count - at.number;
        std::size_t bytes = block.size - at.offset;
        if (cut_.messages + messages > messages_max || cut_.bytes + bytes > bytes_max) {
            messages = 1;
            bytes = record_at(block.data.get(), block.size, at.offset);
        }
        if (cut_.messages > 0 && cut_.bytes + bytes > bytes_max)
            break;
        cut_.messages += messages;
        cut_.bytes += bytes;
        at.number += messages;
        at.offset += bytes;
    }
    behind_ = at;
    return cut_;
}

void OutboxLane::copy(char* to) {
    Place at = measured_;
    for (std::size_t left = cut_.bytes; left > 0;) {
        const Block& block = blocks_[at.block];
        const std::size_t bytes = std::min(left, block.size - at.offset);
        std::memcpy(to, block.data.get() + at.offset, bytes);
        to += bytes;
        left -= bytes;
        at = {0, at.block + 1, 0};
    }
}

void OutboxLane::drop(std::uint64_t number) {
    first_ = std::max(first_, std::min(number + 1, next_));
    while (!blocks_.empty() && blocks_.front().first + blocks_.front().count <= first_) {
        Block& block = blocks_.front();
        bytes_ -= block.size;
        if (block.capacity <= block_bytes && spare_.size() < spare_max)
            spare_.push_back(std::move(block));
        blocks_.pop_front();
        if (behind_.block == 0)
            behind_ = {};
        else
            --behind_.block;
    }
}

} // namespace flotilla::queue
