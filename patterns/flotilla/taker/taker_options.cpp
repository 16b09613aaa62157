// SPDX-License-Identifier: Apache-2.0
#include <flotilla/taker/taker.hpp>

namespace flotilla::taker {

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

Status check(const TakerOptions& options) {
    const TakerLimits& limits = options.limits;
    if (!in(options.sources.size(), 1, 16))
        return wrong("a taker needs 1 to 16 sources");
    if (!in(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return wrong("message_bytes_max must be 64KiB to 1GiB");
    if (limits.worker.size() > leased::limits::name_bytes_max ||
        limits.queue.size() > leased::limits::name_bytes_max)
        return wrong("worker and queue are at most 255 bytes");
    if ((limits.worker + limits.queue).find('\n') != std::string::npos)
        return wrong("worker and queue have no line feed");
    if (!in(limits.weight, 1, leased::limits::weight_max))
        return wrong("weight must be 1 to 1000");
    if (!in(limits.credit, 1, leased::limits::credit_max))
        return wrong("credit must be 1 to 1,000,000");
    if (!in(limits.ack_wait, 0ns, 1s))
        return wrong("ack_wait must be 0 to 1s");
    if (!in(limits.answer_max, 10ms, 1h))
        return wrong("answer_max must be 10ms to 1h");
    if (!in(limits.reconnect_min, 1ms, 1h) || !in(limits.reconnect_max, limits.reconnect_min, 1h))
        return wrong("reconnect_min and reconnect_max must be 1ms to 1h, in this order");
    const leased::Compressions able = leased::Compressions::available();
    if ((limits.compress.lz4 && !able.lz4) || (limits.compress.zstd && !able.zstd))
        return fail(Errc::unsupported, "this build lacks a compression algorithm");
    return {};
}

} // namespace flotilla::taker
