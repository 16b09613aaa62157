// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>

#include <cstdio>
#include <cstdlib>

namespace flotilla::detail {

void check_failed(const char* file, int line, const char* condition, const char* why) noexcept {
    std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", file, line, why, condition);
    std::abort();
}

} // namespace flotilla::detail
