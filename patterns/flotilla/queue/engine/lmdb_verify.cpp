// SPDX-License-Identifier: Apache-2.0
// Verifies a data directory: its pages, before LMDB sees them, then its rows.
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_pages.hpp>
#include <flotilla/queue/engine/lmdb_reader.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/store_check.hpp>

#include <lmdb.h>

#include <utility>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;
using lmdb::Environment;

class ReaderSnapshot final : public Snapshot {
public:
    explicit ReaderSnapshot(std::unique_ptr<lmdb::Reader> reader) : reader_(std::move(reader)) {}
    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        return reader_->get(table, key);
    }
    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        return reader_->at_or_after(table, key);
    }
    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        return reader_->before(table, key);
    }

private:
    std::unique_ptr<lmdb::Reader> reader_;
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
    return check_rows(ReaderSnapshot(std::move(*reader)), environment->end_bytes(), progress);
}

} // namespace flotilla::queue
