// SPDX-License-Identifier: Apache-2.0
// Reads every row of a store: its key, its checksum, and the rows that must be there beside it.
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/delay_wheel.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_pages.hpp>
#include <flotilla/queue/engine/lmdb_reader.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/record.hpp>

#include <lmdb.h>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;
using lmdb::Environment;

constexpr std::size_t findings_max = 1000;
constexpr auto progress_interval = std::chrono::seconds{1};

std::string place_text(const BlockPlace& place) {
    return "queue " + std::to_string(place.queue) + ", lane " + std::to_string(place.lane) +
           ", position " + std::to_string(place.first);
}

class Verifier {
public:
    Verifier(const Environment& environment, std::unique_ptr<lmdb::Reader> reader,
             const StoreProgress& progress)
        : reader_(std::move(reader)), progress_(progress), end_bytes_(environment.end_bytes()) {}

    Status run() {
        using Check = void (Verifier::*)(const Entry&);
        constexpr std::pair<Table, Check> checks[] = {
            {Table::meta, &Verifier::check_sealed},
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
        return {};
    }
    VerifyReport take() { return std::move(report_); }

private:
    Status each(Table table, void (Verifier::*check)(const Entry&)) {
        std::string at;
        for (;;) {
            const auto entry = reader_->at_or_after(table, at);
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
        if (now - told_ < progress_interval)
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
        const auto found = reader_->get(table, key);
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
    void check_queue(const Entry& row) {
        check_sealed(row);
        if (row.key.size() == queue_key(0).size()) {
            ++report_.queues;
            return;
        }
        const auto queue = read("queue", read_queue_key(row.key.substr(0, queue_key(0).size())));
        if (queue && !has_queue(*queue))
            damaged("queue " + std::to_string(*queue) + " has a state and no definition");
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
            return;
        }
        report_.messages += block_.count();
        const bool follows = place->queue == last_.queue && place->lane == last_.lane;
        if (follows && place->first < last_.first)
            damaged("blocks overlap: " + place_text(*place));
        last_ = {place->queue, place->lane, place->first + block_.count()};
    }
    // The block that `place` is in: opened, or nothing.
    bool open_block_of(const BlockPlace& place) {
        const auto found =
            reader_->before(Table::block, block_key(place.queue, place.lane, place.first) + '\0');
        if (!found || !*found)
            return false;
        const auto at = read_block_key((*found)->key);
        return at && at->queue == place.queue && at->lane == place.lane &&
               block_.open((*found)->value) && place.first - at->first < block_.count();
    }
    void check_done(const Entry& row) {
        check_sealed(row);
        const auto place = read("done", read_block_key(row.key));
        if (!place)
            return;
        if (!has(Table::block, row.key)) {
            damaged("finished messages of no block: " + place_text(*place));
            return;
        }
    }
    void check_attempt(const Entry& row) {
        check_sealed(row);
        const auto place = read("attempt", read_block_key(row.key));
        if (place && !open_block_of(*place))
            damaged("attempts of no message: " + place_text(*place));
    }
    void check_delayed(const Entry& row) {
        const auto place = read("delayed", read_delayed_key(row.key));
        if (!place)
            return;
        if (const Status opened = delayed_.open(row); !opened)
            damaged("delayed: queue " + std::to_string(place->queue) + ", number " +
                    std::to_string(place->number) + ": " + opened.error().detail);
        else
            report_.messages += delayed_.count();
    }
    void check_expiry(const Entry& row) {
        const auto place = read("expiry", read_expiry_key(row.key));
        const auto& block = place ? place->block : BlockPlace{};
        if (place && !has(Table::block, block_key(block.queue, block.lane, block.first)))
            damaged("expiry of no block: " + place_text(block));
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
        if (age && !has(Table::duplicate, duplicate_key(age->queue, row.value)))
            damaged("age of no message id: queue " + std::to_string(age->queue));
    }

    std::unique_ptr<lmdb::Reader> reader_;
    const StoreProgress& progress_;
    std::uint64_t end_bytes_;
    std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
    VerifyReport report_{};
    Table table_{};
    BlockReader block_{};
    DelayedReader delayed_{};
    BlockPlace last_{}; // one past the last block
};

// The pages of the last commit, whoever commits meanwhile.
Result<lmdb::PageReport> look_through_last(const Environment& environment,
                                           const StoreProgress& progress) {
    constexpr int attempts_max = 1000; // each lost to two commits within microseconds
    for (int attempts = 0;; ++attempts) {
        const auto reading = lmdb::Reading::begin(environment);
        if (!reading)
            return fail(reading.error());
        auto report =
            lmdb::look_through(environment.descriptor(), mdb_txn_id(reading->get()), progress);
        if (report || report.error().code != Errc::would_block || attempts == attempts_max)
            return report;
    }
}

} // namespace

Result<VerifyReport> verify_store(const fs::path& directory, const StoreProgress& progress) {
    if (DataDirectory::is_ours(directory))
        return fail(Errc::address_in_use,
                    directory.string() + " is open in this process; verify it from another");
    constexpr auto access = Environment::Access::read_only;
    auto environment = Environment::open_file(directory, access, 0);
    if (!environment)
        return fail(environment.error());
    const auto pages = look_through_last(*environment, progress);
    if (!pages)
        return fail(pages.error());
    if (pages->damaged > 0) { // LMDB must not see these
        VerifyReport report;
        report.bytes = pages->used * environment->page_bytes();
        report.damaged = pages->damaged;
        report.findings = pages->findings;
        return report;
    }
    if (const Status opened = environment->open_tables(access, LmdbStore::format); !opened)
        return fail(opened.error());
    auto reader = lmdb::Reader::open(*environment);
    if (!reader)
        return fail(reader.error());
    Verifier verifier(*environment, std::move(*reader), progress);
    if (const Status run = verifier.run(); !run)
        return fail(run.error());
    return verifier.take();
}

} // namespace flotilla::queue
