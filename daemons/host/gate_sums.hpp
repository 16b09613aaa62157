// SPDX-License-Identifier: Apache-2.0
//
// What several gates of a daemon have counted together.
#pragma once

#include <flotilla/net/gate.hpp>

#include <memory>
#include <vector>

namespace flotilla::host {

net::GateCounters sum_of(const std::vector<std::shared_ptr<const net::Gate>>& gates);

} // namespace flotilla::host
