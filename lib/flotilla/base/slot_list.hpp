// SPDX-License-Identifier: Apache-2.0
//
// SlotList: a doubly linked list through slots of a table, so that moving an entry from one list to
// another allocates nothing. The links lie in the entries; one entry may be in one list a link.
#pragma once

#include <flotilla/base/check.hpp>

#include <cstdint>

namespace flotilla {

using Slot = std::uint32_t;
inline constexpr Slot no_slot = ~Slot{0};

struct SlotLink {
    Slot previous = no_slot;
    Slot next = no_slot;
};

struct SlotList {
    Slot first = no_slot;
    Slot last = no_slot;
    std::uint32_t size = 0;
    bool empty() const noexcept { return size == 0; }
};

// Works on one link of the entries of one table (anything with operator[](Slot)).
template <class Table, auto Link>
class SlotLinks {
public:
    explicit SlotLinks(Table& table) noexcept : table_(&table) {}

    void push_back(SlotList& list, Slot slot) const {
        link(slot) = {list.last, no_slot};
        (list.last == no_slot ? list.first : link(list.last).next) = slot;
        list.last = slot;
        ++list.size;
    }
    void push_front(SlotList& list, Slot slot) const {
        link(slot) = {no_slot, list.first};
        (list.first == no_slot ? list.last : link(list.first).previous) = slot;
        list.first = slot;
        ++list.size;
    }
    void erase(SlotList& list, Slot slot) const {
        FLOTILLA_CHECK(list.size > 0, "an entry is not in the list it leaves");
        const SlotLink at = link(slot);
        (at.previous == no_slot ? list.first : link(at.previous).next) = at.next;
        (at.next == no_slot ? list.last : link(at.next).previous) = at.previous;
        link(slot) = {};
        --list.size;
    }
    Slot next(Slot slot) const { return link(slot).next; }

private:
    SlotLink& link(Slot slot) const { return (*table_)[slot].*Link; }
    Table* table_;
};

} // namespace flotilla
