// SPDX-License-Identifier: Apache-2.0
//
// Quantities with units, as people write them in flags, variables and files: "250ms", "10s",
// "64MiB". A number that needs a unit is refused without one, because 10 could be anything.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla {

// Units ns, us, ms, s, m, h, d; a decimal fraction is allowed ("1.5s"); "0" needs no unit;
// "forever" is no_limit. Errors: bad_option, naming the text and the units.
Result<Duration> parse_duration(std::string_view text);

// Units B, KiB, MiB, GiB, TiB and kB, MB, GB, TB; "0" needs no unit. Errors: bad_option.
Result<std::uint64_t> parse_bytes(std::string_view text);

// A whole number in [min, max], decimal. Errors: bad_option, naming the range.
Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t min, std::uint64_t max);

// The shortest exact text in one unit: "1500ms", "64MiB", "1000B". parse gives the value back.
std::string format_duration(Duration duration);
std::string format_bytes(std::uint64_t bytes);

} // namespace flotilla
