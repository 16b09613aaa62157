// SPDX-License-Identifier: Apache-2.0
//
// What the store counted and holds, as fields of log lines. Pure.
#pragma once

#include "host/log.hpp"

#include <flotilla/queue/server.hpp>

namespace flotilla::store_daemon {

// Every counter and level, by name.
host::Fields counter_fields(const queue::QueueServerCounters& counters,
                            const queue::EngineLevels& levels);
host::Fields queue_fields(const queue::QueueStat& queue);
host::Fields door_fields(const queue::DoorStat& door);

// How loud a notice is: what an operator should look at is a warning, what is lost is an error.
host::LogLevel level(std::string_view event) noexcept;

} // namespace flotilla::store_daemon
