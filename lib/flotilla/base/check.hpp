// SPDX-License-Identifier: Apache-2.0
//
// FLOTILLA_CHECK states an invariant of this code and aborts when it is false, in every build type.
//
// It is for mistakes of the program that calls or contains it, never for bad input, a failing peer
// or a full disk: those are outcomes and come back as a Result.
#pragma once

namespace flotilla::detail {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const char* why) noexcept;
}

#define FLOTILLA_CHECK(condition, why)                                                             \
    do {                                                                                           \
        if (!(condition)) [[unlikely]]                                                             \
            ::flotilla::detail::check_failed(__FILE__, __LINE__, #condition, why);                 \
    } while (false)
