// SPDX-License-Identifier: Apache-2.0
//
// LeaseIndex: from lease number to the slot of its message. Numbers are given out in order and
// mostly return in order, so they are kept in pages of 256 that come and go: one allocation a page,
// and a range of a million unknown numbers costs four thousand look-ups, not a million.
#pragma once

#include <flotilla/base/slot_list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace flotilla::pipeline {

class LeaseIndex {
public:
    void insert(std::uint64_t number, Slot slot);
    void erase(std::uint64_t number); // one that is there
    Slot find(std::uint64_t number) const;
    std::size_t size() const noexcept { return size_; }

    // Calls `each(number, slot)` for every known number in [first, first + count), in order. `each`
    // may erase any. Returns how many there were.
    template <class Each>
    std::uint64_t for_each(std::uint64_t first, std::uint64_t count, Each&& each) {
        std::uint64_t found = 0;
        const std::uint64_t last = first + count - 1;
        for (std::uint64_t page = first / page_slots; page <= last / page_slots; ++page) {
            const auto at = pages_.find(page);
            if (at == pages_.end())
                continue;
            // `each` may let the page go, so what it holds is copied first.
            const std::array<Slot, page_slots> slots = at->second->slots;
            for (std::uint64_t i = 0; i < page_slots; ++i) {
                const std::uint64_t number = page * page_slots + i;
                if (slots[i] == no_slot || number < first || number > last ||
                    find(number) != slots[i])
                    continue;
                ++found;
                each(number, slots[i]);
            }
        }
        return found;
    }

private:
    static constexpr std::uint64_t page_slots = 256;
    struct Page {
        std::array<Slot, page_slots> slots;
        std::uint32_t used = 0;
    };

    std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
    std::unique_ptr<Page> spare_;
    std::size_t size_ = 0;
};

} // namespace flotilla::pipeline
