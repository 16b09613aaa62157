// SPDX-License-Identifier: Apache-2.0
//
// What Broker::open() refuses: options out of the ranges that their comments state.
#pragma once

#include <flotilla/request/broker.hpp>

namespace flotilla::request {

// Errors: bad_option.
Status check(const BrokerOptions& options);

} // namespace flotilla::request
