// SPDX-License-Identifier: Apache-2.0
//
// Keys of every table of the store (engine/store.hpp), and their readers. Numbers are big-endian,
// so keys compare as bytes in the order of their fields; what varies in length stands where that
// does no harm, or behind its length. docs/protocol/store.md lists them.
//
// A block key is short enough to need no allocation.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/model.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::queue {

// Where a block or one message lies: tables block, done (of the block) and attempt (a message).
struct BlockPlace {
    QueueId queue = 0;
    Lane lane = 0;
    Position first = 0;
    friend auto operator<=>(const BlockPlace&, const BlockPlace&) = default;
};
std::string block_key(QueueId queue, Lane lane, Position first);
Result<BlockPlace> read_block_key(ByteView key); // Errors of all readers: damaged

std::string queue_key(QueueId queue);
Result<QueueId> read_queue_key(ByteView key);

// Table delayed: (start of the bucket, ms, queue, number).
struct DelayedPlace {
    std::int64_t bucket_ms = 0;
    QueueId queue = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const DelayedPlace&, const DelayedPlace&) = default;
};
std::string delayed_key(const DelayedPlace& place);
Result<DelayedPlace> read_delayed_key(ByteView key);

// Table expiry: (start of the bucket, ms, block).
struct ExpiryPlace {
    std::int64_t bucket_ms = 0;
    BlockPlace block{};
    friend auto operator<=>(const ExpiryPlace&, const ExpiryPlace&) = default;
};
std::string expiry_key(const ExpiryPlace& place);
Result<ExpiryPlace> read_expiry_key(ByteView key);

// Tables producer and producer_age. Names of producers have at most 64 bytes.
struct ProducerPlace {
    std::string_view producer{};
    QueueId queue = 0;
};
std::string producer_key(const ProducerPlace& place);
Result<ProducerPlace> read_producer_key(ByteView key);
std::string producer_age_key(std::int64_t seen_ms, const ProducerPlace& place);
struct ProducerAge {
    std::int64_t seen_ms = 0;
    ProducerPlace place{};
};
Result<ProducerAge> read_producer_age_key(ByteView key);

// Tables duplicate and duplicate_age. `hash` is of the application's message id, 16 bytes; numbers
// of a queue's message ids rise by one.
std::string duplicate_key(QueueId queue, ByteView hash);
struct DuplicateAge {
    QueueId queue = 0;
    std::uint64_t number = 0;
};
std::string duplicate_age_key(const DuplicateAge& age);
Result<DuplicateAge> read_duplicate_age_key(ByteView key);

} // namespace flotilla::queue
