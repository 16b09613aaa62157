// SPDX-License-Identifier: Apache-2.0
// The journal in front of LMDB: what it has counts as committed, whatever happens to either.
#include <store/queue/journal_rig.hpp>
#include <store/queue/lmdb_faults.hpp>
#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

namespace {

// The rows of these tests are no blocks, which is found as well.
std::size_t journal_findings(const fs::path& path) {
    const auto report = verify_store(path);
    REQUIRE(report);
    std::size_t found = 0;
    for (const std::string& finding : report->findings)
        found += finding.find("journal") != std::string::npos ? 1 : 0;
    return found;
}

} // namespace

TEST_CASE("small turns are in the journal, and there again after the process died") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [](LmdbStore& store) {
                const bool are_in = put_many(store, 0, 50) && store.levels().journal_used_bytes > 0;
                Mutations turn; // of what the journal alone has
                turn.erase(Table::block, block_key(1, 0, 7));
                return are_in && store.commit(turn) && rows_in(store, Table::block) == 49;
            }) == 0);
    const auto report = verify_store(path);
    REQUIRE(report);
    CHECK(report->bytes >= 49 * 100);
    const auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    CHECK(rows_in(**store, Table::block) == 49);
    CHECK(value_at(**store, Table::block, block_key(1, 0, 8)) == row_of(8));
    CHECK((*store)->levels().journal_used_bytes == 0);
}

TEST_CASE("the journal begins again once LMDB has what is in it, any number of times") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [](LmdbStore& store) {
                std::uint64_t used = 0;
                int again = 0;
                for (Position number = 0; number < 1'500; ++number) {
                    if (!put(store, number, number % 500 == 0 ? 40'000 : 100))
                        return false;
                    if (number % 3 == 0)
                        store.housekeep();
                    again += store.levels().journal_used_bytes < used ? 1 : 0;
                    used = store.levels().journal_used_bytes;
                }
                return again > 10 && used <= store.levels().journal_bytes;
            }) == 0);
    CHECK(fs::file_size(path / journal_name) == small_store().bytes_max / 256);
    CHECK(rows_after_restart(path) == 1'500);
}

TEST_CASE("of a turn that was being written when the power went, any block may be missing") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [](LmdbStore& store) {
                return put_many(store, 0, 5) && put(store, 5, 3 * journal_block_bytes - 200);
            }) == 0);
    const std::string journal = bytes_of(path / journal_name);
    const std::uint64_t last = journal_heads_bytes + 5 * journal_block_bytes;
    for (unsigned missing = 0; missing < 8; ++missing) {
        const fs::path copy = folder.path() / ("copy-" + std::to_string(missing));
        fs::copy(path, copy);
        fs::permissions(copy, fs::perms::owner_all);
        for (unsigned block = 0; block < 3; ++block)
            if ((missing >> block & 1) != 0)
                write_at(copy / journal_name, last + block * journal_block_bytes,
                         std::string(journal_block_bytes, missing % 2 == 0 ? '\0' : 'o'));
        INFO("missing " << missing);
        CHECK(journal_findings(copy) == 0);
        CHECK(rows_after_restart(copy) == (missing == 0 ? 6 : 5));
    }
    for (std::uint64_t at = last; at < last + 40; ++at) { // or any byte of it be wrong
        const fs::path copy = folder.path() / ("byte-" + std::to_string(at));
        fs::copy(path, copy);
        fs::permissions(copy, fs::perms::owner_all);
        write_at(copy / journal_name, at, std::string(1, static_cast<char>(journal[at] ^ 0x20)));
        INFO("byte " << at);
        CHECK(rows_after_restart(copy) == 5);
    }
}

TEST_CASE("a confirmed turn that cannot be read is not passed over in silence") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [](LmdbStore& store) { return put_many(store, 0, 5); }) == 0);
    write_at(path / journal_name, journal_heads_bytes + 2 * journal_block_bytes + 60, "damage");
    CHECK(journal_findings(path) == 1);
    const auto opened = LmdbStore::open(path, small_store());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::damaged);
    CHECK(back_up_store(path, folder.path() / "copy").error().code == Errc::damaged);
    const auto done = give_up_journal(path, small_store()); // what the message advises
    REQUIRE(done);
    CHECK(done->turns_kept == 2);
    CHECK(rows_after_restart(path) == 2);
}

TEST_CASE("a journal that fails is done without, and used again later") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [&](LmdbStore& store) {
                bool is_right = put_many(store, 0, 5);
                FullDescriptor fault(path / journal_name, FullDescriptor::Which::head);
                is_right = is_right && put_many(store, 5, 10);
                is_right = is_right && store.levels().journal_bytes == 0;
                for (int i = 0; i < 1'000 && store.levels().journal_bytes == 0; ++i)
                    store.housekeep();
                return is_right && store.levels().journal_bytes > 0 && put_many(store, 10, 15) &&
                       store.levels().journal_used_bytes > 0;
            }) == 0);
    CHECK(rows_after_restart(path) == 15);
}

TEST_CASE("when journal and LMDB both fail the turn is not there, nor later by surprise") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [&](LmdbStore& store) {
                bool is_right = put_many(store, 0, 5);
                {
                    FullDescriptor journal(path / journal_name, FullDescriptor::Which::head);
                    FullDescriptor pages(path / "data.mdb", FullDescriptor::Which::pages);
                    is_right = is_right && !put(store, 5) && store.room() == 0;
                    is_right = is_right && rows_in(store, Table::block) == 5;
                }
                return is_right && put(store, 6) && rows_in(store, Table::block) == 6;
            }) == 0);
    const auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    CHECK(rows_in(**store, Table::block) == 6);
    CHECK_FALSE(value_at(**store, Table::block, block_key(1, 0, 5)));
}

TEST_CASE("a large turn that fails leaves what the journal has") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    for (const auto which : {FullDescriptor::Which::pages, FullDescriptor::Which::head}) {
        std::size_t rows = 0;
        REQUIRE(dies_after(path, [&](LmdbStore& store) {
                    rows = rows_in(store, Table::block);
                    bool is_right = put_many(store, rows, rows + 5);
                    {
                        FullDescriptor fault(path / "data.mdb", which);
                        is_right = is_right && !put(store, rows + 5, 60'000);
                    }
                    const std::size_t now = rows_in(store, Table::block);
                    // What failed last may have been its second sync.
                    is_right = is_right && (now == rows + 5 || now == rows + 6);
                    return is_right && put(store, rows + 5, 50) &&
                           value_at(store, Table::block, block_key(1, 0, rows + 5)) ==
                               row_of(rows + 5, 50);
                }) == 0);
        rows = rows_after_restart(path);
        CHECK(rows % 6 == 0);
    }
}

TEST_CASE("a backup has what only the journal has, and a restored store has it too") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    REQUIRE(dies_after(path, [](LmdbStore& store) {
                Mutations turn;
                define(turn, 1, "queue");
                turn.put(Table::block, block_key(1, 0, 0), block_of(3, 100));
                return store.commit(turn) && store.levels().journal_used_bytes > 0;
            }) == 0);
    REQUIRE(back_up_store(path, folder.path() / "copy"));
    CHECK(verify_store(folder.path() / "copy")->messages == 3);
    REQUIRE(restore_store(folder.path() / "copy", folder.path() / "again"));
    CHECK(verify_store(folder.path() / "again")->messages == 3);
    const auto store = LmdbStore::open(folder.path() / "again", small_store());
    REQUIRE(store);
    CHECK(rows_in(**store, Table::block) == 1);
}

TEST_CASE("a store that was made without a journal is taken, and then has the newest format") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    LmdbOptions alone = small_store();
    alone.journal_bytes = 0;
    {
        const auto store = LmdbStore::open(path, alone);
        REQUIRE(store);
        wire::Writer row;
        row.u8(1).u32(1);
        Mutations turn;
        turn.put(Table::meta, "format", seal(row.take()));
        turn.put(Table::block, block_key(1, 0, 0), "x");
        REQUIRE((*store)->commit(turn));
        CHECK_FALSE(fs::exists(path / journal_name));
    }
    REQUIRE(dies_after(path, [](LmdbStore& store) { return put(store, 1).has_value(); }) == 0);
    {
        const auto store = LmdbStore::open(path, alone); // and the other way
        REQUIRE(store);
        CHECK(rows_in(**store, Table::block) == 2);
        wire::Writer row;
        row.u8(1).u32(LmdbStore::format);
        CHECK(value_at(**store, Table::meta, "format") == seal(row.take()));
        REQUIRE(put(**store, 2));
    }
    CHECK(rows_after_restart(path) == 3);
}
