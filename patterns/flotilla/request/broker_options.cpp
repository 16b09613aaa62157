// SPDX-License-Identifier: Apache-2.0
#include "broker_options.hpp"

#include <flotilla/request/mmi.hpp>
#include <flotilla/request/request_table.hpp>

#include <set>
#include <string>

namespace flotilla::request {
namespace {

bool in(std::uint64_t value, std::uint64_t min, std::uint64_t max) {
    return value >= min && value <= max;
}
bool in(Duration value, Duration min, Duration max) {
    return value >= min && value <= max;
}

auto wrong(std::string what) {
    return fail(Errc::bad_option, std::move(what));
}

Status check(const ServiceLimits& limits, const std::string& of) {
    if (!in(limits.queue_messages_max, 1, 1'000'000))
        return wrong(of + ": queue_messages_max must be 1 to 1,000,000");
    if (!in(limits.queue_bytes_max, 1024, 1ULL << 40))
        return wrong(of + ": queue_bytes_max must be 1KiB to 1TiB");
    if (!in(limits.expiry, 10ms, 24h))
        return wrong(of + ": expiry must be 10ms to 24h");
    if (!in(limits.attempts_max, 1, 1000))
        return wrong(of + ": attempts_max must be 1 to 1,000");
    if (!in(limits.prefetch, 1, 10'000))
        return wrong(of + ": prefetch must be 1 to 10,000");
    if (!in(limits.busy_max, 1s, 24h))
        return wrong(of + ": busy_max must be 1s to 24h");
    return {};
}

Status check_services(const BrokerLimits& limits) {
    std::set<std::string_view> names;
    for (const auto& [name, own] : limits.services) {
        const std::string of = "service '" + printable(name) + "'";
        if (!in(name.size(), 1, limits::service_bytes_max) || is_mmi(name))
            return wrong(of + ": a name has 1 to 255 bytes and does not begin with mmi.");
        if (!names.insert(name).second)
            return wrong(of + " is given twice");
        if (Status checked = check(own, of); !checked)
            return checked;
    }
    if (limits.services.size() > limits.services_max)
        return wrong("more services are configured than services_max");
    return check(limits.service, "the defaults of services");
}

} // namespace

Status check(const BrokerOptions& options) {
    const BrokerLimits& limits = options.limits;
    if (!in(limits.heartbeat, 10ms, 1h))
        return wrong("heartbeat must be 10ms to 1h");
    if (!in(limits.liveness, 1, 100))
        return wrong("liveness must be 1 to 100");
    if (!in(limits.services_max, 1, 1'000'000) || !in(limits.workers_max, 1, 1'000'000))
        return wrong("services_max and workers_max must be 1 to 1,000,000");
    if (!in(limits.requests_max, 1, 10'000'000))
        return wrong("requests_max must be 1 to 10,000,000");
    static_assert(10'000'000 <= RequestTable::requests_max);
    if (!in(limits.requests_bytes_max, 1024, 1ULL << 40))
        return wrong("requests_bytes_max must be 1KiB to 1TiB");
    if (!in(limits.message_bytes_max, 1, 1ULL << 30))
        return wrong("message_bytes_max must be 1 byte to 1GiB");
    if (limits.kept_answers_max > 10'000'000 || limits.kept_bytes_max > 1ULL << 40 ||
        !in(limits.kept_for, 0ns, 24h))
        return wrong("kept answers must be 0 to 10,000,000, up to 1TiB, for up to 24h");
    if (!in(options.backlog_messages_max, 1, 100'000) ||
        !in(options.backlog_bytes_max, 64ULL << 10, 1ULL << 30))
        return wrong("backlogs must be 1 to 100,000 messages and 64KiB to 1GiB");
    if (!in(options.backlogs_bytes_max, 1ULL << 20, 64ULL << 30))
        return wrong("backlogs_bytes_max must be 1MiB to 64GiB");
    return check_services(limits);
}

} // namespace flotilla::request
