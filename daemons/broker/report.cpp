// SPDX-License-Identifier: Apache-2.0
#include "broker/report.hpp"

#include <array>
#include <cstdio>

namespace flotilla::broker_daemon {
namespace {

using request::BrokerShellCounters;

struct Named {
    const char* name;
    std::uint64_t BrokerShellCounters::*field;
};

constexpr std::array named_counters{
    Named{"requests", &BrokerShellCounters::requests_total},
    Named{"accepted", &BrokerShellCounters::accepted_total},
    Named{"answered", &BrokerShellCounters::answered_total},
    Named{"failed", &BrokerShellCounters::failed_total},
    Named{"expired", &BrokerShellCounters::expired_total},
    Named{"dropped", &BrokerShellCounters::dropped_total},
    Named{"refused", &BrokerShellCounters::refused_total},
    Named{"joined", &BrokerShellCounters::joined_total},
    Named{"kept", &BrokerShellCounters::kept_total},
    Named{"dispatched", &BrokerShellCounters::dispatched_total},
    Named{"requeued", &BrokerShellCounters::requeued_total},
    Named{"partials", &BrokerShellCounters::partials_total},
    Named{"partials_dropped", &BrokerShellCounters::partials_dropped_total},
    Named{"replies_late", &BrokerShellCounters::replies_late_total},
    Named{"replies_undelivered", &BrokerShellCounters::replies_undelivered_total},
    Named{"mmi", &BrokerShellCounters::mmi_total},
    Named{"workers_registered", &BrokerShellCounters::workers_registered_total},
    Named{"workers_gone", &BrokerShellCounters::workers_gone_total},
    Named{"workers_expired", &BrokerShellCounters::workers_expired_total},
    Named{"workers_refused", &BrokerShellCounters::workers_refused_total},
    Named{"malformed", &BrokerShellCounters::malformed_total},
    Named{"unexpected", &BrokerShellCounters::unexpected_total},
    Named{"backlogged", &BrokerShellCounters::backlogged_total},
    Named{"backlog_dropped", &BrokerShellCounters::backlog_dropped_total},
    Named{"peers_too_slow", &BrokerShellCounters::peers_too_slow_total},
};

void add(host::Fields& fields, const char* name, std::uint64_t value) {
    fields.emplace_back(name, std::to_string(value));
}

} // namespace

host::Fields counter_fields(const BrokerShellCounters& counters,
                            const request::BrokerLevels& levels) {
    host::Fields fields;
    add(fields, "services_now", levels.services);
    add(fields, "workers_now", levels.workers);
    add(fields, "workers_waiting_now", levels.workers_waiting);
    add(fields, "queued_now", levels.queued);
    add(fields, "running_now", levels.running);
    add(fields, "bytes_now", levels.bytes);
    add(fields, "kept_answers_now", levels.kept_answers);
    for (const Named& each : named_counters)
        add(fields, each.name, counters.*each.field);
    return fields;
}

host::Fields service_fields(const request::ServiceLevels& service) {
    host::Fields fields{{"name", shown(service.name)}};
    add(fields, "workers_now", service.workers);
    add(fields, "workers_waiting_now", service.workers_waiting);
    add(fields, "queued_now", service.queued);
    add(fields, "running_now", service.running);
    add(fields, "answered", service.answered_total);
    return fields;
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
