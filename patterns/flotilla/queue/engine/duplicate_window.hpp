// SPDX-License-Identifier: Apache-2.0
//
// DuplicateWindow: recognises an application's message ids that were put before, within a queue's
// window of time and count. On disk; nothing stays in memory between turns.
//
//     row      (queue u32, hash of the message id, 16 bytes) -> version id(u64) number(u64)
//              wall_ms(u64) check
//     age row  (queue u32, number u64) -> hash
//
// Numbers rise by one a message of the queue, so that first and last say how many there are. Rows
// outside the window are not believed, and go as new ones come.
//
// Call order in a turn: find and add, flush; committed() after the commit, which may come several
// turns later (durability=relaxed). After a failed commit it is thrown away.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace flotilla::queue {

class DuplicateWindow {
public:
    static bool is_on(const QueueProperties& properties) noexcept {
        return properties.duplicate_window > Duration::zero() &&
               properties.duplicate_messages_max > 0;
    }
    // The message that was put with this message id within the window, if any. Errors: io, damaged.
    Result<std::optional<MessageId>> find(const Snapshot& snapshot, QueueId queue,
                                          const QueueProperties& properties,
                                          std::string_view message_id, std::int64_t wall_ms);
    // After find() of it said nothing.
    void add(QueueId queue, std::string_view message_id, MessageId id, std::int64_t wall_ms);
    // Of the queues added to: writes their rows, erases as many and some more that are over.
    Status flush(const Snapshot& snapshot, Mutations& mutations, std::int64_t wall_ms);
    void committed() { queues_.clear(); }

private:
    struct Row {
        MessageId id = 0;
        std::uint64_t number = 0;
        std::int64_t wall_ms = 0;
        bool is_written = false; // by flush
    };
    struct Queue {
        std::uint64_t first = 0; // number of the oldest row, if there are rows
        std::uint64_t next = 0;  // number of the next message
        Duration window{};
        std::uint64_t messages_max = 0;
        std::unordered_map<std::string, Row> added{}; // by hash; since the last commit
        std::size_t unwritten = 0;                    // of these
        bool is_inside(const Row& row, std::int64_t wall_ms) const noexcept;
    };
    Result<Queue*> load(const Snapshot& snapshot, QueueId queue);
    static Status reap(const Snapshot& snapshot, Mutations& mutations, QueueId id, Queue& queue,
                       std::int64_t wall_ms, std::size_t rows_max);

    std::unordered_map<QueueId, Queue> queues_{}; // used since the last commit
};

} // namespace flotilla::queue
