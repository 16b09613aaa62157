// SPDX-License-Identifier: Apache-2.0
// What is of LMDB alone: the directory, who may have it, what is found in it at the next start.
#include <store/queue/lmdb_faults.hpp>
#include <store/queue/subject.hpp>
#include <support/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<LmdbStore> open_at(const fs::path& path, LmdbOptions options = small_store()) {
    auto opened = LmdbStore::open(path, options);
    if (!opened)
        throw std::runtime_error(to_string(opened.error()));
    return std::move(*opened);
}

Errc refused(const fs::path& path, LmdbOptions options = small_store()) {
    const auto opened = LmdbStore::open(path, options);
    REQUIRE_FALSE(opened);
    UNSCOPED_INFO(opened.error().detail);
    CHECK_FALSE(opened.error().detail.empty());
    return opened.error().code;
}

void put_one(Store& store, const std::string& key, const std::string& value) {
    Mutations turn;
    turn.put(Table::name, key, value);
    REQUIRE(store.commit(turn));
}

unsigned mode_of(const fs::path& path) {
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    return found.st_mode & 0777;
}

} // namespace

TEST_CASE("a store makes its directory for its owner alone and finds its rows there again") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    {
        const auto store = open_at(path);
        put_one(*store, "key", "value");
    }
    CHECK(mode_of(path) == 0700);
    CHECK(mode_of(path / "data.mdb") == 0600);
    CHECK(mode_of(path / "lock") == 0600);
    CHECK(value_at(*open_at(path), Table::name, "key") == "value");
}

TEST_CASE("a store needs the parent of its directory, and a directory") {
    ScratchFolder folder;
    CHECK(refused(folder.path() / "no" / "data") == Errc::not_found);
    std::ofstream(folder.path() / "file") << "x";
    CHECK(refused(folder.path() / "file") == Errc::io);
}

TEST_CASE("a directory that others may write to is refused") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fs::create_directory(path);
    fs::permissions(path, fs::perms::owner_all | fs::perms::others_write);
    CHECK(refused(path) == Errc::unsafe_file);
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read);
    CHECK(LmdbStore::open(path, small_store()));
}

TEST_CASE("limits out of range are refused") {
    ScratchFolder folder;
    LmdbOptions options = small_store();
    options.bytes_max = (16ULL << 20) - 1;
    CHECK(refused(folder.path() / "a", options) == Errc::bad_option);
    options.bytes_max = (1ULL << 50) + 1;
    CHECK(refused(folder.path() / "a", options) == Errc::bad_option);
    options.bytes_max = 16ULL << 20;
    options.write_ahead_bytes = 17ULL << 20;
    CHECK(refused(folder.path() / "a", options) == Errc::bad_option);
    CHECK_FALSE(fs::exists(folder.path() / "a"));
}

TEST_CASE("two stores on one directory: the second is refused and told who has it") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    auto store = open_at(path);
    const auto second = LmdbStore::open(path, small_store());
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::address_in_use);
    CHECK(second.error().detail.find(std::to_string(::getpid())) != std::string::npos);
    const int status = in_child([&] {
        const auto other = LmdbStore::open(path, small_store());
        return !other && other.error().code == Errc::address_in_use;
    });
    CHECK(status == 0);
    store.reset();
    CHECK(LmdbStore::open(path, small_store()));
}

TEST_CASE("a directory stays its store's when the file lock is deleted from it") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    const auto store = open_at(path);
    fs::remove(path / "lock");
    CHECK(refused(path) == Errc::address_in_use);
}

TEST_CASE("a store whose files are deleted has no room, and what is in it can still be read") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    const auto store = open_at(path);
    put_one(*store, "key", "value");
    CHECK(store->room() > 0);
    CHECK_FALSE(store->is_deleted());
    SECTION("its data") {
        fs::remove(path / "data.mdb");
    }
    SECTION("its journal") {
        fs::remove(path / "journal");
    }
    SECTION("its directory, and another one is there") {
        fs::remove_all(path);
        (void)open_at(path);
    }
    CHECK(store->room() == 0);
    CHECK(store->is_deleted());
    CHECK(store->levels().is_deleted);
    CHECK(value_at(*store, Table::name, "key") == "value");
}

TEST_CASE("a process that is killed leaves its directory to the next one") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const auto store = open_at(path);
        Mutations turn;
        turn.put(Table::name, "key", "value");
        if (store->commit(turn))
            ::kill(::getpid(), SIGKILL);
        ::_exit(1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(value_at(*open_at(path), Table::name, "key") == "value");
}

TEST_CASE("a store of a newer format is refused and left as it is") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    {
        const auto store = open_at(path);
        wire::Writer row;
        row.u8(1).u32(LmdbStore::format + 1);
        Mutations turn;
        turn.put(Table::meta, "format", seal(row.take()));
        REQUIRE(store->commit(turn));
    }
    CHECK(refused(path) == Errc::unsupported);
    CHECK(verify_store(path).error().code == Errc::unsupported);
    CHECK(back_up_store(path, folder.path() / "copy").error().code == Errc::unsupported);
    CHECK_FALSE(fs::exists(folder.path() / "copy"));
}

TEST_CASE("a file that is not a store is refused as damaged") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fs::create_directory(path);
    fs::permissions(path, fs::perms::owner_all);
    std::ofstream(path / "data.mdb") << std::string(100'000, 'x');
    CHECK(refused(path) == Errc::damaged);
    { std::ofstream(path / "data.mdb", std::ios::trunc); }
    CHECK(LmdbStore::open(path, small_store())); // empty: begun, and ended before the first write
}

TEST_CASE("a file that is cut off is refused as damaged, not read beyond its end") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    {
        const auto store = open_at(path);
        Mutations turn;
        for (Position i = 0; i < 100; ++i)
            turn.put(Table::block, block_key(1, 0, i), block_of(10, 6'000));
        REQUIRE(store->commit(turn));
    }
    fs::resize_file(path / "data.mdb", 1'000'000);
    CHECK(refused(path) == Errc::damaged);
    CHECK(verify_store(path).error().code == Errc::damaged);
    fs::resize_file(path / "data.mdb", 5'000);
    CHECK(refused(path) == Errc::damaged);
}

TEST_CASE("opening and the first read cost the same however much is stored") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    LmdbOptions options = small_store();
    options.bytes_max = 1ULL << 30;
    const auto pages_touched = [&] {
        // Faults, not time: what was looked at.
        struct rusage before {};
        struct rusage after {};
        ::getrusage(RUSAGE_SELF, &before);
        const auto store = open_at(path, options);
        CHECK(value_at(*store, Table::block, block_key(1, 0, 0)));
        ::getrusage(RUSAGE_SELF, &after);
        return (after.ru_minflt - before.ru_minflt) + (after.ru_majflt - before.ru_majflt);
    };
    const auto fill = [&](Position from, Position until) {
        const auto store = open_at(path, options);
        while (from < until) {
            Mutations turn;
            for (int i = 0; i < 100 && from < until; ++i)
                turn.put(Table::block, block_key(1, 0, from++), std::string(60'000, 'x'));
            REQUIRE(store->commit(turn));
        }
    };
    fill(0, 10);
    const auto few = pages_touched();
    fill(10, 3'000); // 180 MB
    const auto many = pages_touched();
    INFO(few << " and " << many << " page faults");
    // The journal is read into memory that the process may have had already, or not.
    constexpr long journal_pages = 1'024;
    CHECK(many < few + journal_pages + 200);
}

TEST_CASE("the map grows with what it has to hold") {
    ScratchFolder folder;
    LmdbOptions options = small_store();
    options.bytes_max = 2ULL << 30;
    const auto store = open_at(folder.path() / "data", options);
    const std::uint64_t mapped = store->levels().map_bytes;
    CHECK(mapped < options.bytes_max);
    Position next = 0;
    while (store->levels().map_bytes == mapped) {
        Mutations turn;
        for (int i = 0; i < 200; ++i)
            turn.put(Table::block, block_key(1, 0, next++), std::string(65'000, 'g'));
        REQUIRE(store->commit(turn));
        REQUIRE(next < 10'000);
    }
    CHECK(value_at(*store, Table::block, block_key(1, 0, 0)) == std::string(65'000, 'g'));
    CHECK(value_at(*store, Table::block, block_key(1, 0, next - 1)) == std::string(65'000, 'g'));
}

TEST_CASE("a file whose messages come and go stays as long as it is") {
    ScratchFolder folder;
    const auto store = open_at(folder.path() / "data");
    const auto pass = [&](Position first) {
        Mutations turn;
        for (Position i = 0; i < 20; ++i) {
            turn.put(Table::block, block_key(1, 0, first + i), std::string(65'000, 'x'));
            if (first >= 100)
                turn.erase(Table::block, block_key(1, 0, first + i - 100));
        }
        REQUIRE(store->commit(turn));
    };
    Position next = 0;
    for (; next < 600; next += 20)
        pass(next);
    const std::uint64_t steady = store->levels().file_bytes;
    for (; next < 6'000; next += 20)
        pass(next);
    CHECK(store->levels().file_bytes <= steady + (2ULL << 20));
    CHECK(store->levels().used_bytes < 20ULL << 20);
}

TEST_CASE("memory stays flat while a large store is read through") {
    ScratchFolder folder;
    LmdbOptions options = small_store();
    options.bytes_max = 1ULL << 30;
    const auto store = open_at(folder.path() / "data", options);
    for (Position turns = 0; turns < 30; ++turns) {
        Mutations turn;
        for (Position i = 0; i < 100; ++i)
            turn.put(Table::block, block_key(1, 0, turns * 100 + i), std::string(65'000, 'x'));
        REQUIRE(store->commit(turn));
    }
    std::uint64_t most = 0;
    const std::uint64_t before = resident_file_bytes();
    for (Position first = 0; first < 3'000; first += 50) {
        const auto snapshot = store->read();
        REQUIRE(snapshot);
        std::uint64_t sum = 0;
        for (Position i = first; i < first + 50; ++i)
            sum += checksum(**(*snapshot)->get(Table::block, block_key(1, 0, i)));
        CHECK(sum != 0);
        most = std::max(most, resident_file_bytes());
    }
    INFO(before << " bytes of files before, at most " << most);
    CHECK(most < before + (32ULL << 20)); // of 195 MB
}
