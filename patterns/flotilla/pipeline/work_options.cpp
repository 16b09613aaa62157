// SPDX-License-Identifier: Apache-2.0
#include "work_options.hpp"

#include <flotilla/wire/leased.hpp>

namespace flotilla::pipeline {

namespace leased = wire::leased;

namespace {

bool in(std::uint64_t value, std::uint64_t min, std::uint64_t max) {
    return value >= min && value <= max;
}
bool in(Duration value, Duration min, Duration max) {
    return value >= min && value <= max;
}

auto wrong(const char* what) {
    return fail(Errc::bad_option, what);
}

} // namespace

Status check(const WorkSourceOptions& options) {
    const SourceLimits& limits = options.limits;
    if (!in(limits.messages_max, 1, 10'000'000))
        return wrong("messages_max must be 1 to 10,000,000");
    if (!in(limits.bytes_max, 1, 1ULL << 40))
        return wrong("bytes_max must be 1 byte to 1 TiB");
    if (!in(limits.message_bytes_max, 1, 1ULL << 30))
        return wrong("message_bytes_max must be 1 byte to 1 GiB");
    if (!in(limits.sessions_max, 1, 65'536))
        return wrong("sessions_max must be 1 to 65,536");
    if (!in(limits.credit_max, 1, leased::limits::credit_max))
        return wrong("credit_max must be 1 to 1,000,000");
    if (!in(limits.attempts_max, 1, 1'000'000))
        return wrong("attempts_max must be 1 to 1,000,000");
    if (!in(limits.lease, 10ms, 24h) || !in(limits.silence_max, 10ms, 24h))
        return wrong("lease and silence_max must be 10ms to 24h");
    if (!in(limits.heartbeat, 10ms, 1h) || limits.heartbeat >= limits.silence_max)
        return wrong("heartbeat must be 10ms to 1h, and shorter than silence_max");
    if (!in(limits.return_grace, 0ns, 1h))
        return wrong("return_grace must be 0 to 1h");
    if (!in(options.pack_bytes, 1024, 1ULL << 20))
        return wrong("pack_bytes must be 1KiB to 1MiB");
    if (!in(options.backlog_messages_max, 1, 100'000) ||
        !in(options.backlog_bytes_max, 64ULL << 10, 1ULL << 30))
        return wrong("backlogs must be 1 to 100,000 messages and 64KiB to 1GiB");
    if (!wire::is_available(options.compress))
        return fail(Errc::unsupported, "this build lacks the compression algorithm");
    return {};
}

} // namespace flotilla::pipeline
