// SPDX-License-Identifier: Apache-2.0
// What stands where a journal should: no file is waited for, followed, or read beyond its journal.
#include <store/queue/journal_rig.hpp>
#include <store/queue/lmdb_faults.hpp>
#include <support/catch.hpp>
#include <sys/stat.h>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

TEST_CASE("what is no ordinary file is no journal, and can be given up") {
    const std::string kind = GENERATE("pipe", "folder", "link");
    INFO(kind);
    const ScratchFolder scratch;
    const fs::path path = scratch.path() / "data";
    const fs::path journal = path / journal_name;
    REQUIRE(dies_after(path, [](LmdbStore& store) { return put_many(store, 0, 5); }) == 0);
    fs::rename(journal, scratch.path() / "aside");
    if (kind == "pipe")
        REQUIRE(::mkfifo(journal.c_str(), 0600) == 0);
    else if (kind == "folder")
        fs::create_directory(journal);
    else
        fs::create_symlink(scratch.path() / "aside", journal);
    const auto opened = LmdbStore::open(path, small_store());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::damaged);
    CHECK(opened.error().detail.find(journal.string()) == 0);
    CHECK(opened.error().detail.find("give-up-journal") != std::string::npos);
    if (kind == "folder")
        fs::remove(journal); // which has no second name to keep it under
    const auto given_up = give_up_journal(path);
    INFO((given_up ? std::string() : to_string(given_up.error())));
    CHECK(given_up);
    CHECK(LmdbStore::open(path, small_store()));
}

TEST_CASE("a journal is read to its own end, however long its file is") {
    const ScratchFolder scratch;
    const fs::path path = scratch.path() / "data";
    REQUIRE(dies_after(path, [](LmdbStore& store) { return put_many(store, 0, 5); }) == 0);
    fs::resize_file(path / journal_name, std::uintmax_t{1} << 40); // a hole
    CHECK(rows_after_restart(path) == 5);
}
