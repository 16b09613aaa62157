// SPDX-License-Identifier: Apache-2.0
#include "penalties.hpp"

#include <algorithm>

namespace flotilla::net::detail {
namespace {

constexpr Duration window = 1min;
constexpr Duration forgiven_after = 1h;
constexpr std::uint32_t times_max = 16;

} // namespace

Duration Penalties::failed(const Address& address, Instant now) {
    const Address block = address.block();
    if (!records_.find(block))
        records_.insert(block, Record{0, now, now, 1});
    Record* const record = records_.touch(block);
    if (now < record->until)
        return Duration::zero(); // it came in between; what it has to wait is enough
    if (now - record->since > window) {
        record->failures = 0;
        record->since = now;
    }
    if (++record->failures <= limits_.failures_max)
        return Duration::zero();
    if (now - record->until > forgiven_after)
        record->times = 1;
    const Duration wait = limits_.first * record->times;
    record->times = std::min(record->times * 2, times_max);
    record->until = deadline_after(now, wait);
    record->failures = 0;
    record->since = record->until;
    return wait;
}

bool Penalties::is_waiting(const Address& address, Instant now) const {
    const Record* record = records_.find(address.block());
    return record && now < record->until;
}

std::uint32_t Penalties::waiting(Instant now) const {
    return static_cast<std::uint32_t>(
        std::count_if(records_.begin(), records_.end(),
                      [&](const auto& each) { return now < each.value.until; }));
}

} // namespace flotilla::net::detail
