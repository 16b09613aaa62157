// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/delay_wheel.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/lane.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/engine/store_check.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t findings_max = 1000;
constexpr auto check_told_every = std::chrono::seconds{1};

std::string place_text(const BlockPlace& place) {
    return "queue " + std::to_string(place.queue) + ", lane " + std::to_string(place.lane) +
           ", position " + std::to_string(place.first);
}

class Verifier {
public:
    Verifier(const Snapshot& snapshot, std::uint64_t bytes, const StoreProgress& progress)
        : snapshot_(snapshot), progress_(progress), end_bytes_(bytes) {}

    Status run() {
        using Check = void (Verifier::*)(const Entry&);
        constexpr std::pair<Table, Check> checks[] = {
            {Table::meta, &Verifier::check_meta},
            {Table::queue, &Verifier::check_queue},
            {Table::name, &Verifier::check_name},
            {Table::block, &Verifier::check_block},
            {Table::done, &Verifier::check_done},
            {Table::attempt, &Verifier::check_attempt},
            {Table::delayed, &Verifier::check_delayed},
            {Table::expiry, &Verifier::check_expiry},
            {Table::producer, &Verifier::check_producer},
            {Table::producer_age, &Verifier::check_producer_age},
            {Table::duplicate, &Verifier::check_sealed},
            {Table::duplicate_age, &Verifier::check_duplicate_age},
        };
        static_assert(std::size(checks) == tables);
        for (const auto& [table, check] : checks) {
            table_ = table;
            if (const Status read = each(table, check); !read)
                return read;
        }
        compare_counts();
        return {};
    }
    VerifyReport take() { return std::move(report_); }

private:
    Status each(Table table, void (Verifier::*check)(const Entry&)) {
        std::string at;
        for (;;) {
            const auto entry = snapshot_.at_or_after(table, at);
            if (!entry)
                return fail(entry.error());
            if (!*entry)
                return {};
            at.assign((*entry)->key);
            const Entry row{at, (*entry)->value};
            report_.bytes += row.key.size() + row.value.size();
            (this->*check)(row);
            tell();
            at.push_back('\0');
        }
    }
    void tell() {
        if (!progress_)
            return;
        const auto now = std::chrono::steady_clock::now();
        if (now - told_ < check_told_every)
            return;
        told_ = now;
        progress_(std::min(report_.bytes, end_bytes_), end_bytes_);
    }
    void damaged(std::string what) {
        ++report_.damaged;
        if (report_.findings.size() < findings_max)
            report_.findings.push_back(std::move(what));
    }
    bool has(Table table, ByteView key) {
        const auto found = snapshot_.get(table, key);
        return found && found->has_value();
    }
    bool has_queue(QueueId queue) { return has(Table::queue, queue_key(queue)); }
    template <class T>
    std::optional<T> read(const char* table, const Result<T>& key) {
        if (key)
            return *key;
        damaged(std::string(table) + ": " + key.error().detail);
        return std::nullopt;
    }

    void check_sealed(const Entry& row) {
        if (const auto value = unseal(row.value); !value)
            damaged("table " + std::to_string(static_cast<int>(table_)) + ": " +
                    value.error().detail);
    }
    void check_meta(const Entry& row) {
        // A row that only says that something is still to be done has no value.
        if (!row.value.empty())
            check_sealed(row);
    }
    void check_queue(const Entry& row) {
        const auto queue = read("queue", read_queue_key(row.key.substr(0, queue_key(0).size())));
        if (!queue)
            return;
        const std::string where = "queue " + std::to_string(*queue) + ": ";
        if (row.key.size() == queue_key(0).size()) {
            ++report_.queues;
            const auto definition = decode_definition(row.value);
            if (!definition)
                damaged(where + definition.error().detail);
            else if (const auto named = snapshot_.get(Table::name, definition->name);
                     !named || !*named || **named != row.key)
                damaged(where + "its name, " + definition->name + ", is not in the list");
            return;
        }
        Queue state;
        if (const Status decoded = decode_state(row.value, state); !decoded)
            damaged(where + decoded.error().detail);
        else if (!has_queue(*queue))
            damaged(where + "has a state and no definition");
        else
            stated_[*queue] = {state.ready, state.delayed};
    }
    void check_name(const Entry& row) {
        if (!has(Table::queue, row.value.substr(0, queue_key(0).size())))
            damaged("name " + std::string(row.key) + ": there is no such queue");
    }
    void check_block(const Entry& row) {
        const auto place = read("block", read_block_key(row.key));
        if (!place)
            return;
        if (const Status opened = block_.open(row.value); !opened) {
            damaged("block: " + place_text(*place) + ": " + opened.error().detail);
            unknown_.insert(place->queue);
            return;
        }
        report_.messages += block_.count();
        found_[place->queue].ready += block_.count();
        const bool follows = place->queue == last_.queue && place->lane == last_.lane;
        if (follows && place->first < last_.first)
            damaged("blocks overlap: " + place_text(*place));
        last_ = {place->queue, place->lane, place->first + block_.count()};
    }
    // The block that `place` is in: opened, or nothing.
    bool open_block_of(const BlockPlace& place) {
        const auto found =
            snapshot_.before(Table::block, block_key(place.queue, place.lane, place.first) + '\0');
        if (!found || !*found)
            return false;
        const auto at = read_block_key((*found)->key);
        return at && at->queue == place.queue && at->lane == place.lane &&
               block_.open((*found)->value) && place.first - at->first < block_.count();
    }
    void check_done(const Entry& row) {
        const auto place = read("done", read_block_key(row.key));
        if (!place || !has_queue(place->queue))
            return; // of a queue that is deleted, and swept up by and by
        if (!has(Table::block, row.key)) {
            damaged("finished messages of no block: " + place_text(*place));
            return;
        }
        if (row.value == encode_damaged() || !open_block_of(*place)) {
            unknown_.insert(place->queue);
            return; // said by its block
        }
        BlockUse use;
        use.count = static_cast<std::uint16_t>(block_.count());
        use.done.resize((block_.count() + 63) / 64);
        if (const Status decoded = decode_done(row.value, use); !decoded) {
            damaged("done: " + place_text(*place) + ": " + decoded.error().detail);
            unknown_.insert(place->queue);
            return;
        }
        report_.messages -= use.count - use.left;
        found_[place->queue].ready -= use.count - use.left;
    }
    void check_attempt(const Entry& row) {
        check_sealed(row);
        const auto place = read("attempt", read_block_key(row.key));
        if (place && has_queue(place->queue) && !unknown_.contains(place->queue) &&
            !open_block_of(*place))
            damaged("attempts of no message: " + place_text(*place));
    }
    void check_delayed(const Entry& row) {
        const auto place = read("delayed", read_delayed_key(row.key));
        if (!place)
            return;
        if (const Status opened = delayed_.open(row); !opened)
            damaged("delayed: queue " + std::to_string(place->queue) + ", number " +
                    std::to_string(place->number) + ": " + opened.error().detail);
        else if (has_queue(place->queue)) {
            report_.messages += delayed_.count();
            found_[place->queue].delayed += delayed_.count();
            return;
        }
        unknown_.insert(place->queue);
    }
    void check_expiry(const Entry& row) {
        // Its block may be gone: the row goes when its time comes.
        (void)read("expiry", read_expiry_key(row.key));
    }
    void check_producer(const Entry& row) {
        check_sealed(row);
        (void)read("producer", read_producer_key(row.key));
    }
    void check_producer_age(const Entry& row) {
        const auto age = read("producer_age", read_producer_age_key(row.key));
        if (age && !has(Table::producer, producer_key(age->place)))
            damaged("age of no producer: " + std::string(age->place.producer));
    }
    void check_duplicate_age(const Entry& row) {
        const auto age = read("duplicate_age", read_duplicate_age_key(row.key));
        if (age && has_queue(age->queue) &&
            !has(Table::duplicate, duplicate_key(age->queue, row.value)))
            damaged("age of no message id: queue " + std::to_string(age->queue));
    }

    // What a queue's state says it holds against what is there.
    void compare_counts() {
        for (const auto& [queue, stated] : stated_) {
            const Counts found = found_[queue];
            if (!unknown_.contains(queue) &&
                (found.ready != stated.ready || found.delayed != stated.delayed))
                damaged("queue " + std::to_string(queue) + " holds " + std::to_string(found.ready) +
                        " messages and " + std::to_string(found.delayed) +
                        " delayed ones; its state says " + std::to_string(stated.ready) + " and " +
                        std::to_string(stated.delayed));
        }
    }

    struct Counts {
        std::uint64_t ready = 0;
        std::uint64_t delayed = 0;
    };
    const Snapshot& snapshot_;
    const StoreProgress& progress_;
    std::uint64_t end_bytes_;
    std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
    VerifyReport report_{};
    Table table_{};
    BlockReader block_{};
    DelayedReader delayed_{};
    BlockPlace last_{}; // one past the last block
    std::map<QueueId, Counts> stated_{};
    std::map<QueueId, Counts> found_{};
    std::set<QueueId> unknown_{}; // something of it cannot be read
};

} // namespace

Result<VerifyReport> check_rows(const Snapshot& snapshot, std::uint64_t bytes,
                                const StoreProgress& progress) {
    Verifier verifier(snapshot, bytes, progress);
    if (const Status run = verifier.run(); !run)
        return fail(run.error());
    return verifier.take();
}

} // namespace flotilla::queue
