// SPDX-License-Identifier: Apache-2.0
#include "host/gate_sums.hpp"

#include <cstddef>

namespace flotilla::host {

net::GateCounters sum_of(const std::vector<std::shared_ptr<const net::Gate>>& gates) {
    net::GateCounters sum;
    for (const auto& gate : gates) {
        const net::GateCounters counters = gate->counters();
        sum.connections += counters.connections;
        sum.addresses_waiting += counters.addresses_waiting;
        sum.handshakes_total += counters.handshakes_total;
        sum.endless_total += counters.endless_total;
        for (std::size_t i = 0; i < sum.failures_total.size(); ++i)
            sum.failures_total[i] += counters.failures_total[i];
    }
    return sum;
}

} // namespace flotilla::host
