// SPDX-License-Identifier: Apache-2.0
//
// What open() of a client refuses: options out of the ranges that their comments state.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/request/client_model.hpp>

namespace flotilla::request {

// Errors: bad_option; bad_endpoint; insecure.
Status check(const ClientOptions& options);

} // namespace flotilla::request
