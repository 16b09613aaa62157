// SPDX-License-Identifier: Apache-2.0
//
// Subscription: what a subscriber says to a publisher (ZMTP 3.0, RFC 23), as an XSUB sends it and
// an XPUB receives it: one frame, in which 1 and a prefix of topics subscribes, and 0 and the
// prefix cancels. A publisher may be sent other messages; they are nobody's subscription.
//
// Pure; safe from every thread.
#pragma once

#include <flotilla/base/blob.hpp>

#include <optional>
#include <string>

namespace flotilla::wire {

struct Subscription {
    bool subscribes = true; // else it cancels
    ByteView prefix{};      // in the frame
};

// Absent: a message of the peer's own.
inline std::optional<Subscription> read_subscription(ByteView frame) noexcept {
    if (frame.empty() || (frame.front() != '\0' && frame.front() != '\1'))
        return std::nullopt;
    return Subscription{frame.front() == '\1', frame.substr(1)};
}

inline std::string to_frame(const Subscription& subscription) {
    return std::string(1, subscription.subscribes ? '\1' : '\0').append(subscription.prefix);
}

} // namespace flotilla::wire
