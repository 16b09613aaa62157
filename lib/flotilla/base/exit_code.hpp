// SPDX-License-Identifier: Apache-2.0
//
// Exit codes: what every program of the project tells its shell.
#pragma once

#include <flotilla/base/error.hpp>

namespace flotilla {

enum class ExitCode : int {
    ok = 0,
    runtime_error = 1,
    usage = 2,       // wrong arguments or settings
    nothing = 3,     // timeout, or nothing received
    refused = 4,     // a negative answer: refused, denied, not found at the peer
    not_flushed = 5, // accepted, but not everything left before the deadline
};

constexpr ExitCode exit_code(Errc code) noexcept {
    switch (code) {
    case Errc::would_block:
    case Errc::timeout:
    case Errc::no_peer:
        return ExitCode::nothing;
    case Errc::bad_endpoint:
    case Errc::bad_option:
    case Errc::bad_setting:
    case Errc::bad_key:
    case Errc::insecure:
    case Errc::unsafe_file:
    case Errc::unsupported:
        return ExitCode::usage;
    case Errc::refused:
    case Errc::lease_lost:
    case Errc::not_allowed:
        return ExitCode::refused;
    default:
        return ExitCode::runtime_error;
    }
}

} // namespace flotilla
