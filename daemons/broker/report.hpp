// SPDX-License-Identifier: Apache-2.0
//
// What the broker counted and holds, and what it noticed, as fields of log lines. Pure.
#pragma once

#include "host/log.hpp"

#include <flotilla/request/broker.hpp>

namespace flotilla::broker_daemon {

// Every counter and level, by name.
host::Fields counter_fields(const request::BrokerShellCounters& counters,
                            const request::BrokerLevels& levels);

// How loud a notice is. What is usual for peers that come and go is info.
host::LogLevel level(request::BrokerNotice::Kind kind) noexcept;
// Service names may hold any bytes: a log line shows them printable, and short.
std::string shown(std::string_view name);

} // namespace flotilla::broker_daemon
