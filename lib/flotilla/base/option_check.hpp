// SPDX-License-Identifier: Apache-2.0
//
// Checks of an options struct, when it is used:
//
//     if (!is_within(options.threads, 1, 1'024))
//         return bad_option("threads must be 1 to 1,024");
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace flotilla {

constexpr bool is_within(std::uint64_t value, std::uint64_t min, std::uint64_t max) noexcept {
    return value >= min && value <= max;
}
constexpr bool is_within(Duration value, Duration min, Duration max) noexcept {
    return value >= min && value <= max;
}

inline tl::unexpected<Error> bad_option(std::string what) {
    return fail(Errc::bad_option, std::move(what));
}

} // namespace flotilla
