// SPDX-License-Identifier: Apache-2.0
//
// OriginMark: whose client a reply of a queue is for. libzmq numbers the clients of a ROUTER that
// choose no routing id, and begins with the same number in every process; so a reply to a request
// of an earlier relay would reach another client of this one. Such a number goes to services with
// a mark of this relay behind it, and is believed with that mark only. Pure. Private to relay.
//
//     client's routing id     what services see      what comes back
//     0 and 4 bytes           0, 4 bytes, mark       the same, or it is not ours
//     chosen, never with 0    as it is               as it is
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace flotilla::relay {

class OriginMark {
public:
    // `seed` is another one for every relay.
    explicit OriginMark(std::uint64_t seed) noexcept {
        std::memcpy(marked_ + numbered_bytes, &seed, sizeof seed);
    }
    static bool is_numbered(ByteView routing_id) noexcept {
        return routing_id.size() == numbered_bytes && routing_id.front() == '\0';
    }
    // Of one that is_numbered(); valid until the next call.
    ByteView marked(ByteView routing_id) noexcept {
        std::memcpy(marked_, routing_id.data(), numbered_bytes);
        return {marked_, sizeof marked_};
    }
    // The client that frame 0 of a reply names; nothing: none of ours.
    std::optional<ByteView> client(ByteView frame) const noexcept {
        if (frame.empty() || frame.front() != '\0')
            return frame;
        if (frame.size() != sizeof marked_ ||
            frame.substr(numbered_bytes) != ByteView{marked_ + numbered_bytes, mark_bytes})
            return std::nullopt;
        return frame.substr(0, numbered_bytes);
    }

private:
    static constexpr std::size_t numbered_bytes = 5;
    static constexpr std::size_t mark_bytes = sizeof(std::uint64_t);
    char marked_[numbered_bytes + mark_bytes]{};
};

} // namespace flotilla::relay
