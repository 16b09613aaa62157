// SPDX-License-Identifier: Apache-2.0
//
// Gather: decides when the messages gathered in a Pusher's open batch leave. Pure.
//
// 1. A batch leaves at once while fewer than `busy_frames` frames are with the transport: a lone
//    message is never delayed.
// 2. Otherwise the transport is busy, so waiting costs nothing: messages gather until the batch is
//    full or the transport has room again.
// 3. Frames that do not move for `stall_max` while messages wait are stalled (a consumer stopped).
//    They no longer count as busy, so that one stopped consumer does not delay the others' lone
//    messages. The judgement ends when they move, or after `judgement_frames` others have left.
#pragma once

#include <flotilla/base/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace flotilla::pipeline {

struct GatherRules {
    std::uint32_t busy_frames = 2; // from this many frames with the transport on, messages gather
    Duration stall_max = 1ms;
};

class Gather {
public:
    static constexpr std::uint64_t judgement_frames = 1024;

    // How many frames the transport was ever given, and how many of them have left it.
    struct Transport {
        std::uint64_t given = 0;
        std::uint64_t left = 0;
        std::uint64_t outstanding() const noexcept { return given - left; }
    };

    explicit Gather(GatherRules rules) noexcept : rules_(rules) {}

    // Rule 1: whether gathered messages should leave now. The hot path.
    bool has_room(const Transport& transport) noexcept {
        const std::uint64_t outstanding = transport.outstanding();
        if (stalled_ != 0)
            reconsider(transport);
        return outstanding < rules_.busy_frames + stalled_;
    }

    // Messages stay behind in a batch of so many bytes that is open since `now`.
    void opened(Instant now, const Transport& transport, std::size_t bytes) noexcept {
        watch(now, transport);
        look_bytes_ = 2 * bytes;
    }
    // Whether to read the clock and ask is_stalled() now that the open batch has so many bytes:
    // each time they have doubled, which is often while they are few and seldom in a flood.
    bool looks_at_clock(std::size_t bytes) noexcept {
        if (bytes < look_bytes_)
            return false;
        look_bytes_ = 2 * bytes;
        return true;
    }
    std::size_t next_look_bytes() const noexcept { return look_bytes_; }
    // Rule 3. On true the batch should leave; what is with the transport now is stalled.
    bool is_stalled(Instant now, const Transport& transport) noexcept;
    // When to ask again at the latest, if no message comes.
    Instant next_look() const noexcept { return since_ + rules_.stall_max; }

    // Frames with the transport at and above which messages gather.
    std::uint64_t busy_at() const noexcept { return rules_.busy_frames + stalled_; }

private:
    void watch(Instant now, const Transport& transport) noexcept {
        since_ = now;
        left_then_ = transport.left;
    }
    void reconsider(const Transport& transport) noexcept;

    GatherRules rules_;
    Instant since_{};
    std::uint64_t left_then_ = 0;
    std::size_t look_bytes_ = 0;
    std::uint64_t stalled_ = 0;      // frames that did not move when last judged
    std::uint64_t judged_until_ = 0; // Transport::left at which the judgement ends
};

} // namespace flotilla::pipeline
