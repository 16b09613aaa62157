// SPDX-License-Identifier: Apache-2.0
// Verifying, backing up and restoring a data directory, while it is used and when it is damaged.
#include <fcntl.h>
#include <store/queue/lmdb_faults.hpp>
#include <store/queue/subject.hpp>
#include <support/catch.hpp>
#include <support/seed.hpp>
#include <unistd.h>

#include <random>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

namespace {

// Ten blocks of 50 messages in each of two queues.
void fill(const fs::path& path) {
    const auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    for (QueueId queue = 1; queue <= 2; ++queue) {
        Mutations turn;
        define(turn, queue, "queue-" + std::to_string(queue));
        for (Position i = 0; i < 10; ++i)
            turn.put(Table::block, block_key(queue, 0, i * 50), block_of(50, 500));
        REQUIRE((*store)->commit(turn));
    }
}

void change(const fs::path& path, const std::function<void(Mutations&)>& what) {
    const auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    Mutations turn;
    what(turn);
    REQUIRE((*store)->commit(turn));
}

std::string first_finding(const fs::path& path) {
    const auto report = verify_store(path);
    REQUIRE(report);
    CHECK(report->damaged >= 1);
    return report->findings.empty() ? "" : report->findings.front();
}

// Changes one byte in the middle of the first block's messages.
void damage_a_block(const fs::path& path) {
    const std::string file = (path / "data.mdb").string();
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    std::string bytes(fs::file_size(file), '\0');
    REQUIRE(::pread(descriptor, bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    const std::size_t at = bytes.find(std::string(400, 'x'));
    REQUIRE(at != std::string::npos);
    REQUIRE(::pwrite(descriptor, "y", 1, static_cast<off_t>(at + 100)) == 1);
    ::close(descriptor);
}

} // namespace

TEST_CASE("a whole store is verified, and counted") {
    ScratchFolder folder;
    fill(folder.path() / "data");
    const auto report = verify_store(folder.path() / "data");
    REQUIRE(report);
    CHECK(report->damaged == 0);
    CHECK(report->findings.empty());
    CHECK(report->queues == 2);
    CHECK(report->messages == 1000);
    CHECK(report->bytes > 500'000);
}

TEST_CASE("a block with a changed byte is found, and the rest is still counted") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fill(path);
    damage_a_block(path);
    const auto report = verify_store(path);
    REQUIRE(report);
    CHECK(report->damaged == 1);
    REQUIRE(report->findings.size() == 1);
    CHECK(report->findings.front().find("position") != std::string::npos);
    CHECK(report->messages == 950);
}

TEST_CASE("rows that do not belong together are found") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fill(path);
    const auto found = [&](const std::function<void(Mutations&)>& what,
                           const std::function<void(Mutations&)>& undo) {
        change(path, what);
        const std::string finding = first_finding(path);
        change(path, undo);
        const auto healed = verify_store(path);
        REQUIRE(healed);
        CHECK(healed->damaged == 0);
        return finding;
    };
    const auto row = [&](Table table, const std::string& key, const std::string& value) {
        return found([&](Mutations& turn) { turn.put(table, key, value); },
                     [&](Mutations& turn) { turn.erase(table, key); });
    };
    CHECK(row(Table::block, block_key(1, 0, 25), block_of(1, 10)).find("overlap") !=
          std::string::npos);
    CHECK(row(Table::block, "odd", block_of(1, 10)).find("length") != std::string::npos);
    CHECK(row(Table::done, block_key(1, 0, 51), seal("\x01")).find("no block") !=
          std::string::npos);
    CHECK(row(Table::attempt, block_key(1, 0, 500), seal("\x01")).find("no message") !=
          std::string::npos);
    CHECK(row(Table::expiry, "odd", "").find("length") != std::string::npos);
    CHECK(row(Table::name, "ghost", queue_key(9)).find("no such queue") != std::string::npos);
    Queue state;
    CHECK(row(Table::queue, queue_key(9) + "s", encode_state(state, Horizons::exact))
              .find("no definition") != std::string::npos);
    state.ready = 499;
    CHECK(row(Table::queue, queue_key(1) + "s", encode_state(state, Horizons::exact))
              .find("holds 500") != std::string::npos);
    CHECK(
        row(Table::queue, queue_key(7), encode_definition({"seven", {}})).find("not in the list") !=
        std::string::npos);
    CHECK(row(Table::done, block_key(1, 0, 50), seal("\x01 odd")).find("bitmap") !=
          std::string::npos);
    CHECK(row(Table::producer, producer_key({"p", 1}), "no checksum").find("checksum") !=
          std::string::npos);
    CHECK(row(Table::producer_age, producer_age_key(1, {"p", 1}), "").find("no producer") !=
          std::string::npos);
    CHECK(row(Table::delayed, delayed_key({1, 1, 1}), "nothing").find("delayed") !=
          std::string::npos);
    CHECK(row(Table::meta, "odd", "no checksum").find("checksum") != std::string::npos);
    // What belongs is not found.
    change(path, [&](Mutations& turn) {
        turn.put(Table::attempt, block_key(1, 0, 499), seal("\x01"));
        turn.put(Table::expiry, expiry_key({5, {1, 0, 50}}), "");
        turn.put(Table::producer, producer_key({"p", 1}), seal("\x01"));
        turn.put(Table::producer_age, producer_age_key(1, {"p", 1}), "");
    });
    CHECK(verify_store(path)->damaged == 0);
}

TEST_CASE("a backup is a store of its own, no larger than what it holds") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fill(path);
    std::uint64_t told = 0;
    REQUIRE(back_up_store(path, folder.path() / "copy", [&](std::uint64_t done, std::uint64_t all) {
        CHECK(done <= all);
        told = done;
    }));
    CHECK(told > 0);
    CHECK(fs::file_size(folder.path() / "copy" / "data.mdb") < fs::file_size(path / "data.mdb"));
    CHECK_FALSE(fs::exists(folder.path() / "copy" / "data.mdb.part"));
    const auto report = verify_store(folder.path() / "copy");
    REQUIRE(report);
    CHECK(report->messages == 1000);
    CHECK(report->damaged == 0);

    CHECK(back_up_store(path, folder.path() / "copy").error().code == Errc::exists);
    CHECK(back_up_store(path, folder.path() / "no" / "copy").error().code == Errc::not_found);
    CHECK_FALSE(back_up_store(folder.path() / "nothing", folder.path() / "other"));
}

TEST_CASE("half a copy is named, and is no store") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    const fs::path copy = folder.path() / "copy";
    fill(path);
    fs::create_directory(copy);
    fs::permissions(copy, fs::perms::owner_all);
    std::ofstream(copy / "data.mdb.part") << "half";
    const auto names_it = [&](const Error& error) {
        INFO(error.detail);
        return error.detail.find((copy / "data.mdb.part").string()) != std::string::npos &&
               error.detail.find("empty the directory") != std::string::npos;
    };
    CHECK(names_it(back_up_store(path, copy).error()));
    const auto opened = LmdbStore::open(copy, small_store());
    REQUIRE_FALSE(opened);
    CHECK(names_it(opened.error()));
    fs::remove_all(copy);
    REQUIRE(back_up_store(path, copy));
}

TEST_CASE("a restored store goes on where its backup was made") {
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fill(path);
    REQUIRE(back_up_store(path, folder.path() / "copy"));
    change(path, [](Mutations& turn) { turn.erase(Table::block, block_key(1, 0, 0)); });
    CHECK(restore_store(folder.path() / "copy", path).error().code == Errc::exists);
    REQUIRE(restore_store(folder.path() / "copy", folder.path() / "again"));
    const auto store = LmdbStore::open(folder.path() / "again", small_store());
    REQUIRE(store);
    CHECK(value_at(**store, Table::block, block_key(1, 0, 0)) == block_of(50, 500));
    Mutations turn;
    turn.put(Table::name, "more", queue_key(1));
    CHECK((*store)->commit(turn));
}

TEST_CASE("a damaged backup is not restored") {
    ScratchFolder folder;
    fill(folder.path() / "data");
    REQUIRE(back_up_store(folder.path() / "data", folder.path() / "copy"));
    damage_a_block(folder.path() / "copy");
    const Status restored = restore_store(folder.path() / "copy", folder.path() / "again");
    REQUIRE_FALSE(restored);
    CHECK(restored.error().code == Errc::damaged);
    CHECK_FALSE(fs::exists(folder.path() / "again" / "data.mdb"));
}

TEST_CASE("a backup that finds no room leaves nothing that looks like one") {
    ScratchFolder folder;
    fill(folder.path() / "data");
    const int status = in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{200'000, 200'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const Status copied = back_up_store(folder.path() / "data", folder.path() / "copy");
        return !copied && copied.error().code == Errc::disk_full;
    });
    CHECK(status == 0);
    CHECK(fs::is_empty(folder.path() / "copy"));
}

TEST_CASE("a store is verified and backed up by another process while it is written") {
    const std::uint64_t seed = test::seed(3);
    INFO("seed " << seed);
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    fill(path);
    const auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    CHECK(verify_store(path).error().code == Errc::address_in_use);
    CHECK(back_up_store(path, folder.path() / "copy").error().code == Errc::address_in_use);

    // Every turn moves a block: whenever it is looked at, there are twenty, none twice.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool is_right = true;
        for (int round = 0; round < 5; ++round) {
            const auto report = verify_store(path);
            is_right = is_right && report && report->damaged == 0 && report->messages == 1000;
            const fs::path copy = folder.path() / ("copy-" + std::to_string(round));
            is_right = is_right && back_up_store(path, copy);
            const auto copied = verify_store(copy);
            is_right = is_right && copied && copied->damaged == 0 && copied->messages == 1000;
        }
        ::_exit(is_right ? 0 : 1);
    }
    std::mt19937_64 random(seed);
    Position first = 0;
    Position next = 500;
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        Mutations turn;
        turn.erase(Table::block, block_key(1, 0, first));
        turn.put(Table::block, block_key(1, 0, next), block_of(50, 200 + random() % 900));
        REQUIRE((*store)->commit(turn));
        first += 50;
        next += 50;
    }
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("any page of the trees may be damaged: it is found, or it was not in use") {
    const std::uint64_t seed = test::seed(5);
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    {
        const auto store = LmdbStore::open(path, small_store());
        REQUIRE(store);
        for (Position turns = 0; turns < 60; ++turns) { // trees of some depth, and free pages
            Mutations turn;
            define(turn, 1, "queue");
            for (Position i = 0; i < 40; ++i)
                turn.put(Table::block, block_key(1, 0, turns * 40 + i), block_of(1, 900));
            turn.put(Table::block, block_key(2, 0, turns * 10), block_of(10, 900));
            if (turns > 10)
                turn.erase(Table::block, block_key(2, 0, (turns - 10) * 10));
            REQUIRE((*store)->commit(turn));
        }
    }
    const std::string file = (path / "data.mdb").string();
    const auto before = verify_store(path);
    REQUIRE(before);
    CHECK(before->damaged == 0);
    const std::uint64_t pages = fs::file_size(file) / 4096;
    int found = 0;
    for (int round = 0; round < 300; ++round) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
        REQUIRE(descriptor >= 0);
        const auto page = static_cast<off_t>(2 + random() % (pages - 2)) * 4096;
        std::string kept(4096, '\0');
        REQUIRE(::pread(descriptor, kept.data(), kept.size(), page) == 4096);
        std::string damaged = kept;
        const std::size_t at = random() % 3 == 0 ? random() % 4096 : random() % 64;
        const std::size_t size = std::min<std::size_t>(1 + random() % 600, 4096 - at);
        for (std::size_t i = at; i < at + size; ++i)
            damaged[i] = static_cast<char>(random());
        REQUIRE(::pwrite(descriptor, damaged.data(), damaged.size(), page) == 4096);
        INFO("round " << round << ", page " << page / 4096 << ", byte " << at);
        const auto report = verify_store(path);
        if (!report || report->damaged > 0)
            ++found;
        else
            CHECK(report->messages == before->messages);
        REQUIRE(::pwrite(descriptor, kept.data(), kept.size(), page) == 4096);
        ::close(descriptor);
    }
    CHECK(found > 30);
    CHECK(verify_store(path)->damaged == 0);
}
