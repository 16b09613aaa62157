// SPDX-License-Identifier: Apache-2.0
//
// The engine's own rows: what it knows of the store as a whole, and of each queue. All sealed, with
// a version first (docs/protocol/store.md). Errors of readers: damaged; unsupported (newer).
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/queue_book.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::queue {

// meta: "store"
struct StoreMeta {
    std::uint64_t epoch = 0;
    std::int64_t wall_ms = 0; // the latest that was seen
    std::uint32_t queues = 0;
    QueueId next_id = 1;
};
inline constexpr std::string_view store_meta_key = "store";
std::string encode_meta(const StoreMeta& meta);
Result<StoreMeta> decode_meta(ByteView value);

struct QueueDefinition {
    std::string name{};
    QueueProperties properties{};
    Position automatic_from = 0; // see Queue
};
std::string queue_state_key(QueueId id); // in Table::queue, beside the definition's queue_key()

std::string encode_definition(const QueueDefinition& definition);
Result<QueueDefinition> decode_definition(ByteView value);

// Into a queue that has its definition. What was leased is ready.
std::string encode_state(const Queue& queue, Horizons horizons);
Status decode_state(ByteView value, Queue& queue);

// Both rows. Without a state it lives in memory, and this is a restart: it is empty. After an error
// the name is there if that could be read.
Status decode_queue(ByteView definition, std::optional<ByteView> state, Queue& queue);
// How many lanes a queue of these properties has.
std::size_t lanes_of(const QueueProperties& properties);

// Deliveries so far, of one message; 0 of a row that is damaged.
std::string encode_attempts(std::uint32_t attempts);
std::uint32_t decode_attempts(ByteView value);

} // namespace flotilla::queue
