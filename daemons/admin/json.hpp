// SPDX-License-Identifier: Apache-2.0
//
// A Snapshot, an error and arguments as JSON: docs/protocol/admin.md. Pure.
#pragma once

#include "admin/administered.hpp"
#include "admin/snapshot.hpp"

#include <flotilla/base/result.hpp>

#include <string>
#include <string_view>

namespace flotilla::admin {

std::string status_json(const Snapshot& snapshot);
std::string health_json(const Snapshot& snapshot);
// {"error": "not_allowed", "why": "..."}
std::string error_json(std::string_view error, std::string_view why);

using Arguments = decltype(Order::arguments);
inline constexpr std::size_t arguments_max = 64;
inline constexpr std::size_t arguments_bytes_max = 64 << 10;
// An object of texts, whole numbers and flags, each given back as text; an empty text is an empty
// object. Errors: malformed; too_many; too_large.
Result<Arguments> parse_arguments(std::string_view json);

} // namespace flotilla::admin
