// SPDX-License-Identifier: Apache-2.0
//
// ProducerTable: how far each producer has come in each queue, so that a repeated put is known for
// one. On disk, with a bounded cache; a turn's changes are rows of the turn's own commit.
//
//     row      (producer u8 length + bytes, queue u32) -> version sequence(u64) seen_ms(u64) check
//     age row  (seen_ms u64, producer, queue) -> nothing
//
// Sequences of a (producer, queue) start at 1 and have no gaps. A row outlives its messages; it
// goes when there are too many (least recently seen first) or it was not seen for too long. `seen`
// is kept to a minute. A whole batch is judged by one look.
//
// Call order in a turn: judge and settle, reap, flush; committed() after the commit, which may come
// several turns later (durability=relaxed). After a failed commit the table is thrown away.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::queue {

class ProducerTable {
public:
    static constexpr std::size_t cached_max = 10'000; // between turns

    ProducerTable(std::uint32_t entries_max, Duration age_max);
    void set_limits(std::uint32_t entries_max, Duration age_max);

    enum class Verdict : std::uint8_t {
        fresh,            // take the put, but for its first `repeated` messages
        out_of_order,     // there is a gap before it: `settled` + 1 must come first
        unknown_producer, // forgotten, or never heard of: only sequence 1 may begin
    };
    struct Judgement {
        Verdict verdict = Verdict::fresh;
        std::uint64_t repeated = 0; // of the put's messages, from its first one
        std::uint64_t settled = 0;  // all up to here were settled before
    };
    // Of a put of `messages` (at least 1) numbered from `sequence` (at least 1) on. Nothing
    // changes. Errors: io, damaged.
    Result<Judgement> judge(const Snapshot& snapshot, QueueId queue, std::string_view producer,
                            std::uint64_t sequence, std::uint64_t messages);
    // Everything up to `sequence` is stored, or refused for good. After judge() of the same put.
    void settle(QueueId queue, std::string_view producer, std::uint64_t sequence,
                std::int64_t wall_ms);

    // Forgets rows that are too old or too many, bounded a turn: the number of those that were not
    // too old. Errors: io, damaged.
    Result<std::uint64_t> reap(const Snapshot& snapshot, Mutations& mutations,
                               std::int64_t wall_ms);
    void flush(Mutations& mutations);
    void committed();

    // Rows on disk; a lower bound until they are counted, in the background after a start.
    std::uint64_t rows() const noexcept { return rows_; }

private:
    struct Entry {
        std::string key{}; // of its row
        std::uint64_t sequence = 0;
        std::int64_t seen_ms = 0;
        std::int64_t stored_ms = 0; // seen, in its age row
        bool is_stored = false;     // has rows, or flush() has written them
        bool is_changed = false;    // since the last flush
        bool is_pending = false;    // since the last commit
    };
    using Entries = std::list<Entry>; // most recently used first

    struct Found {
        Entry* entry = nullptr;
        bool is_damaged = false;
    };
    Result<Found> load(const Snapshot& snapshot, QueueId queue, std::string_view producer);
    Entry* cached(QueueId queue, std::string_view producer);
    Entry& add(Entry entry);
    void forget(ByteView key);
    Status begin(const Snapshot& snapshot);
    Status count_some(const Snapshot& snapshot);
    std::int64_t seen_now(std::int64_t wall_ms) const noexcept;
    bool is_row_counted(const std::string& age_key, std::int64_t seen_ms) const noexcept;
    void erase_age_row(Mutations& mutations, std::string age_key, std::int64_t seen_ms);

    std::uint32_t entries_max_;
    Duration age_max_;
    Entries entries_{};
    std::unordered_map<std::string_view, Entries::iterator> index_{}; // keys are the entries'
    std::vector<Entries::iterator> changed_{};
    std::vector<Entries::iterator> pending_{};
    std::string key_{}; // scratch
    std::uint64_t rows_ = 0;
    std::uint64_t added_ = 0; // rows since the last flush
    bool has_reaped_ = false; // since the last commit

    // Rows of before the start are counted little by little; this process's are newer than all of
    // them, so that a row is counted once.
    bool is_begun_ = false;
    bool is_counted_ = false;
    std::int64_t ours_from_ms_ = 0;
    std::string counted_up_to_{}; // age row key
};

} // namespace flotilla::queue
