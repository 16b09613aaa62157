// SPDX-License-Identifier: Apache-2.0
//
// What the store noticed, as lines of the log, and instants in them. Pure.
#pragma once

#include "host/log.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::store_daemon {

// How loud a notice is: what an operator should look at is a warning, what is lost is an error.
host::LogLevel level(std::string_view event) noexcept;

std::string utc_text(std::int64_t wall_ms); // "2026-01-31T12:00:00Z"

} // namespace flotilla::store_daemon
