// SPDX-License-Identifier: Apache-2.0
// From settings to what a broker runs with, keys included.
#include "broker/settings.hpp"

#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>

#include <set>
#include <string>
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

// What the broker is to its peers: they all connect, so with a key it is a server.
Result<net::Security> make_security(const DaemonSettings& settings) {
    using Where = net::Plaintext::Where;
    const bool any = settings.allow_any_client_key.value_or(false);
    if (any && settings.allow_client_keys)
        return fail(Errc::bad_option,
                    "a list of client keys and any client key contradict each other");
    if (!settings.curve_key) {
        if (any || settings.allow_client_keys)
            return fail(Errc::bad_option,
                        "who may connect with CURVE is said, but not with which key of ours; add "
                        "the secret certificate (curve key)");
        return net::Security{net::Plaintext{
            settings.allow_plaintext.value_or(false) ? Where::anywhere : Where::local_only}};
    }
    auto own = net::load_key_pair(*settings.curve_key);
    if (!own)
        return fail(own.error());
    if (any)
        return net::Security{net::CurveServer{std::move(*own), net::AnyClientKey{}}};
    if (!settings.allow_client_keys)
        return fail(Errc::insecure, "a CURVE key, but nothing says who may connect; add a list of "
                                    "client keys, or allow any client key by name");
    auto list = net::load_allow_list(*settings.allow_client_keys);
    if (!list)
        return fail(list.error());
    return net::Security{net::CurveServer{std::move(*own), std::move(*list)}};
}

// Found by --check-config too, not only when the endpoint is bound.
Status check_binds(const DaemonSettings& settings, const net::Security& security) {
    if (!settings.bind || settings.bind->empty())
        return fail(Errc::bad_option, "nowhere to bind; say --bind tcp://127.0.0.1:5555, or "
                                      "--config FILE with bind = \"...\"");
    const auto* plain = std::get_if<net::Plaintext>(&security);
    const bool local_only = plain && plain->where == net::Plaintext::Where::local_only;
    std::set<std::string> seen;
    for (const net::Endpoint& each : *settings.bind) {
        if (local_only && each.reach() == net::Reach::remote)
            return fail(Errc::insecure,
                        "'" + each.text() +
                            "' reaches beyond this machine and would be plaintext; use CURVE keys, "
                            "a loopback or ipc endpoint, or allow plaintext by name");
        if (!each.is_wildcard() && !seen.insert(each.text()).second)
            return fail(Errc::bad_option, "'" + each.text() + "' is to be bound twice");
    }
    return {};
}

} // namespace

Result<request::BrokerOptions> make_options(const DaemonSettings& settings) {
    const DaemonSettings all = in_effect(settings);
    request::BrokerOptions options;
    options.limits = limits_of(all);
    options.backlog_messages_max = static_cast<std::uint32_t>(*all.backlog_messages_max);
    options.backlog_bytes_max = *all.backlog_bytes_max;
    options.backlogs_bytes_max = *all.backlogs_bytes_max;
    auto security = make_security(all);
    if (!security)
        return fail(security.error());
    options.security = std::move(*security);
    if (const Status binds = check_binds(all, options.security); !binds)
        return fail(binds.error());
    return options;
}

} // namespace flotilla::broker_daemon
