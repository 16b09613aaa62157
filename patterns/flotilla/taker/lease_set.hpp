// SPDX-License-Identifier: Apache-2.0
//
// What a worker remembers of lease numbers: which it holds (as ranges, for most come in a row), and
// which it has seen lately, so that a delivery that the network doubled is not worked twice.
#pragma once

#include <flotilla/wire/leased.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace flotilla::taker {

class LeaseSet {
public:
    void insert(std::uint64_t number); // one that is not there
    bool erase(std::uint64_t number);  // whether it was there
    bool contains(std::uint64_t number) const;
    void clear() {
        ranges_.clear();
        size_ = 0;
    }
    std::uint64_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::vector<std::uint64_t> numbers() const; // rising
    // All of them, in messages of at most lease_ranges_max ranges.
    std::vector<wire::leased::Leases> leases(std::uint64_t epoch) const;

private:
    std::map<std::uint64_t, std::uint64_t> ranges_; // first to one past the last; never touching
    std::uint64_t size_ = 0;
};

class LeaseWindow {
public:
    static constexpr std::uint64_t numbers = 65'536;
    // Whether it was seen before, or is too old to say. Marks it seen.
    bool seen(std::uint64_t number);
    void clear();

private:
    std::vector<bool> bits_ = std::vector<bool>(numbers);
    std::uint64_t next_ = 0; // one past the highest seen
};

} // namespace flotilla::taker
