// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/lease_index.hpp>

namespace flotilla::pipeline {

void LeaseIndex::insert(std::uint64_t number, Slot slot) {
    std::unique_ptr<Page>& page = pages_[number / page_slots];
    if (!page) {
        page = spare_ ? std::move(spare_) : std::make_unique<Page>();
        page->slots.fill(no_slot);
        page->used = 0;
    }
    Slot& place = page->slots[number % page_slots];
    FLOTILLA_CHECK(place == no_slot, "a lease number was given out twice");
    place = slot;
    ++page->used;
    ++size_;
}

void LeaseIndex::erase(std::uint64_t number) {
    const auto at = pages_.find(number / page_slots);
    FLOTILLA_CHECK(at != pages_.end() && at->second->slots[number % page_slots] != no_slot,
                   "an unknown lease number was erased");
    at->second->slots[number % page_slots] = no_slot;
    --size_;
    if (--at->second->used > 0)
        return;
    spare_ = std::move(at->second);
    pages_.erase(at);
}

Slot LeaseIndex::find(std::uint64_t number) const {
    const auto at = pages_.find(number / page_slots);
    return at == pages_.end() ? no_slot : at->second->slots[number % page_slots];
}

} // namespace flotilla::pipeline
