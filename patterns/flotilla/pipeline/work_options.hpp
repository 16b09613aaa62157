// SPDX-License-Identifier: Apache-2.0
//
// What open() refuses: options out of the ranges that their comments state.
#pragma once

#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/pipeline/work_taker.hpp>

namespace flotilla::pipeline {

// Errors: bad_option, unsupported.
Status check(const WorkSourceOptions& options);
Status check(const WorkTakerOptions& options);

} // namespace flotilla::pipeline
