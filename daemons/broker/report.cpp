// SPDX-License-Identifier: Apache-2.0
#include "broker/report.hpp"

#include "broker/columns.hpp"

#include <cstdio>

namespace flotilla::broker_daemon {

host::Fields counter_fields(const request::BrokerShellCounters& counters,
                            const request::BrokerLevels& levels) {
    return totals_fields({counters, levels});
}

host::LogLevel level(request::BrokerNotice::Kind kind) noexcept {
    using Kind = request::BrokerNotice::Kind;
    switch (kind) {
    case Kind::worker_registered:
    case Kind::worker_gone:
        return host::LogLevel::info;
    default:
        return host::LogLevel::warning;
    }
}

std::string shown(std::string_view name) {
    constexpr std::size_t bytes_max = 64;
    std::string text;
    for (const char c : name.substr(0, bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            text += c;
            continue;
        }
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
        text += escaped;
    }
    return name.size() > bytes_max ? text + "..." : text;
}

} // namespace flotilla::broker_daemon
