// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/pack.hpp>

#include <cli/bench/tally.hpp>

namespace flotilla::cli::bench {
namespace {
constexpr int phase_shift = 56;
constexpr std::uint64_t number_mask = (std::uint64_t{1} << phase_shift) - 1;
} // namespace

void write_stamp(char* message, const Stamp& stamp) noexcept {
    wire::store_u64(message, (static_cast<std::uint64_t>(stamp.phase) << phase_shift) |
                                 (stamp.number & number_mask));
    wire::store_u64(message + 8,
                    static_cast<std::uint64_t>(stamp.intended.time_since_epoch().count()));
}

std::optional<Stamp> read_stamp(ByteView message) noexcept {
    if (message.size() < stamp_bytes)
        return std::nullopt;
    const std::uint64_t head = wire::load_u64(message.data());
    const std::uint64_t phase = head >> phase_shift;
    if (phase != static_cast<std::uint64_t>(Phase::warm_up) &&
        phase != static_cast<std::uint64_t>(Phase::measured))
        return std::nullopt;
    const auto intended = static_cast<Duration::rep>(wire::load_u64(message.data() + 8));
    return Stamp{static_cast<Phase>(phase), head & number_mask, Instant{Duration{intended}}};
}

void Tally::see(const Stamp& stamp, std::size_t bytes, Instant now) {
    if (stamp.number >= seen_.size()) {
        ++foreign_;
        return;
    }
    if (seen_[stamp.number]) {
        ++duplicated_;
        return;
    }
    seen_[stamp.number] = true;
    if (received_++ == 0)
        first_ = now;
    last_ = now;
    bytes_ += bytes;
    if (stamp.number < next_)
        ++out_of_order_;
    else
        next_ = stamp.number + 1;
    latency_.add(now - stamp.intended);
}

} // namespace flotilla::cli::bench
