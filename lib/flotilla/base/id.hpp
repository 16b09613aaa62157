// SPDX-License-Identifier: Apache-2.0
//
// Strong ids: numbers that name things. Different things are different types, and none of them
// adds.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace flotilla {

template <class Tag>
class Id {
public:
    constexpr Id() = default;
    constexpr explicit Id(std::uint64_t value) noexcept : value_(value) {}
    constexpr std::uint64_t value() const noexcept { return value_; }
    friend constexpr auto operator<=>(Id, Id) = default;

private:
    std::uint64_t value_ = 0;
};

} // namespace flotilla

template <class Tag>
struct std::hash<flotilla::Id<Tag>> {
    std::size_t operator()(flotilla::Id<Tag> id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value());
    }
};
