// SPDX-License-Identifier: Apache-2.0
#include "work_options.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/wire/leased.hpp>

namespace flotilla::pipeline {

namespace leased = wire::leased;

Status check(const WorkSourceOptions& options) {
    const SourceLimits& limits = options.limits;
    if (!is_within(limits.messages_max, 1, 10'000'000))
        return bad_option("messages_max must be 1 to 10,000,000");
    if (!is_within(limits.bytes_max, 1, 1ULL << 40))
        return bad_option("bytes_max must be 1 byte to 1 TiB");
    if (!is_within(limits.message_bytes_max, 1, 1ULL << 30))
        return bad_option("message_bytes_max must be 1 byte to 1 GiB");
    if (!is_within(limits.sessions_max, 1, 65'536))
        return bad_option("sessions_max must be 1 to 65,536");
    if (!is_within(limits.credit_max, 1, leased::limits::credit_max))
        return bad_option("credit_max must be 1 to 1,000,000");
    if (!is_within(limits.attempts_max, 1, 1'000'000))
        return bad_option("attempts_max must be 1 to 1,000,000");
    if (!is_within(limits.lease, 10ms, 24h) || !is_within(limits.silence_max, 10ms, 24h))
        return bad_option("lease and silence_max must be 10ms to 24h");
    if (!is_within(limits.heartbeat, 10ms, 1h) || limits.heartbeat >= limits.silence_max)
        return bad_option("heartbeat must be 10ms to 1h, and shorter than silence_max");
    if (!is_within(limits.return_grace, 0ns, 1h))
        return bad_option("return_grace must be 0 to 1h");
    if (!is_within(options.pack_bytes, 1024, 1ULL << 20))
        return bad_option("pack_bytes must be 1KiB to 1MiB");
    if (!is_within(options.backlog_messages_max, 1, 100'000) ||
        !is_within(options.backlog_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("backlogs must be 1 to 100,000 messages and 64KiB to 1GiB");
    if (!wire::is_available(options.compress))
        return fail(Errc::unsupported, "this build lacks the compression algorithm");
    return {};
}

} // namespace flotilla::pipeline
