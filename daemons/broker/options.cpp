// SPDX-License-Identifier: Apache-2.0
// From settings to what a broker runs with, keys included.
#include "admin/admin.hpp"
#include "broker/settings.hpp"
#include "host/listener.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::broker_daemon {
namespace {

request::ServiceLimits limits_of(const ServiceSettings& all) {
    request::ServiceLimits limits;
    limits.expiry = *all.request_expiry;
    limits.requeue = *all.requeue;
    limits.attempts_max = static_cast<std::uint32_t>(*all.attempts_max);
    limits.prefetch = static_cast<std::uint32_t>(*all.prefetch);
    limits.busy_max = *all.busy_max;
    limits.queue_messages_max = static_cast<std::uint32_t>(*all.queue_messages_max);
    limits.queue_bytes_max = *all.queue_bytes_max;
    limits.when_full = *all.when_full == "drop_oldest" ? request::WhenFull::drop_oldest
                                                       : request::WhenFull::refuse;
    return limits;
}

request::BrokerLimits limits_of(const DaemonSettings& all) {
    request::BrokerLimits limits;
    limits.heartbeat = *all.heartbeat;
    limits.liveness = static_cast<std::uint32_t>(*all.liveness);
    limits.services_max = static_cast<std::uint32_t>(*all.services_max);
    limits.workers_max = static_cast<std::uint32_t>(*all.workers_max);
    limits.requests_max = static_cast<std::uint32_t>(*all.requests_max);
    limits.requests_bytes_max = *all.requests_bytes_max;
    limits.message_bytes_max = *all.message_bytes_max;
    limits.kept_answers_max = static_cast<std::uint32_t>(*all.kept_answers_max);
    limits.kept_bytes_max = *all.kept_bytes_max;
    limits.kept_for = *all.kept_for;
    limits.service = limits_of(all.service);
    for (const NamedService& each : all.services)
        limits.services.emplace_back(each.name, limits_of(each.settings));
    return limits;
}

} // namespace

Result<request::BrokerOptions> make_options(const DaemonSettings& settings) {
    const DaemonSettings all = in_effect(settings);
    request::BrokerOptions options;
    options.limits = limits_of(all);
    options.backlog_messages_max = static_cast<std::uint32_t>(*all.backlog_messages_max);
    options.limits.held_messages_max =
        std::min(options.limits.held_messages_max, options.backlog_messages_max);
    options.backlog_bytes_max = *all.backlog_bytes_max;
    options.backlogs_bytes_max = *all.backlogs_bytes_max;
    options.hop_instance = host::hop_instance(all);
    auto security = host::listener_security(all);
    if (!security)
        return fail(security.error());
    options.security = std::move(*security);
    if (const Status binds = host::check_binds(all.bind, options.security, "tcp://127.0.0.1:5555");
        !binds)
        return fail(binds.error());
    if (const Status admin = admin::check_admin(all, options.security, *all.bind); !admin)
        return fail(admin.error());
    return options;
}

} // namespace flotilla::broker_daemon
