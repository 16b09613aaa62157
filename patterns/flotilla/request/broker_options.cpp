// SPDX-License-Identifier: Apache-2.0
#include "broker_options.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/request/mmi.hpp>
#include <flotilla/request/request_table.hpp>

#include <set>
#include <string>

namespace flotilla::request {
namespace {

Status check(const ServiceLimits& limits, const std::string& of) {
    if (!is_within(limits.queue_messages_max, 1, 1'000'000))
        return bad_option(of + ": queue_messages_max must be 1 to 1,000,000");
    if (!is_within(limits.queue_bytes_max, 1024, 1ULL << 40))
        return bad_option(of + ": queue_bytes_max must be 1KiB to 1TiB");
    if (!is_within(limits.expiry, 10ms, 24h))
        return bad_option(of + ": expiry must be 10ms to 24h");
    if (!is_within(limits.attempts_max, 1, 1000))
        return bad_option(of + ": attempts_max must be 1 to 1,000");
    if (!is_within(limits.prefetch, 1, 10'000))
        return bad_option(of + ": prefetch must be 1 to 10,000");
    if (!is_within(limits.busy_max, 1s, 24h))
        return bad_option(of + ": busy_max must be 1s to 24h");
    return {};
}

Status check_services(const BrokerLimits& limits) {
    std::set<std::string_view> names;
    for (const auto& [name, own] : limits.services) {
        const std::string of = "service '" + printable(name) + "'";
        if (!is_within(name.size(), 1, limits::service_bytes_max) || is_mmi(name))
            return bad_option(of + ": a name has 1 to 255 bytes and does not begin with mmi.");
        if (!names.insert(name).second)
            return bad_option(of + " is given twice");
        if (Status checked = check(own, of); !checked)
            return checked;
    }
    if (limits.services.size() > limits.services_max)
        return bad_option("more services are configured than services_max");
    return check(limits.service, "the defaults of services");
}

} // namespace

Status check(const BrokerOptions& options) {
    const BrokerLimits& limits = options.limits;
    if (!is_within(limits.heartbeat, 10ms, 1h))
        return bad_option("heartbeat must be 10ms to 1h");
    if (!is_within(limits.liveness, 1, 100))
        return bad_option("liveness must be 1 to 100");
    if (!is_within(limits.services_max, 1, 1'000'000) ||
        !is_within(limits.workers_max, 1, 1'000'000))
        return bad_option("services_max and workers_max must be 1 to 1,000,000");
    if (!is_within(limits.requests_max, 1, 10'000'000))
        return bad_option("requests_max must be 1 to 10,000,000");
    static_assert(10'000'000 <= RequestTable::requests_max);
    if (!is_within(limits.requests_bytes_max, 1024, 1ULL << 40))
        return bad_option("requests_bytes_max must be 1KiB to 1TiB");
    if (!is_within(limits.message_bytes_max, 1, 1ULL << 30))
        return bad_option("message_bytes_max must be 1 byte to 1GiB");
    if (!is_within(limits.held_messages_max, 1, 1'000'000) ||
        !is_within(limits.held_bytes_max, 1, 1ULL << 40))
        return bad_option("what a worker holds must be 1 to 1,000,000 messages and 1 byte to 1TiB");
    if (limits.kept_answers_max > 10'000'000 || limits.kept_bytes_max > 1ULL << 40 ||
        !is_within(limits.kept_for, 0ns, 24h))
        return bad_option("kept answers must be 0 to 10,000,000, up to 1TiB, for up to 24h");
    if (!is_within(options.backlog_messages_max, 1, 100'000) ||
        !is_within(options.backlog_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("backlogs must be 1 to 100,000 messages and 64KiB to 1GiB");
    if (!is_within(options.backlogs_bytes_max, 1ULL << 20, 64ULL << 30))
        return bad_option("backlogs_bytes_max must be 1MiB to 64GiB");
    return check_services(limits);
}

} // namespace flotilla::request
