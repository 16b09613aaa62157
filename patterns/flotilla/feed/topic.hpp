// SPDX-License-Identifier: Apache-2.0
//
// Topics of a feed, the first frames of its messages: what they may be, and which are Flotilla's
// own. Pure.
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstddef>
#include <string_view>

namespace flotilla::feed {

// What a Publisher sends and a Subscriber asks for; raw peers' topics may be longer.
inline constexpr std::size_t topic_bytes_max = 255;

// Topics that begin so are Flotilla's own (heartbeats): a Publisher refuses to send them, a
// Subscriber never delivers them.
inline constexpr std::string_view reserved_prefix{"\0flotilla.", 10};

inline bool is_reserved(ByteView topic) noexcept {
    return !topic.empty() && topic.front() == '\0' &&
           topic.substr(0, reserved_prefix.size()) == reserved_prefix;
}

} // namespace flotilla::feed
