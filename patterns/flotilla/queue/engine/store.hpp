// SPDX-License-Identifier: Apache-2.0
//
// Store: where the queue engine keeps what must outlive the process. Ordered tables of bytes, one
// transaction a turn, and a read of the last commit. tests/store is its conformance suite.
//
// What has been committed is the truth: after a commit that failed, or whose outcome is unknown,
// the engine forgets everything it knew and reads the store again.
//
// One thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time_histogram.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::queue {

// Fixed tables with composite keys (engine/record.hpp); no table a queue. Numbers are on disk.
enum class Table : std::uint8_t {
    meta = 0,           // format, boot epoch, last wall time, next queue id
    queue = 1,          // queue id -> name, properties, counters, horizons
    name = 2,           // name -> queue id
    block = 3,          // (queue, lane, first position) -> messages
    done = 4,           // the same key -> bitmap of messages that are finished, while some are not
    attempt = 5,        // (queue, lane, position) -> deliveries so far, of what was returned
    delayed = 6,        // (bucket of due time, queue, number) -> messages
    expiry = 7,         // (bucket of expiry time, queue, lane, first position) -> nothing
    producer = 8,       // (producer, queue) -> highest sequence, last seen
    producer_age = 9,   // (last seen, producer, queue) -> nothing
    duplicate = 10,     // (queue, hash of message id) -> id, number, time
    duplicate_age = 11, // (queue, number) -> hash
};
inline constexpr std::size_t tables = 12;
inline constexpr std::size_t key_bytes_max = 300;

// What one turn changes, in order; a later change of a key replaces an earlier one.
class Mutations {
public:
    struct Change {
        Table table{};
        bool erase = false; // of what need not be there
        std::string key{};
        std::string value{};
    };
    void put(Table table, std::string key, std::string value) {
        bytes_ += key.size() + value.size();
        changes_.push_back({table, false, std::move(key), std::move(value)});
    }
    void erase(Table table, std::string key) {
        bytes_ += key.size();
        changes_.push_back({table, true, std::move(key), {}});
    }
    const std::vector<Change>& changes() const noexcept { return changes_; }
    bool empty() const noexcept { return changes_.empty(); }
    std::uint64_t bytes() const noexcept { return bytes_; }
    void clear() noexcept {
        changes_.clear();
        bytes_ = 0;
    }

private:
    std::vector<Change> changes_{};
    std::uint64_t bytes_ = 0;
};

// Proof that a commit succeeded; nobody else can make one. What must not be said before the commit
// asks for it.
class Committed {
public:
    std::uint64_t number() const noexcept { return number_; } // of the commit, from 1

private:
    friend class Store;
    explicit Committed(std::uint64_t number) noexcept : number_(number) {}
    std::uint64_t number_;
};

struct Entry {
    ByteView key{};
    ByteView value{};
};

// The last commit, unchanging. Views live as long as it does. It must be gone before the next
// commit. Keys have 1 to key_bytes_max bytes; an empty one is nowhere, and before all others.
// Errors: io; damaged (a page of the store itself).
class Snapshot {
public:
    virtual ~Snapshot() = default;
    virtual Result<std::optional<ByteView>> get(Table table, ByteView key) const = 0;
    // The first entry at or after `key`, the last one before it.
    virtual Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const = 0;
    virtual Result<std::optional<Entry>> before(Table table, ByteView key) const = 0;
};

class Store {
public:
    virtual ~Store() = default;

    // All or nothing, and durable before it returns. Errors: disk_full (nothing was changed);
    // io (nothing was changed, or the outcome is unknown: ask the store).
    Result<Committed> commit(const Mutations& mutations);
    virtual Result<std::unique_ptr<Snapshot>> read() const = 0;

    // How many bytes of puts the next commit may hold so that every message already accepted can
    // still be finished. 0: full. Grows again as messages are finished.
    virtual std::uint64_t room() const = 0;
    // Between turns: makes room ahead (grows the map, writes ahead), gives pages back; bounded.
    virtual void housekeep() {}
    // How long commits to disk took; nullptr: it has none.
    virtual const TimeHistogram* commit_times() const noexcept { return nullptr; }

protected:
    virtual Status write(const Mutations& mutations) = 0;

private:
    std::uint64_t commits_ = 0;
};

} // namespace flotilla::queue
