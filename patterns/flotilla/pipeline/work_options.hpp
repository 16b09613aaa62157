// SPDX-License-Identifier: Apache-2.0
//
// What open() refuses: options out of the ranges that their comments state.
#pragma once

#include <flotilla/pipeline/work_source.hpp>

namespace flotilla::pipeline {

// Errors: bad_option, unsupported.
Status check(const WorkSourceOptions& options);

} // namespace flotilla::pipeline
