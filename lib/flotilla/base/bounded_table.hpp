// SPDX-License-Identifier: Apache-2.0
//
// BoundedTable: a map from key to value that holds at most `entries_max` entries and forgets the
// least recently touched one to make room. It says what it forgot, so that a caller who must not
// lie about it (a loss counter, a last-value cache) can say "unknown" instead of 0.
//
// Find, touch and insert are O(1). References stay valid until the entry is erased or forgotten.
#pragma once

#include <flotilla/base/check.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace flotilla {

// Lets a table keyed by std::string be searched with a view, without making a string.
struct TransparentStringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

template <class Key, class Value, class Hash = std::hash<Key>>
class BoundedTable {
public:
    struct Entry {
        Key key;
        Value value;
    };
    using iterator = typename std::list<Entry>::iterator;
    using const_iterator = typename std::list<Entry>::const_iterator;

    explicit BoundedTable(std::size_t entries_max) : entries_max_(entries_max) {
        FLOTILLA_CHECK(entries_max > 0, "a bounded table needs room for one entry");
    }

    // The value, now the most recently touched; nullptr when there is none.
    template <class Like>
    Value* touch(const Like& key) {
        const auto found = index_.find(key);
        if (found == index_.end())
            return nullptr;
        order_.splice(order_.begin(), order_, found->second);
        return &found->second->value;
    }

    template <class Like>
    const Value* find(const Like& key) const {
        const auto found = index_.find(key);
        return found == index_.end() ? nullptr : &found->second->value;
    }

    // Adds an entry that must not exist yet. Returns what had to be forgotten for it, if anything.
    std::optional<Entry> insert(Key key, Value value) {
        std::optional<Entry> forgotten;
        if (index_.size() == entries_max_) {
            forgotten.emplace(std::move(order_.back()));
            index_.erase(index_.find(forgotten->key));
            order_.pop_back();
            ++forgotten_total_;
        }
        order_.push_front(Entry{std::move(key), std::move(value)});
        const bool added = index_.emplace(order_.front().key, order_.begin()).second;
        FLOTILLA_CHECK(added, "an entry was inserted twice");
        return forgotten;
    }

    template <class Like>
    bool erase(const Like& key) {
        const auto found = index_.find(key);
        if (found == index_.end())
            return false;
        order_.erase(found->second);
        index_.erase(found);
        return true;
    }

    // Most recently touched first.
    iterator begin() noexcept { return order_.begin(); }
    iterator end() noexcept { return order_.end(); }
    const_iterator begin() const noexcept { return order_.begin(); }
    const_iterator end() const noexcept { return order_.end(); }

    std::size_t size() const noexcept { return index_.size(); }
    bool empty() const noexcept { return index_.empty(); }
    std::size_t entries_max() const noexcept { return entries_max_; }
    std::uint64_t forgotten_total() const noexcept { return forgotten_total_; }

private:
    std::size_t entries_max_;
    std::uint64_t forgotten_total_ = 0;
    std::list<Entry> order_;
    std::unordered_map<Key, iterator, Hash, std::equal_to<>> index_;
};

// A table keyed by text or bytes.
template <class Value>
using BoundedTextTable = BoundedTable<std::string, Value, TransparentStringHash>;

} // namespace flotilla
