// SPDX-License-Identifier: Apache-2.0
//
// How many bytes the frames of a message take, in a stored record as in a packed put: the inner
// loop of both readers, once over every message.
#pragma once

#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace flotilla::queue::scan {

// Fields of a record that a put and a stored record share.
inline constexpr std::uint8_t flag_key = 2;

inline std::uint16_t load_u16(const char* at) noexcept {
    unsigned char bytes[2];
    std::memcpy(bytes, at, sizeof bytes);
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

struct Body {
    const char* end = nullptr; // nullptr: not a whole and valid body
    std::uint64_t bytes = 0;   // of the frames alone
    std::uint16_t frames = 0;
};

// frames(u16, 1 to 1000) *( size(u32) bytes ) at the front of [at, end).
inline Body body(const char* at, const char* end) noexcept {
    Body found;
    if (end - at < 2)
        return found;
    found.frames = load_u16(at);
    at += 2;
    if (found.frames == 0 || found.frames > wire::leased::limits::body_frames_max)
        return found;
    for (std::uint16_t left = found.frames; left > 0; --left) {
        if (end - at < 4)
            return found;
        const std::size_t size = wire::load_u32(at);
        at += 4;
        if (static_cast<std::size_t>(end - at) < size)
            return found;
        at += size;
        found.bytes += size;
    }
    found.end = at;
    return found;
}

} // namespace flotilla::queue::scan
