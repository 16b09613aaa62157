// SPDX-License-Identifier: Apache-2.0
#include "worker_options.hpp"

#include <string_view>

namespace flotilla::request {

namespace {

template <class Value, class Min, class Max>
bool in(Value value, Min min, Max max) {
    return value >= min && value <= max;
}

auto wrong(const char* what) {
    return fail(Errc::bad_option, what);
}

} // namespace

Status check(const WorkerOptions& options) {
    if (!in(options.brokers.size(), 1U, 16U))
        return wrong("a worker needs 1 to 16 brokers");
    if (!in(options.service.size(), 1U, limits::service_bytes_max))
        return wrong("service must have 1 to 255 bytes");
    if (std::string_view(options.service).starts_with("mmi."))
        return wrong("service must not begin with mmi., which are the broker's own");
    if (!in(options.threads, 1U, 1'024U))
        return wrong("threads must be 1 to 1,024");
    if (options.capacity && !in(*options.capacity, options.threads, limits::capacity_max))
        return wrong("capacity must be from threads to 10,000");
    if (!in(options.heartbeat, Duration{10ms}, Duration{1h}))
        return wrong("heartbeat must be 10ms to 1h");
    if (!in(options.liveness, 1U, 100U))
        return wrong("liveness must be 1 to 100");
    if (!in(options.reconnect_min, Duration{1ms}, Duration{1h}) ||
        !in(options.reconnect_max, options.reconnect_min, Duration{1h}))
        return wrong("reconnect_min and reconnect_max must be 1ms to 1h, in this order");
    if (!in(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return wrong("message_bytes_max must be 64KiB to 1GiB");
    return {};
}

} // namespace flotilla::request
