// SPDX-License-Identifier: Apache-2.0
//
// How long a test waits for what must happen: a bound, not a measure.
#pragma once

#include <flotilla/base/time.hpp>

namespace flotilla::test {

inline constexpr Duration patience = 60s;

} // namespace flotilla::test
