// SPDX-License-Identifier: Apache-2.0
//
// Heartbeats: a publisher says that it lives and how far it got, so that subscribers tell silence
// from death and see losses at the end of a topic.
//
// A heartbeat is a message of two frames: heartbeat_topic and a body, see docs/protocol/pubsub.md.
// It exists only with metadata on and is never kept as a last value. Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/feed/topic.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::feed {

inline constexpr std::string_view heartbeat_topic{"\0flotilla.heartbeat", 19};

struct Heartbeat {
    static constexpr std::size_t body_bytes_max = 64 << 10;
    static constexpr Duration interval_min = 1ms;
    static constexpr Duration interval_max = 1h;

    struct Topic {
        ByteView topic; // in the bytes that were decoded or are to be encoded
        std::uint32_t generation = 0;
        std::uint64_t last_sequence = 0;
        friend bool operator==(const Topic&, const Topic&) = default;
    };
    std::uint64_t epoch = 0;
    Duration interval{}; // whole milliseconds
    std::vector<Topic> topics{};
};

// As many bodies as the topics need, one at least. Topics have at most topic_bytes_max bytes.
std::vector<std::string> encode_heartbeats(const Heartbeat& heartbeat);

// Errors: malformed, unsupported (another version), too_large. The topics lie in `body`.
Result<Heartbeat> decode_heartbeat(ByteView body);

} // namespace flotilla::feed
