// SPDX-License-Identifier: Apache-2.0
// A journal that is not the one a store needs is never taken in silence: what it may have held was
// confirmed. And what was begun and not ended when a process died does no harm.
#include <flotilla/queue/engine/lmdb_environment.hpp>

#include <store/queue/journal_rig.hpp>
#include <store/queue/lmdb_faults.hpp>
#include <support/catch.hpp>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

namespace {

// The sentence with which opening is refused; it has to name the file, and what can be done.
std::string refusal(const fs::path& path) {
    const auto opened = LmdbStore::open(path, small_store());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::damaged);
    CHECK(opened.error().detail.find((path / journal_name).string()) == 0);
    CHECK(opened.error().detail.find("flotilla-store give-up-journal --data " + path.string()) !=
          std::string::npos);
    return opened.error().detail;
}
bool says(const std::string& sentence, const std::string& part) {
    INFO(sentence);
    return sentence.find(part) != std::string::npos;
}

// A store in `path` with so many rows, all of them in the journal alone.
void die_with(const fs::path& path, Position rows) {
    REQUIRE(dies_after(path, [&](LmdbStore& store) { return put_many(store, 0, rows); }) == 0);
}

void replace(const fs::path& from, const fs::path& to) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

struct Folder {
    ScratchFolder scratch{};
    fs::path path = scratch.path() / "data";
    fs::path journal = path / journal_name;
    fs::path aside(const std::string& name) const { return scratch.path() / name; }
};

} // namespace

TEST_CASE("a store whose journal is missing is not opened, and not verified as whole") {
    const Folder folder;
    die_with(folder.path, 5);
    fs::rename(folder.journal, folder.aside("journal"));
    CHECK(says(refusal(folder.path), "is missing"));
    const auto report = verify_store(folder.path);
    REQUIRE(report);
    CHECK(says(report->findings.back(), "is missing"));
    CHECK(back_up_store(folder.path, folder.aside("copy")).error().code == Errc::damaged);
    CHECK(restore_store(folder.path, folder.aside("new")).error().code == Errc::damaged);
    CHECK_FALSE(fs::exists(folder.journal)); // and none was made
    fs::rename(folder.aside("journal"), folder.journal);
    CHECK(rows_after_restart(folder.path) == 5);
}

TEST_CASE("a store that was closed needs no journal") {
    const Folder folder;
    die_with(folder.path, 5);
    CHECK(rows_after_restart(folder.path) == 5); // and closed
    fs::remove(folder.journal);
    CHECK(rows_after_restart(folder.path) == 5);
}

TEST_CASE("another store's journal is neither taken nor written over") {
    const Folder folder;
    const fs::path other = folder.aside("other");
    die_with(folder.path, 5);
    die_with(other, 9);
    replace(folder.journal, folder.aside("journal"));
    replace(other / journal_name, folder.journal);
    CHECK(says(refusal(folder.path), "belongs to another store"));
    replace(folder.aside("journal"), folder.journal);
    CHECK(rows_after_restart(folder.path) == 5);
    // It is what the other needs, even where nothing is needed.
    replace(other / journal_name, folder.journal);
    CHECK(says(refusal(folder.path), "belongs to another store"));
    replace(folder.journal, other / journal_name);
    CHECK(rows_after_restart(other) == 9);
}

TEST_CASE("a journal beside a data file that is new is not written over") {
    const Folder folder;
    die_with(folder.path, 5);
    fs::rename(folder.path / "data.mdb", folder.aside("data.mdb"));
    fs::remove(folder.path / "lock.mdb");
    CHECK(says(refusal(folder.path), "data.mdb is new"));
    CHECK(says(refusal(folder.path), "data.mdb is new")); // it was not made by being refused
    fs::rename(folder.aside("data.mdb"), folder.path / "data.mdb");
    CHECK(rows_after_restart(folder.path) == 5);
}

TEST_CASE("a journal that was cut off anywhere is told") {
    const Folder folder;
    die_with(folder.path, 5);
    const auto whole = fs::file_size(folder.journal);
    for (const std::uint64_t left :
         {whole - 1, whole / 2, journal_heads_bytes + 2 * journal_block_bytes, journal_heads_bytes,
          journal_block_bytes, std::uint64_t{100}, std::uint64_t{0}}) {
        const fs::path copy = folder.aside("cut-" + std::to_string(left));
        fs::copy(folder.path, copy);
        fs::permissions(copy, fs::perms::owner_all);
        fs::resize_file(copy / journal_name, left);
        INFO("left " << left);
        (void)refusal(copy);
    }
}

TEST_CASE("an older copy of the journal is told once LMDB has been given what it lacked") {
    const Folder folder;
    die_with(folder.path, 5);
    replace(folder.journal, folder.aside("older"));
    const auto goes_on = [&](const std::function<bool(LmdbStore&)>& work) {
        replace(folder.path / "data.mdb", folder.aside("data.mdb"));
        replace(folder.journal, folder.aside("journal"));
        REQUIRE(dies_after(folder.path, work) == 0);
        replace(folder.aside("older"), folder.journal);
        CHECK(says(refusal(folder.path), "is an older copy"));
        replace(folder.aside("data.mdb"), folder.path / "data.mdb");
        replace(folder.aside("journal"), folder.journal);
    };
    goes_on([](LmdbStore& store) { return put(store, 5).has_value(); }); // by a start
    goes_on([](LmdbStore& store) {                                       // by a checkpoint
        Position row = 5;
        while (row < 2'000 && store.levels().journal_used_bytes > 0) {
            if (!put(store, row++))
                return false;
            store.housekeep();
        }
        return put_many(store, row, row + 3);
    });
    goes_on([](LmdbStore& store) { // by turns that are too large for it, sooner or later
        for (Position row = 5; row < 45; row += 2)
            if (!put(store, row) || !put(store, row + 1, 40'000))
                return false;
        return put(store, 45).has_value();
    });
}

TEST_CASE("an older copy of the data file is told by its journal") {
    const Folder folder;
    die_with(folder.path, 5);
    replace(folder.path / "data.mdb", folder.aside("in use"));
    CHECK(rows_after_restart(folder.path) == 5);
    replace(folder.path / "data.mdb", folder.aside("at rest"));
    die_with(folder.path, 9);
    for (const char* older : {"in use", "at rest"}) {
        replace(folder.aside(older), folder.path / "data.mdb");
        (void)refusal(folder.path);
    }
}

TEST_CASE(
    "an older copy of the data file is told where only a turn too large for a journal is missing") {
    const Folder folder;
    REQUIRE(dies_after(folder.path, [&](LmdbStore& store) {
                // The first takes the small turns with it, so that the second is all there is.
                if (!put_many(store, 0, 5) || !put(store, 5, 20'000))
                    return false;
                replace(folder.path / "data.mdb", folder.aside("older"));
                return put(store, 6, 20'000) && put_many(store, 7, 10);
            }) == 0);
    replace(folder.path / "data.mdb", folder.aside("now"));
    replace(folder.aside("older"), folder.path / "data.mdb");
    (void)refusal(folder.path);
    replace(folder.aside("now"), folder.path / "data.mdb");
    CHECK(rows_after_restart(folder.path) == 10);
}

TEST_CASE("what a start had begun with its journal when it ended does no harm") {
    const Folder folder;
    die_with(folder.path, 5);
    CHECK(rows_after_restart(folder.path) == 5);
    const auto whole = fs::file_size(folder.journal);
    // A new file that did not get its name.
    std::ofstream(folder.path / "journal.part") << std::string(10'000, 'x');
    fs::remove(folder.journal);
    CHECK(rows_after_restart(folder.path) == 5);
    CHECK(fs::file_size(folder.journal) == whole);
    CHECK_FALSE(fs::exists(folder.path / "journal.part"));
    // The journal has its next generation, the data file has not.
    replace(folder.path / "data.mdb", folder.aside("data.mdb"));
    REQUIRE(dies_after(folder.path, [](LmdbStore&) { return true; }) == 0);
    const std::string head = bytes_of(folder.journal);
    replace(folder.aside("data.mdb"), folder.path / "data.mdb");
    CHECK(rows_after_restart(folder.path) == 5);
    // And the other way round while turns are in it: one of two heads written by half.
    die_with(folder.path, 8);
    const auto newest = find_journal_head(bytes_of(folder.journal));
    REQUIRE(newest);
    write_at(folder.journal, offset_of_head(newest->generation + 1),
             std::string(journal_block_bytes, 'o'));
    CHECK(rows_after_restart(folder.path) == 8);
    die_with(folder.path, 11);
    const auto now = find_journal_head(bytes_of(folder.journal));
    write_at(folder.journal, offset_of_head(now->generation), std::string(20, 'o'));
    CHECK(says(refusal(folder.path), "older copy"));
    write_at(folder.journal, 0, std::string(journal_heads_bytes, 'o'));
    CHECK(says(refusal(folder.path), "is no journal"));
}

TEST_CASE("a journal is given up when an operator says so, and the store remembers it") {
    const Folder folder;
    REQUIRE(dies_after(folder.path, [](LmdbStore& store) {
                Mutations turn;
                define(turn, 1, "queue");
                Queue queue;
                queue.next = 4;
                queue.ready = 3;
                queue.lanes.resize(1);
                queue.lanes[0].tail = 4;
                turn.put(Table::queue, queue_key(1) + 's', encode_state(queue, Horizons::bounds));
                turn.put(Table::block, block_key(1, 0, 1), block_of(3, 40'000)); // past the journal
                return store.commit(turn) && put(store, 100);
            }) == 0);
    fs::rename(folder.journal, folder.aside("journal"));
    (void)refusal(folder.path);
    const auto done = give_up_journal(folder.path, small_store());
    REQUIRE(done);
    CHECK(says(done->fault, "is missing"));
    CHECK(done->turns_kept == 0);
    CHECK(done->kept_as.empty());
    const auto report = verify_store(folder.path);
    REQUIRE(report);
    CHECK(report->damaged == 0);
    REQUIRE(report->given_up);
    CHECK(report->given_up->times == 1);
    {
        const auto store = LmdbStore::open(folder.path, small_store());
        REQUIRE(store);
        CHECK(rows_in(**store, Table::block) == 1);
        REQUIRE((*store)->given_up());
        Queue queue; // any of them may have been delivered, and further numbers been given
        REQUIRE(decode_state(*value_at(**store, Table::queue, queue_key(1) + 's'), queue));
        CHECK(queue.lanes[0].maybe_below > 4);
        CHECK(queue.next > std::uint64_t{1} << 32);
    }
    // Found again, it is not taken for the store's.
    REQUIRE(dies_after(folder.path, [](LmdbStore& store) { return put(store, 7).has_value(); }) ==
            0);
    replace(folder.aside("journal"), folder.journal);
    CHECK(says(refusal(folder.path), "older copy"));
    const auto again = give_up_journal(folder.path, small_store());
    REQUIRE(again);
    CHECK(bytes_of(again->kept_as) == bytes_of(folder.aside("journal")));
    CHECK_FALSE(fs::exists(folder.journal));
    CHECK(verify_store(folder.path)->given_up->times == 2);
}

TEST_CASE("a disk with no byte left gives nothing up, and is told what to do") {
    const Folder folder;
    die_with(folder.path, 5);
    fs::rename(folder.journal, folder.aside("journal"));
    std::ofstream(folder.journal) << "no journal";
    const int status = in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto done = give_up_journal(folder.path, small_store());
        return !done && done.error().code == Errc::disk_full &&
               says(done.error().detail, "nothing was changed: make some room on this disk");
    });
    CHECK(status == 0);
    for (const auto& each : fs::directory_iterator(folder.path)) // under no second name
        CHECK(each.path().filename().string().find("given-up") == std::string::npos);
    CHECK(fs::exists(folder.journal));
    CHECK(give_up_journal(folder.path, small_store()));
}

TEST_CASE("nothing is given up where nothing has to be") {
    const Folder folder;
    die_with(folder.path, 5);
    CHECK(give_up_journal(folder.path, small_store()).error().code == Errc::refused);
    CHECK(rows_after_restart(folder.path) == 5);
    CHECK(give_up_journal(folder.path, small_store()).error().code == Errc::refused);
}

TEST_CASE("a store of format 2, with turns in a journal without head, is taken") {
    const Folder folder;
    die_with(folder.path, 5);
    const std::string now = bytes_of(folder.journal);
    std::uint64_t store_id = 0;
    {
        LmdbOptions alone = small_store();
        alone.journal_bytes = 0;
        fs::copy(folder.path, folder.aside("older"));
        fs::permissions(folder.aside("older"), fs::perms::owner_all);
        fs::remove(folder.path / "data.mdb");
        fs::remove(folder.journal);
        const auto older = LmdbStore::open(folder.path, alone);
        REQUIRE(older);
        store_id = find_journal_head(now)->store;
        wire::Writer format;
        format.u8(1).u32(2);
        wire::Writer mark;
        mark.u8(1).u64(store_id).u64(10);
        Mutations turn;
        turn.put(Table::meta, "format", seal(format.take()));
        turn.put(Table::meta, std::string(JournalMark::key), seal(mark.take()));
        REQUIRE((*older)->commit(turn));
    }
    Mutations turn;
    turn.put(Table::block, block_key(1, 0, 0), row_of(0));
    const std::string bytes = encode_journal_turn(store_id, 11, turn);
    std::ofstream(folder.journal, std::ios::binary) << bytes << std::string(100'000, '\0');
    CHECK(verify_store(folder.path));
    CHECK(rows_after_restart(folder.path) == 1);
    fs::remove(folder.journal);
    CHECK(rows_after_restart(folder.path) == 1);
}
