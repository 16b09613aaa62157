// SPDX-License-Identifier: Apache-2.0
//
// Checks of an options struct, when it is used:
//
//     if (!is_within(options.threads, 1, 1'024))
//         return bad_option("threads must be 1 to 1,024");
//     for (const Status& each : {check_within("topics_max", options.topics_max, 1, 1'000), ...})
//         if (!each)
//             return each; // topics_max is 0; it must be from 1 to 1000
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/base/units.hpp>

#include <cstdint>
#include <string>
#include <string_view>
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

inline Status check_within(std::string_view field, std::uint64_t value, std::uint64_t min,
                           std::uint64_t max) {
    if (is_within(value, min, max))
        return {};
    return bad_option(std::string(field) + " is " + std::to_string(value) + "; it must be from " +
                      std::to_string(min) + " to " + std::to_string(max));
}
inline Status check_within(std::string_view field, Duration value, Duration min, Duration max) {
    if (is_within(value, min, max))
        return {};
    return bad_option(std::string(field) + " is " + format_duration(value) + "; it must be from " +
                      format_duration(min) + " to " + format_duration(max));
}

// The pauses between tries to connect: the first, and what it doubles up to.
inline Status check_reconnect(Duration reconnect_min, Duration reconnect_max) {
    if (!is_within(reconnect_min, 1ms, 1h) || !is_within(reconnect_max, reconnect_min, 1h))
        return bad_option("reconnect_min and reconnect_max must be 1ms to 1h, in this order");
    return {};
}

} // namespace flotilla
