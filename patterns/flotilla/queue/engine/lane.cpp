// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/lane.hpp>
#include <flotilla/wire/pack.hpp>

#include <bit>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t lane_version = 1;

} // namespace

Slot BlockUses::add(Slot queue, Lane lane, Position first, std::size_t count,
                    std::int64_t wall_ms) {
    if (free_.empty()) {
        free_.push_back(static_cast<Slot>(uses_.size()));
        uses_.emplace_back();
    }
    const Slot slot = free_.back();
    free_.pop_back();
    BlockUse& use = uses_[slot];
    std::vector<std::uint64_t> bits = std::move(use.done); // its memory is used again
    use = BlockUse{};
    use.queue = queue;
    use.lane = lane;
    use.first = first;
    use.count = use.left = static_cast<std::uint16_t>(count);
    use.wall_ms = wall_ms;
    bits.assign((count + 63) / 64, 0);
    use.done = std::move(bits);
    const bool added = order_.emplace(Place{queue, lane, first}, slot).second;
    FLOTILLA_CHECK(added, "a block is in use twice");
    return slot;
}

Slot BlockUses::find(Slot queue, Lane lane, Position position) const {
    auto at = order_.upper_bound(Place{queue, lane, position});
    if (at == order_.begin())
        return no_slot;
    --at;
    const BlockUse& use = uses_[at->second];
    return use.queue == queue && use.lane == lane && position < use.end() ? at->second : no_slot;
}

void BlockUses::free(Slot slot) {
    BlockUse& use = uses_[slot];
    FLOTILLA_CHECK(!use.is_dirty, "a block is forgotten with changes in it");
    order_.erase(Place{use.queue, use.lane, use.first});
    use.queue = no_slot;
    free_.push_back(slot);
}

void BlockUses::free_queue(Slot queue) {
    std::erase_if(dirty_, [&](Slot slot) { return uses_[slot].queue == queue; });
    auto at = order_.lower_bound(Place{queue, 0, 0});
    while (at != order_.end() && at->first.queue == queue) {
        uses_[at->second].is_dirty = false;
        uses_[at->second].queue = no_slot;
        free_.push_back(at->second);
        at = order_.erase(at);
    }
}

std::string encode_done(const BlockUse& use) {
    wire::Writer out;
    out.u8(lane_version);
    for (const std::uint64_t bits : use.done)
        out.u64(bits);
    return seal(out.take());
}

std::string encode_damaged() {
    wire::Writer out;
    out.u8(lane_version);
    return seal(out.take());
}

Status decode_done(ByteView value, BlockUse& use) {
    const auto sealed = unseal(value);
    if (!sealed)
        return fail(sealed.error());
    wire::Reader in{*sealed};
    if (in.u8() != lane_version || sealed->size() != 1 + 8 * use.done.size())
        return fail(Errc::damaged, "a bitmap does not fit its block");
    std::size_t finished = 0;
    for (std::uint64_t& bits : use.done) {
        bits = in.u64();
        finished += static_cast<std::size_t>(std::popcount(bits));
    }
    if (finished > use.count)
        return fail(Errc::damaged, "a bitmap has more messages than its block");
    use.left = static_cast<std::uint16_t>(use.count - finished);
    use.has_row = true;
    return {};
}

} // namespace flotilla::queue
