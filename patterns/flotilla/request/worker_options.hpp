// SPDX-License-Identifier: Apache-2.0
// Are the options of a worker in their ranges? Private to the component.
#pragma once

#include <flotilla/request/worker.hpp>

namespace flotilla::request {

// Errors: bad_option, naming the option and its range.
Status check(const WorkerOptions& options);

} // namespace flotilla::request
