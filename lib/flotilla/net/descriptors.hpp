// SPDX-License-Identifier: Apache-2.0
// Whether the process has descriptors to spare. libzmq takes several for a socket, and where one
// of them fails halfway it aborts or waits for ever. Private to net.
#pragma once

#include <flotilla/base/result.hpp>

namespace flotilla::net::detail {

// Errors: out_of_files.
Status check_spare_descriptors(const char* doing);

// Whether so few are left, with `newest` the last one given out, that accepting has to stop: an
// eighth of the limit, at least 32 and at most 1,024.
bool is_short_of_descriptors(int newest) noexcept;

} // namespace flotilla::net::detail
