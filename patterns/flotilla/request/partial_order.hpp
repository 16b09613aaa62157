// SPDX-License-Identifier: Apache-2.0
//
// PartialOrder: which piece of a streamed answer comes next. It tells pieces of the attempt at hand
// from those of an older one, doubled from missing ones, and where another attempt took over.
//
// Attempts are counted by a broker. A broker that was restarted, or another one, counts anew: after
// moved() the next piece decides whether the old attempt goes on or another one began.
// Pure; private to the component's machines.
#pragma once

#include <cstdint>
#include <optional>

namespace flotilla::request {

class PartialOrder {
public:
    struct Place {
        bool restarted = false;
        std::uint32_t missed = 0;
    };

    // Where the piece belongs; absent: it is stale or doubled, to be dropped.
    std::optional<Place> take(std::uint32_t attempt, std::uint32_t part) noexcept {
        const bool anew = moved_ ? part == 0 || attempt != attempt_ : attempt > attempt_;
        if (!anew && (attempt != attempt_ || part < next_))
            return std::nullopt;
        Place place;
        place.restarted = anew && given_;
        place.missed = part - (anew ? 0 : next_);
        moved_ = false;
        given_ = true;
        attempt_ = attempt;
        next_ = part + 1;
        return place;
    }

    // The answer's end came, of this attempt: are the pieces given of another one, or not known to
    // be of the same?
    bool is_restarted_by(std::uint32_t attempt) const noexcept {
        return given_ && (moved_ || attempt != attempt_);
    }

    // Asked again where the count of attempts may be another.
    void moved() noexcept { moved_ = true; }
    // As the RFC dialects have neither number: the piece that would be next.
    std::uint32_t next_part(std::uint32_t attempt) const noexcept {
        return attempt == attempt_ ? next_ : 0;
    }

private:
    std::uint32_t attempt_ = 0;
    std::uint32_t next_ = 0;
    bool given_ = false;
    bool moved_ = false;
};

} // namespace flotilla::request
