// SPDX-License-Identifier: Apache-2.0
#include <flotilla/taker/lease_set.hpp>

#include <algorithm>
#include <iterator>
#include <limits>

namespace flotilla::taker {

void LeaseSet::insert(std::uint64_t number) {
    ++size_;
    const auto after = ranges_.upper_bound(number);
    const bool touches_next = after != ranges_.end() && after->first == number + 1;
    if (after != ranges_.begin() && std::prev(after)->second == number) {
        std::prev(after)->second = touches_next ? after->second : number + 1;
        if (touches_next)
            ranges_.erase(after);
    } else if (touches_next) {
        auto node = ranges_.extract(after);
        node.key() = number;
        ranges_.insert(std::move(node));
    } else {
        ranges_.emplace_hint(after, number, number + 1);
    }
}

bool LeaseSet::erase(std::uint64_t number) {
    auto at = ranges_.upper_bound(number);
    if (at == ranges_.begin() || number >= std::prev(at)->second)
        return false;
    --at;
    --size_;
    const std::uint64_t end = at->second;
    if (number == at->first && end == number + 1) {
        ranges_.erase(at);
    } else if (number == at->first) { // the usual case: the oldest is done first
        auto node = ranges_.extract(at);
        node.key() = number + 1;
        ranges_.insert(std::move(node));
    } else {
        at->second = number;
        if (number + 1 < end)
            ranges_.emplace(number + 1, end);
    }
    return true;
}

bool LeaseSet::contains(std::uint64_t number) const {
    const auto after = ranges_.upper_bound(number);
    return after != ranges_.begin() && number < std::prev(after)->second;
}

std::vector<std::uint64_t> LeaseSet::numbers() const {
    std::vector<std::uint64_t> out;
    out.reserve(size_);
    for (const auto& [first, end] : ranges_)
        for (std::uint64_t number = first; number < end; ++number)
            out.push_back(number);
    return out;
}

std::vector<wire::leased::Leases> LeaseSet::leases(std::uint64_t epoch) const {
    std::vector<wire::leased::Leases> out;
    for (const auto& [first, end] : ranges_) {
        if (out.empty() || out.back().ranges.size() == wire::leased::limits::lease_ranges_max)
            out.push_back({epoch, {}});
        out.back().ranges.push_back({first, static_cast<std::uint32_t>(end - first)});
    }
    return out;
}

bool LeaseWindow::seen(std::uint64_t number) {
    if (number + numbers < next_ || number == std::numeric_limits<std::uint64_t>::max())
        return true;
    if (number >= next_) {
        // What the window leaves behind makes room for what it now covers.
        if (number - next_ >= numbers)
            std::fill(bits_.begin(), bits_.end(), false);
        else
            for (std::uint64_t passed = next_; passed < number; ++passed)
                bits_[passed % numbers] = false;
        next_ = number + 1;
        bits_[number % numbers] = true;
        return false;
    }
    const bool before = bits_[number % numbers];
    bits_[number % numbers] = true;
    return before;
}

void LeaseWindow::clear() {
    std::fill(bits_.begin(), bits_.end(), false);
    next_ = 0;
}

} // namespace flotilla::taker
