// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/option_check.hpp>
#include <flotilla/taker/taker.hpp>

namespace flotilla::taker {

namespace leased = wire::leased;

Status check(const TakerOptions& options) {
    const TakerLimits& limits = options.limits;
    if (!is_within(options.sources.size(), 1, 16))
        return bad_option("a taker needs 1 to 16 sources");
    if (!is_within(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("message_bytes_max must be 64KiB to 1GiB");
    if (limits.worker.size() > leased::limits::name_bytes_max ||
        limits.queue.size() > leased::limits::name_bytes_max)
        return bad_option("worker and queue are at most 255 bytes");
    if ((limits.worker + limits.queue).find('\n') != std::string::npos)
        return bad_option("worker and queue have no line feed");
    if (!is_within(limits.weight, 1, leased::limits::weight_max))
        return bad_option("weight must be 1 to 1000");
    if (!is_within(limits.credit, 1, leased::limits::credit_max))
        return bad_option("credit must be 1 to 1,000,000");
    if (!is_within(limits.ack_wait, 0ns, 1s))
        return bad_option("ack_wait must be 0 to 1s");
    if (!is_within(limits.answer_max, 10ms, 1h))
        return bad_option("answer_max must be 10ms to 1h");
    if (const Status pauses = check_reconnect(limits.reconnect_min, limits.reconnect_max); !pauses)
        return pauses;
    const leased::Compressions able = leased::Compressions::available();
    if ((limits.compress.lz4 && !able.lz4) || (limits.compress.zstd && !able.zstd))
        return fail(Errc::unsupported, "this build lacks a compression algorithm");
    return {};
}

} // namespace flotilla::taker
