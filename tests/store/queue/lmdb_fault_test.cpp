// SPDX-License-Identifier: Apache-2.0
// A disk that is full, a disk that fails, a directory that is read only: nothing that was committed
// is lost, and what was accepted can be finished.
#include <store/queue/lmdb_faults.hpp>
#include <store/queue/subject.hpp>
#include <support/catch.hpp>
#include <sys/mount.h>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t value_bytes = 65'000;

LmdbOptions large_store() {
    LmdbOptions options = small_store();
    options.bytes_max = 1ULL << 30;
    return options;
}

Status put(Store& store, Position& next, int blocks) {
    Mutations turn;
    for (int i = 0; i < blocks; ++i)
        turn.put(Table::block, block_key(1, 0, next + static_cast<Position>(i)),
                 std::string(value_bytes, 'x'));
    const auto committed = store.commit(turn);
    if (!committed)
        return fail(committed.error());
    next += static_cast<Position>(blocks);
    return {};
}

// What a server does on a disk that fills up: puts while there is room, then finishes everything.
// Empty: it went as it should; else what did not.
std::string fill_and_drain(Store& store, std::uint64_t disk_bytes) {
    Position next = 0;
    while (store.room() > 8 * value_bytes) {
        if (const Status done = put(store, next, 8); !done)
            return "a put that had room: " + done.error().detail;
        if (next * value_bytes > 2 * disk_bytes)
            return "the disk does not become full";
    }
    if (next * value_bytes < disk_bytes / 4)
        return "full after " + std::to_string(next) + " blocks";
    // A server that did not ask for room, and puts until the disk has no byte left.
    Position further = next;
    Status refused;
    while ((refused = put(store, further, 8)))
        if (further * value_bytes > 2 * disk_bytes)
            return "the disk never refuses";
    if (refused.error().code != Errc::disk_full)
        return "refused otherwise: " + to_string(refused.error());
    next = further;
    if (rows_in(store, Table::block) != next)
        return "a failed commit left something, or took something";
    for (Position first = 0; first < next; ++first) {
        Mutations turn;
        turn.erase(Table::block, block_key(1, 0, first));
        turn.put(Table::queue, queue_key(1), std::string(200, 'q'));
        if (const auto done = store.commit(turn); !done)
            return "a delete on a full disk: " + to_string(done.error());
    }
    for (int i = 0; i < 64; ++i)
        store.housekeep();
    if (store.room() < 8 * value_bytes)
        return "no room although everything is gone";
    return put(store, next, 8) ? "" : "a put after everything is gone";
}

} // namespace

TEST_CASE("a disk that is full refuses puts, and everything accepted is still finished") {
    ScratchFolder folder;
    constexpr std::uint64_t disk_bytes = 64ULL << 20;
    // A real one where the test may mount it, else a limit on the length of files.
    const bool is_mounted =
        ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64m,mode=0700") == 0;
    const int status = in_child([&] {
        if (!is_mounted) {
            std::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{disk_bytes, disk_bytes};
            ::setrlimit(RLIMIT_FSIZE, &limit);
        }
        const auto store = LmdbStore::open(folder.path() / "data", large_store());
        if (!store)
            return false;
        const std::string wrong = fill_and_drain(**store, disk_bytes);
        if (!wrong.empty())
            std::fprintf(stderr, "%s\n", wrong.c_str());
        return wrong.empty();
    });
    if (is_mounted)
        ::umount2(folder.path().c_str(), MNT_DETACH);
    CHECK(status == 0);
}

TEST_CASE("files that may not grow are a full disk as well") {
    ScratchFolder folder;
    const int status = in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{48ULL << 20, 48ULL << 20};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto store = LmdbStore::open(folder.path() / "data", large_store());
        if (!store)
            return false;
        Position next = 0;
        Status refused;
        while ((refused = put(**store, next, 8)) && next < 10'000) {
        }
        const std::size_t rows = rows_in(**store, Table::block);
        return !refused && refused.error().code == Errc::disk_full && (*store)->room() == 0 &&
               rows == next;
    });
    CHECK(status == 0);
}

TEST_CASE("a full map refuses puts, and everything accepted is still finished") {
    ScratchFolder folder;
    auto store = LmdbStore::open(folder.path() / "data", small_store());
    REQUIRE(store);
    CHECK(fill_and_drain(**store, small_store().bytes_max) == "");
    CHECK((*store)->levels().file_bytes <= small_store().bytes_max);
}

TEST_CASE("a map that became smaller than the file leaves room to finish everything") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    Position next = 0;
    {
        const auto store = LmdbStore::open(path, large_store());
        REQUIRE(store);
        while (next < 1'000)
            REQUIRE(put(**store, next, 20));
    }
    LmdbOptions less = small_store();
    less.bytes_max = 16ULL << 20;
    const auto store = LmdbStore::open(path, less);
    REQUIRE(store);
    CHECK((*store)->room() == 0);
    for (Position first = 0; first < next; ++first) {
        Mutations turn;
        turn.erase(Table::block, block_key(1, 0, first));
        REQUIRE((*store)->commit(turn));
    }
    CHECK(rows_in(**store, Table::block) == 0);
}

TEST_CASE("a commit whose pages cannot be written changes nothing") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    Position next = 0;
    REQUIRE(put(**store, next, 2));
    {
        FullDescriptor fault(path / "data.mdb", FullDescriptor::Which::pages);
        const Status done = put(**store, next, 2);
        REQUIRE_FALSE(done);
        CHECK(done.error().code == Errc::disk_full);
        CHECK((*store)->room() == 0);
        CHECK(rows_in(**store, Table::block) == 2);
    }
    CHECK(put(**store, next, 2)); // it has been opened again, with a disk that works
    CHECK(rows_in(**store, Table::block) == 4);
}

TEST_CASE("a store that was full finds out by itself that there is room again") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    Position next = 0;
    std::uint64_t refused = 0;
    {
        FullDescriptor fault(path / "data.mdb", FullDescriptor::Which::pages);
        REQUIRE_FALSE(put(**store, next, 2));
    }
    REQUIRE((*store)->read()); // opened again
    while ((*store)->room() == 0 && refused < 100'000)
        ++refused;
    INFO(refused << " refused");
    CHECK((*store)->room() > 0);
}

TEST_CASE("after a commit in doubt the store is asked, and says what is so") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    Position next = 0;
    REQUIRE(put(**store, next, 2));
    {
        FullDescriptor fault(path / "data.mdb", FullDescriptor::Which::head);
        CHECK_FALSE(put(**store, next, 3));
        CHECK((*store)->room() == 0);
    }
    const std::size_t rows = rows_in(**store, Table::block);
    CHECK((rows == 2 || rows == 5));
    next = rows;
    CHECK(put(**store, next, 1));
    CHECK((*store)->room() > 0);
    store->reset();
    store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    CHECK(rows_in(**store, Table::block) == rows + 1);
}

TEST_CASE("a read-only directory is refused for writing, and verified") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    {
        const auto store = LmdbStore::open(path, small_store());
        REQUIRE(store);
        Mutations turn;
        define(turn, 1, "orders");
        REQUIRE((*store)->commit(turn));
    }
    // Root writes whatever the mode says, so a mount if that can be had, else the mode.
    const bool is_mounted =
        ::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
        ::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
    if (!is_mounted) {
        ::umount2(path.c_str(), MNT_DETACH);
        for (const char* const file : {"data.mdb", "lock.mdb", "lock"})
            fs::permissions(path / file, fs::perms::owner_read);
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_exec);
    }
    const bool is_refusable = is_mounted || ::geteuid() != 0;
    const auto opened = LmdbStore::open(path, small_store());
    const auto verified = verify_store(path);
    if (is_mounted)
        ::umount2(path.c_str(), MNT_DETACH);
    else
        fs::permissions(path, fs::perms::owner_all);
    if (is_refusable) {
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::io);
        REQUIRE(verified);
        CHECK(verified->queues == 1);
        CHECK(verified->damaged == 0);
    }
}
