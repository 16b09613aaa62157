// SPDX-License-Identifier: Apache-2.0
#include "admin/columns.hpp"

#include <chrono>
#include <utility>

namespace flotilla::admin {

Histogram histogram(std::string metric, std::string help, const TimeHistogram& times) {
    Histogram shown{std::move(metric), std::move(help), {}, {}, times.seconds()};
    for (const Duration bound : TimeHistogram::bounds)
        shown.bounds.push_back(std::chrono::duration<double>(bound).count());
    shown.counts.assign(times.counts().begin(), times.counts().end());
    return shown;
}

} // namespace flotilla::admin
