// SPDX-License-Identifier: Apache-2.0
//
// What the store noticed, as lines of the log. Pure.
#pragma once

#include "host/log.hpp"

#include <string_view>

namespace flotilla::store_daemon {

// How loud a notice is: what an operator should look at is a warning, what is lost is an error.
host::LogLevel level(std::string_view event) noexcept;

} // namespace flotilla::store_daemon
