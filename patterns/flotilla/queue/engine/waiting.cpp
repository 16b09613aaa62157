// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/waiting.hpp>

#include <algorithm>

namespace flotilla::queue {

WaitingSweep::WaitingSweep(const Snapshot& snapshot, QueueFacts& facts, QueueId queue,
                           std::size_t lanes, Position from)
    : snapshot_(&snapshot), facts_(&facts), queue_(queue), lanes_(lanes), from_(from) {}

Status WaitingSweep::begin() {
    is_begun_ = true;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
        Cursor cursor;
        cursor.place = {queue_, static_cast<Lane>(lane), 0};
        const auto opened = open_at(cursor, from_);
        if (!opened)
            return fail(opened.error());
        if (*opened)
            cursors_.push_back(std::move(cursor));
    }
    return {};
}

Result<bool> WaitingSweep::open_at(Cursor& cursor, Position from) {
    if (from > 0) {
        const auto before =
            snapshot_->before(Table::block, block_key(queue_, cursor.place.lane, from));
        if (!before)
            return fail(before.error());
        const auto opened = open_entry(cursor, *before, from);
        if (!opened || *opened)
            return opened;
    }
    return open_next(cursor, from);
}

Result<bool> WaitingSweep::open_next(Cursor& cursor, Position from) {
    while (true) {
        const auto entry =
            snapshot_->at_or_after(Table::block, block_key(queue_, cursor.place.lane, from));
        if (!entry)
            return fail(entry.error());
        const auto opened = open_entry(cursor, *entry, from);
        if (!opened || *opened)
            return opened;
        // It is another lane's, or damaged.
        const auto place = *entry ? read_block_key((*entry)->key) : fail(Errc::not_found);
        if (!place || place->queue != queue_ || place->lane != cursor.place.lane)
            return false;
        from = place->first + 1;
    }
}

Result<bool> WaitingSweep::open_entry(Cursor& cursor, const std::optional<Entry>& entry,
                                      Position from) {
    if (!entry)
        return false;
    const auto place = read_block_key(entry->key);
    if (!place || place->queue != queue_ || place->lane != cursor.place.lane)
        return false;
    if (!cursor.block.open(entry->value)) {
        facts_->damaged(*place);
        return false;
    }
    if (place->first + cursor.block.count() <= from)
        return false;
    auto ready = facts_->ready_in(*snapshot_, *place, cursor.block.count());
    if (!ready)
        return fail(ready.error());
    cursor.place = *place;
    cursor.ready = std::move(*ready);
    cursor.index = static_cast<std::uint32_t>(from > place->first ? from - place->first : 0);
    return true;
}

// At the end of its block before one at the same position: then position() never goes back.
bool WaitingSweep::Cursor::is_before(const Cursor& other) const noexcept {
    if (position() != other.position())
        return position() < other.position();
    return index >= block.count() && other.index < other.block.count();
}

Position WaitingSweep::position() const noexcept {
    if (!is_begun_)
        return from_;
    const auto first =
        std::min_element(cursors_.begin(), cursors_.end(),
                         [](const Cursor& a, const Cursor& b) { return a.is_before(b); });
    return first == cursors_.end() ? ~Position{0} : first->position();
}

Result<std::optional<Waiting>> WaitingSweep::next(TurnBudget& budget) {
    if (!is_begun_)
        if (Status begun = begin(); !begun)
            return fail(begun.error());
    while (!budget.is_spent() && !cursors_.empty()) {
        const auto cursor =
            std::min_element(cursors_.begin(), cursors_.end(),
                             [](const Cursor& a, const Cursor& b) { return a.is_before(b); });
        if (cursor->index >= cursor->block.count()) {
            budget.spend(TurnBudget::block_steps);
            const auto opened = open_next(*cursor, cursor->position());
            if (!opened)
                return fail(opened.error());
            if (!*opened)
                cursors_.erase(cursor);
            continue;
        }
        budget.spend(1);
        const std::uint32_t index = cursor->index++;
        if (!cursor->ready[index])
            continue;
        Waiting found{cursor->place, index, cursor->block.wall_ms(), cursor->block[index]};
        if (found.record.id == 0)
            found.record.id = found.position();
        return std::optional<Waiting>{found};
    }
    return std::optional<Waiting>{};
}

} // namespace flotilla::queue
