// SPDX-License-Identifier: Apache-2.0
// Verifies a data directory: its pages, before LMDB sees them, then its rows, with those that only
// the journal has.
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_pages.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/lmdb_view.hpp>
#include <flotilla/queue/engine/store_check.hpp>

#include <lmdb.h>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;
using lmdb::Environment;

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
    const auto view = lmdb::View::open(*environment, directory);
    if (!view)
        return fail(view.error());
    auto report = check_rows(view->snapshot(), environment->end_bytes(), progress);
    if (report && view->journal_error()) {
        ++report->damaged;
        report->findings.push_back(view->journal_error()->detail);
    }
    if (const auto told = lmdb::journal_given_up_in(view->snapshot()); told && report)
        report->given_up = *told;
    return report;
}

} // namespace flotilla::queue
