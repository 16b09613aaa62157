// SPDX-License-Identifier: Apache-2.0
#include "worker_options.hpp"

#include <flotilla/base/option_check.hpp>

#include <string_view>

namespace flotilla::request {

Status check(const WorkerOptions& options) {
    if (!is_within(options.brokers.size(), 1U, 16U))
        return bad_option("a worker needs 1 to 16 brokers");
    if (!is_within(options.service.size(), 1U, limits::service_bytes_max))
        return bad_option("service must have 1 to 255 bytes");
    if (std::string_view(options.service).starts_with("mmi."))
        return bad_option("service must not begin with mmi., which are the broker's own");
    if (!is_within(options.threads, 1U, 1'024U))
        return bad_option("threads must be 1 to 1,024");
    if (options.capacity && !is_within(*options.capacity, options.threads, limits::capacity_max))
        return bad_option("capacity must be from threads to 10,000");
    if (!is_within(options.heartbeat, Duration{10ms}, Duration{1h}))
        return bad_option("heartbeat must be 10ms to 1h");
    if (!is_within(options.liveness, 1U, 100U))
        return bad_option("liveness must be 1 to 100");
    if (const Status pauses = check_reconnect(options.reconnect_min, options.reconnect_max);
        !pauses)
        return pauses;
    if (!is_within(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("message_bytes_max must be 64KiB to 1GiB");
    return {};
}

} // namespace flotilla::request
