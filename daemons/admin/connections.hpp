// SPDX-License-Identifier: Apache-2.0
//
// The table of connections: those that the listeners of a daemon accepted, and what the kernel
// knows of each. Asked when somebody looks: nothing is counted for it.
#pragma once

#include "admin/administered.hpp"
#include "admin/snapshot.hpp"

#include <flotilla/base/time.hpp>
#include <flotilla/net/gate.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::admin {

using Gates = std::vector<std::shared_ptr<const net::Gate>>;

// "10.0.0.7:50123#12", "process 4711#13": where it comes from, and its number in the order of
// arrival, since one peer may have several.
std::string name(const net::GateConnection& connection);

// Without rows where they are not wanted.
Table connection_table(const Gates& gates, const Wanted& wanted, Instant now);

// Writes into a text column over which connection the peer of each row came. `descriptors` has one
// for each row.
void name_connections(Table& table, std::string_view text_column,
                      const std::vector<int>& descriptors, const Gates& gates);

} // namespace flotilla::admin
